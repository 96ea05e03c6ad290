"""A command that does not stop is stopped, with everything that it has started."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from tfx_sequences.pipeline.commands.hard_stop import descendants, stopped_within

pytestmark = pytest.mark.usefixtures("interrupts")


@pytest.mark.parametrize(
    ("number", "code", "message"),
    [(signal.SIGINT, 130, "Stopped.\n"), (signal.SIGTERM, 143, "Stopped by SIGTERM.\n")],
    ids=["SIGINT", "SIGTERM"],
)
def test_a_command_that_never_stops_is_stopped_with_its_processes(number, code, message, tmp_path):
    program = """
    import subprocess, sys, time
    from tfx_sequences.pipeline.commands.supervision import supervised
    def work(capture):
        inner = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(1000)'])"
        subprocess.Popen([sys.executable, "-c", inner], start_new_session=True)
        time.sleep(1)
        first = True
        while True:
            # The signal may come as soon as the line is printed.
            try:
                if first:
                    first = False
                    capture.console.print("started")
                time.sleep(50)
            except KeyboardInterrupt:
                pass
    sys.exit(supervised(work, stops_within=0.2))
    """
    words = [sys.executable, "-c", textwrap.dedent(program)]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout.readline() == "started\n"
        started = descendants(process.pid)
        assert len(started) == 2
        process.send_signal(number)
        _, error = process.communicate(timeout=60)
    assert (process.returncode, error) == (code, message)
    deadline = time.monotonic() + 60
    while any(is_running(pid) for pid in started):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert os.listdir(tmp_path) == []


def is_running(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_block_that_ends_in_time_is_not_stopped():
    got = []
    with stopped_within(60, [signal.SIGINT], got.append):
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            got.append("interrupted")
    assert got == ["interrupted"]
    assert signal.set_wakeup_fd(-1) == -1


def test_other_signals_stop_nothing():
    got = []
    before = signal.signal(signal.SIGUSR1, lambda *_: got.append("mine"))
    try:
        with stopped_within(0, [signal.SIGINT], got.append):
            signal.raise_signal(signal.SIGUSR1)
            time.sleep(0.2)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert got == ["mine"]
