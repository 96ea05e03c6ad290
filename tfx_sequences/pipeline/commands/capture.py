"""Sends the log output of TensorFlow and TFX to a file, and keeps the terminal for our own messages.

TensorFlow's C++ code and child processes write to file descriptors 1 and 2 directly,
not through Python's `sys.stdout`, so those descriptors themselves are redirected.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import io
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console

_NO_LOG = Path(os.devnull)
_LOG_FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


class Capture:
    """What `captured_output` gives: the real terminal, and the log file for all other output."""

    def __init__(self, log_path: Path, stdout: TextIO, stderr: TextIO) -> None:
        self.log_path = log_path
        """Where the log is now."""
        self.keep = False
        """Set it to keep a temporary log file when the capture ends."""
        self.stdout = stdout
        """The original standard output, for data."""
        self.console = Console(file=stdout, highlight=False)
        """The original standard output, for people."""
        self.error_console = Console(file=stderr, highlight=False)
        """The original standard error."""

    def move_to(self, path: Path) -> None:
        """Moves the log file to `path`, in an existing folder; later output goes there."""
        _flush()
        if self.log_path == _NO_LOG:
            return
        try:
            os.replace(self.log_path, path)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            # Another file system: the descriptors must be redirected to the copy.
            shutil.copyfile(self.log_path, path)
            _redirect(path)
            self.log_path.unlink()
        # Temporary files are private; logs need not be.
        path.chmod(0o644)
        self.log_path = path
        self.keep = True


@contextlib.contextmanager
def captured_output(log_path: Path | None = None) -> Iterator[Capture]:
    """Redirects standard output and error to a file, including those of C++ code and child processes.

    Python's logging goes there too, from level INFO on. Everything is restored at the end,
    also after an exception.

    Args:
        log_path: The file to append to; its folder must exist. None uses a temporary file,
            removed at the end unless it was moved or `keep` was set.

    >>> with captured_output() as capture:
    ...     print("chatter")
    ...     logged = os.system("echo more of it") == 0 and capture.log_path.read_text()
    >>> logged
    'chatter\\nmore of it\\n'
    """
    temporary = log_path is None
    if log_path is None:
        log_path = _temporary_log()
        temporary = log_path != _NO_LOG
    _flush()
    with contextlib.ExitStack() as undo:
        stdout, stderr = (undo.enter_context(_original(number)) for number in (1, 2))
        _redirect(log_path)
        # Callbacks run in reverse order: Python's buffers are flushed to the log before the descriptors are restored.
        undo.callback(_restore, stdout.fileno(), stderr.fileno())
        undo.enter_context(_python_streams())
        undo.enter_context(_python_logging())
        capture = Capture(log_path, stdout, stderr)
        try:
            yield capture
        finally:
            if temporary and not capture.keep:
                capture.log_path.unlink(missing_ok=True)


def _temporary_log() -> Path:
    """A new file; where no temporary folder can be written, output that would be logged is dropped."""
    try:
        handle, name = tempfile.mkstemp(prefix="tfx-sequences-", suffix=".log")
    except OSError:
        return _NO_LOG
    os.close(handle)
    return Path(name)


@contextlib.contextmanager
def _original(number: int) -> Iterator[TextIO]:
    """A text stream to the descriptor's current target, which a later redirect does not change."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    stream = open(os.dup(number), "w", encoding=encoding, errors="replace")  # noqa: SIM115
    try:
        yield stream
    finally:
        # The reader may be gone (`... | head`).
        with contextlib.suppress(BrokenPipeError):
            stream.close()


def _redirect(path: Path) -> None:
    # Append, so that child processes and this one do not overwrite each other.
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for number in (1, 2):
        os.dup2(handle, number)
    os.close(handle)


def _restore(stdout: int, stderr: int) -> None:
    _flush()
    os.dup2(stdout, 1)
    os.dup2(stderr, 2)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, OSError, ValueError):
            stream.flush()
    # The C library's buffers too; without this they would reach the terminal at exit.
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).fflush(None)


@contextlib.contextmanager
def _python_streams() -> Iterator[None]:
    """`sys.stdout` and `sys.stderr` on the redirected descriptors, also where they were replaced (notebooks)."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = _log_stream(1), _log_stream(2)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        sys.stdout, sys.stderr = before


class _LogFile(io.FileIO):
    """A log whose disk is full loses lines; it must not end the work that writes them."""

    def write(self, data: Any) -> int:
        try:
            return super().write(data) or 0
        except OSError:
            return len(data)


def _log_stream(number: int) -> TextIO:
    # Opened by descriptor, so it follows the log file when that moves.
    buffer = io.BufferedWriter(_LogFile(number, "w", closefd=False))
    return io.TextIOWrapper(buffer, encoding="utf-8", errors="replace", line_buffering=True)


@contextlib.contextmanager
def _python_logging() -> Iterator[None]:
    """Sends the root logger to the log only, from level INFO on; absl's logger inherits this level."""
    root = logging.getLogger()
    # Only if absl is imported already: made here, its logger would be of the wrong class.
    absl = logging.root.manager.loggerDict.get("absl")
    absl = absl if isinstance(absl, logging.Logger) else None
    before = root.handlers[:], root.level, absl.level if absl else logging.NOTSET
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(_LOG_FORMAT))
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    if absl:
        absl.setLevel(logging.NOTSET)
    try:
        yield
    finally:
        handler.flush()
        root.handlers[:] = before[0]
        root.setLevel(before[1])
        if absl:
            absl.setLevel(before[2])
