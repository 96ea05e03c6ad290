from __future__ import annotations

import contextlib
import logging
import os
import pty
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tfx_sequences.pipeline.commands.capture import captured_output


def run_script(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Runs code in a process with real descriptors 1 and 2, and no capture of pytest's in between."""
    words = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
    return subprocess.run(words, capture_output=True, text=True)


def test_everything_but_the_console_goes_to_the_log(tmp_path):
    log = tmp_path / "run.log"
    done = run_script(
        """
        import ctypes, logging, os, subprocess, sys, warnings
        from pathlib import Path
        from absl import logging as absl_logging
        from tfx_sequences.pipeline.commands.capture import captured_output

        old_stderr_handler = logging.StreamHandler(sys.stderr)
        own = logging.getLogger("own")
        own.addHandler(old_stderr_handler)
        print("before")
        with captured_output(Path(sys.argv[1])) as capture:
            print("from print")
            print("from print to stderr", file=sys.stderr)
            os.write(1, b"from descriptor 1\\n")
            os.write(2, b"from descriptor 2\\n")
            ctypes.CDLL(None).puts(b"from the C library")
            subprocess.run([sys.executable, "-c", "import sys; print('from a child'); sys.exit('and its stderr')"])
            os.system("echo from a shell >&2")
            logging.getLogger("some.module").info("from logging %d", 1)
            absl_logging.info("from absl")
            own.warning("from an old handler")
            warnings.warn("from a warning")
            sys.__stdout__.write("from the first stdout\\n")
            capture.console.print("to the person")
            capture.error_console.print("to the person's stderr")
        print("after")
        os.write(2, b"after on 2\\n")
        logging.getLogger("some.module").info("not shown: info after the end")
        """,
        log,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "before\nto the person\nafter\n"
    assert done.stderr == "to the person's stderr\nafter on 2\n"
    text = log.read_text()
    for source in (
        "from print\n",
        "from print to stderr\n",
        "from descriptor 1\n",
        "from descriptor 2\n",
        "from the C library\n",
        "from a child\n",
        "and its stderr\n",
        "from a shell\n",
        "some.module: from logging 1\n",
        "absl: from absl\n",
        "from an old handler\n",
        "UserWarning: from a warning",
        "from the first stdout\n",
    ):
        assert source in text
    assert "to the person" not in text
    assert "after" not in text


@pytest.mark.parametrize("error", ["ValueError('boom')", "KeyboardInterrupt()", "SystemExit(5)"])
def test_all_is_restored_after_an_exception(tmp_path, error):
    done = run_script(
        f"""
        import logging, os, sys
        from pathlib import Path
        from tfx_sequences.pipeline.commands.capture import captured_output
        before = sys.stdout, sys.stderr, logging.root.handlers[:], logging.root.level, len(os.listdir("/proc/self/fd"))
        try:
            with captured_output(Path(sys.argv[1])):
                print("inside")
                raise {error}
        except BaseException as caught:
            print(type(caught).__name__)
        after = sys.stdout, sys.stderr, logging.root.handlers[:], logging.root.level, len(os.listdir("/proc/self/fd"))
        print(before == after)
        """,
        tmp_path / "run.log",
    )
    assert done.stdout.splitlines() == [error.split("(")[0], "True"]
    assert done.stderr == ""
    assert (tmp_path / "run.log").read_text() == "inside\n"


def test_log_is_appended_to(tmp_path):
    log = tmp_path / "run.log"
    log.write_text("earlier\n")
    with captured_output(log) as capture:
        print("now")
        assert capture.log_path == log
    assert log.read_text() == "earlier\nnow\n"


def test_temporary_log_is_removed_unless_kept():
    with captured_output() as capture:
        gone = capture.log_path
        assert gone.is_file()
    assert not gone.exists()
    with captured_output() as capture:
        print("why")
        capture.keep = True
    assert capture.log_path.read_text() == "why\n"
    capture.log_path.unlink()
    with contextlib.suppress(ValueError), captured_output() as capture:
        raise ValueError
    assert not capture.log_path.exists()


def test_log_can_move_while_it_is_written(tmp_path):
    place = tmp_path / "logs"
    with captured_output() as capture:
        first = capture.log_path
        print("one")
        os.write(1, b"two\n")
        place.mkdir()
        capture.move_to(place / "run.log")
        print("three")
        os.write(2, b"four\n")
        logging.getLogger("some").warning("five")
        os.system("echo six")
    assert capture.log_path == place / "run.log"
    assert not first.exists()
    lines = (place / "run.log").read_text().splitlines()
    assert [line.split()[-1] for line in lines] == ["one", "two", "three", "four", "five", "six"]
    assert (place / "run.log").stat().st_mode & 0o777 == 0o644


def test_log_can_move_to_another_file_system(tmp_path):
    other = Path("/dev/shm")
    if not os.access(other, os.W_OK) or other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no second file system to write to")
    target = other / f"tfx-sequences-test-{os.getpid()}.log"
    try:
        with captured_output(tmp_path / "run.log") as capture:
            print("one")
            capture.move_to(target)
            print("two")
            os.system("echo three")
        assert target.read_text() == "one\ntwo\nthree\n"
        assert not (tmp_path / "run.log").exists()
    finally:
        target.unlink(missing_ok=True)


def test_failed_move_leaves_the_log_where_it_is(tmp_path):
    with captured_output(tmp_path / "run.log") as capture:
        with pytest.raises(FileNotFoundError):
            capture.move_to(tmp_path / "no such folder" / "run.log")
        print("still here")
    assert (tmp_path / "run.log").read_text() == "still here\n"


def test_console_knows_a_terminal(tmp_path):
    code = """
import sys
from pathlib import Path
from tfx_sequences.pipeline.commands.capture import captured_output
with captured_output(Path(sys.argv[1])) as capture:
    capture.console.print("terminal" if capture.console.is_terminal else "file")
"""
    ours, theirs = pty.openpty()
    words = [sys.executable, "-c", code, str(tmp_path / "log")]
    subprocess.run(words, stdout=theirs, stderr=subprocess.PIPE, check=True, env={**os.environ, "TERM": "xterm"})
    os.close(theirs)
    assert b"terminal" in os.read(ours, 1000)
    os.close(ours)
    assert run_script(code, tmp_path / "log").stdout == "file\n"


def test_what_a_terminal_cannot_show_is_replaced(tmp_path):
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from tfx_sequences.pipeline.commands.capture import captured_output\n"
            "with captured_output() as capture: capture.stdout.write('\\u2713 done\\n')",
        ],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    assert done.stdout == b"? done\n"
