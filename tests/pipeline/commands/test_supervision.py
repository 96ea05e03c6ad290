from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tfx_sequences.errors import DataError, TfxSequencesError
from tfx_sequences.pipeline.commands.supervision import brief, supervised


def raising(error: BaseException):
    def work(capture):
        print("chatter")
        raise error

    return work


def test_code_of_the_work_is_returned_and_only_its_console_is_seen(capfd):
    def work(capture):
        print("chatter")
        capture.console.print("seen")
        return 1

    assert supervised(work) == 1
    assert capfd.readouterr() == ("seen\n", "")


def test_user_error_is_its_own_message(capfd):
    assert supervised(raising(DataError("Bad [red]record[/].", expected="a good one", fix="Mend it."))) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err == "Error: Bad [red]record[/].\n  expected: a good one\n  fix:      Mend it.\n"


@pytest.mark.parametrize(
    ("error", "message"),
    [(RuntimeError("boom"), "RuntimeError: boom"), (TfxSequencesError("Trainer failed: x"), "Trainer failed: x")],
)
def test_defect_names_the_log_which_has_the_traceback(capfd, error, message):
    assert supervised(raising(error)) == 3
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith(f"Error: {message}\n")
    assert "Traceback" not in err
    assert "report it" in err
    [line] = [line for line in err.splitlines() if "log file:" in line]
    log = Path(line.partition(": ")[2])
    text = log.read_text()
    log.unlink()
    assert text.startswith("chatter\n")
    assert "Traceback (most recent call last):" in text
    assert f"{error}" in text


@pytest.mark.parametrize(("module", "shown"), [("tensorflow.python.eager.core", False), ("tfx_sequences.errors", True)])
def test_only_finalizers_of_libraries_fail_silently_at_the_end(module, shown):
    code = f"""
    from tfx_sequences.pipeline.commands.supervision import supervised
    class Late:
        def __del__(self):
            raise ValueError("too late")
    Late.__del__.__module__ = {module!r}
    kept = Late()
    supervised(lambda capture: 0)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True)
    assert ("too late" in done.stderr) == shown
    assert shown or done.stderr == ""


def test_interrupt_is_one_word(capfd):
    assert supervised(raising(KeyboardInterrupt())) == 130
    assert capfd.readouterr() == ("", "Stopped.\n")


def test_reader_that_goes_away_is_no_error():
    code = """
    import sys
    from tfx_sequences.pipeline.commands.supervision import supervised
    def work(capture):
        for i in range(100_000):
            capture.stdout.write(f"{i}\\n")
        return 0
    sys.exit(supervised(work))
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "0\n"
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait() == 141


def test_brief_keeps_the_error_of_a_traceback_in_a_traceback():
    text = """Traceback (most recent call last):
  File "a.py", line 1, in f
    g()
KeyError: 'x'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "b.py", line 2, in h
    f()
ValueError: no x in record 7
in file train
"""
    assert brief(text) == "ValueError: no x in record 7\nin file train"
    assert brief("Traceback (most recent call last):\n  File") == "  File"
    assert brief("") == ""
    assert brief("\n".join("abcdef"), most=6) == "a\nb\nc\nd\ne\nf"
