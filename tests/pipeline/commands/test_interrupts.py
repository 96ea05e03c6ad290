import contextlib
import signal
import subprocess
import sys
import textwrap
import threading
import time
import weakref

import pytest

from tfx_sequences.pipeline.commands import interrupts
from tfx_sequences.pipeline.commands.interrupts import interruptible

pytestmark = pytest.mark.usefixtures("interrupts")


def interrupt():
    signal.raise_signal(signal.SIGINT)


def lost_in_a_callback():
    class Thing:
        pass

    reference = weakref.ref(thing := Thing(), lambda _: interrupt())
    del thing
    assert reference() is None


def lost_in_an_except():
    with contextlib.suppress(BaseException):
        interrupt()


def handlers():
    return signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGALRM), signal.getitimer(signal.ITIMER_REAL)


@pytest.mark.parametrize("lost", [lost_in_a_callback, lost_in_an_except])
def test_an_interrupt_that_was_lost_comes_again(lost, monkeypatch):
    # pytest's hook imports modules, in which the repeated interrupt may come.
    monkeypatch.setattr(sys, "unraisablehook", lambda _: None)
    monkeypatch.setattr(interrupts, "REPEATED_AFTER", 0.05)
    before, steps = handlers(), []

    def work():
        for _ in range(2):
            lost()
            steps.append("lost")
        time.sleep(60)
        steps.append("not interrupted")

    with pytest.raises(KeyboardInterrupt), interruptible():
        work()
    # On a slow machine the second interrupt comes before the second loss.
    assert steps in (["lost"], ["lost", "lost"])
    assert handlers() == before


def test_work_that_ends_in_spite_of_an_interrupt_is_interrupted():
    def work():
        with interruptible():
            lost_in_an_except()
            return "done"

    with pytest.raises(KeyboardInterrupt):
        work()


def test_another_error_that_an_interrupt_became_is_the_interrupt():
    with pytest.raises(KeyboardInterrupt) as caught, interruptible():
        lost_in_an_except()
        raise ImportError("no module")
    assert isinstance(caught.value.__cause__, ImportError)


def test_without_an_interrupt_nothing_changes():
    before = handlers()
    with pytest.raises(ImportError), interruptible():
        raise ImportError
    with interruptible():
        # No timer runs, so nothing would come later.
        assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    assert handlers() == before


def test_a_handler_of_the_caller_stays():
    got = []
    before = signal.signal(signal.SIGINT, lambda *_: got.append("mine"))
    try:
        with interruptible():
            interrupt()
    finally:
        signal.signal(signal.SIGINT, before)
    assert got == ["mine"]


def test_other_threads_have_no_signals():
    done = []

    def work():
        with interruptible():
            done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [True]


@pytest.mark.parametrize(
    ("number", "code", "message"),
    [(signal.SIGINT, 130, "Stopped.\n"), (signal.SIGTERM, 143, "Stopped by SIGTERM.\n")],
    ids=["SIGINT", "SIGTERM"],
)
def test_a_command_whose_interrupt_was_lost_ends_with_the_code_of_the_signal(number, code, message):
    program = """
    import sys, time
    from tfx_sequences.pipeline.commands import interrupts
    from tfx_sequences.pipeline.commands.supervision import supervised
    interrupts.REPEATED_AFTER = 0.05
    def work(capture):
        capture.console.print("started")
        try:
            time.sleep(50)
        except KeyboardInterrupt:
            pass
        time.sleep(50)
    sys.exit(supervised(work))
    """
    words = [sys.executable, "-c", textwrap.dedent(program)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "started\n"
        process.send_signal(number)
        _, error = process.communicate(timeout=60)
    assert (process.returncode, error) == (code, message)
