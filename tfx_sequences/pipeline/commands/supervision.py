"""Runs a command with a clean terminal, and turns its outcome into a message and an exit code."""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator

from rich.text import Text

from tfx_sequences.compat import bound_freed_memory, quiet_environment, use_cores
from tfx_sequences.errors import TfxSequencesError, UserInputError
from tfx_sequences.pipeline.commands.capture import Capture, captured_output
from tfx_sequences.pipeline.commands.hard_stop import STOPS_WITHIN, leave, stopped_within
from tfx_sequences.pipeline.commands.interrupts import Terminated, default_signals, interruptible
from tfx_sequences.storage_errors import storage_error

GOOD = 0
NOT_BLESSED = 1
USER_ERROR = 2
DEFECT = 3
# As shells report SIGINT, SIGPIPE and SIGTERM.
INTERRUPTED = 130
PIPE_CLOSED = 141
TERMINATED = 143
_STOPPED: dict[int, tuple[str, int]] = {
    signal.SIGINT: ("Stopped.", INTERRUPTED),
    signal.SIGTERM: ("Stopped by SIGTERM.", TERMINATED),
}

_MOST_LINES = 12


def supervised(work: Callable[[Capture], int], *, stops_within: float | None = STOPS_WITHIN) -> int:
    """Runs `work` on the real terminal and returns its exit code; all other output goes to a log file.

    Errors end here. A `UserInputError`, or a disk that is full or gone, is shown as its message (exit code 2); any
    other error as a short message that names the log file, which has the traceback (exit code 3). An interrupt
    gives 130, and a SIGTERM 143, whatever `work` does with it.

    Args:
        work: What to run.
        stops_within: Seconds after an interrupt in which the work may still run; then this process ends. None: `work`
            stops by itself.

    >>> supervised(lambda capture: 0)
    0
    """
    quiet_environment()
    use_cores()
    bound_freed_memory()
    atexit.register(_silence_finalizers)
    with captured_output() as capture, _stopped(capture, stops_within):
        try:
            with interruptible():
                return work(capture)
        except UserInputError as error:
            _tell(capture, str(error))
            return error.exit_code
        except Terminated:
            return _told(capture, signal.SIGTERM)
        except KeyboardInterrupt:
            return _told(capture, signal.SIGINT)
        except BrokenPipeError:
            return PIPE_CLOSED
        except Exception as error:
            # A log that was moved is in the output folder.
            refused = storage_error(error, capture.log_path.parent if capture.keep else None)
            if refused is not None:
                _tell(capture, str(refused))
                return refused.exit_code
            capture.keep = True
            logging.getLogger("tfx_sequences").error("The command failed.", exc_info=error)
            name = "" if isinstance(error, TfxSequencesError) else f"{type(error).__name__}: "
            _tell(
                capture,
                f"{name}{brief(str(error))}\n"
                f"  log file: {capture.log_path}\n"
                "  This is a bug in tfx-sequences or in a library below it, not in your input. Please report it with "
                "the log file.",
            )
            return getattr(error, "exit_code", DEFECT)


@contextlib.contextmanager
def _stopped(capture: Capture, within: float | None) -> Iterator[None]:
    """Within it, an interrupted command ends in time."""
    if within is None:
        yield
        return

    def stop(number: int) -> None:
        if not capture.keep:
            with contextlib.suppress(OSError):
                capture.log_path.unlink(missing_ok=True)
        message, code = _STOPPED[number]
        with contextlib.suppress(OSError):
            os.write(capture.error_console.file.fileno(), f"{message}\n".encode())
        leave(code)

    with stopped_within(within, default_signals(), stop):
        yield


# Objects of these libraries can outlive their modules and then complain on standard error at exit.
_LATE_FINALIZERS = ("apache_beam", "grpc", "keras", "tensorflow", "tfx", "tfx_bsl")


def _silence_finalizers() -> None:
    """Hides errors in the finalizers of these libraries; every other late error is shown as before."""
    show, libraries = sys.unraisablehook, _LATE_FINALIZERS

    # The hook runs while modules are torn down, so it must not read globals of this one.
    def hook(unraisable: sys.UnraisableHookArgs) -> None:
        failed = unraisable.object
        module = getattr(failed, "__module__", None) or type(failed).__module__
        if str(module).partition(".")[0] not in libraries:
            show(unraisable)

    sys.unraisablehook = hook


def brief(text: str, most: int = _MOST_LINES) -> str:
    """An error's text without the tracebacks that Beam puts into it, and at most `most` lines of it.

    >>> print(brief('''boom
    ... Traceback (most recent call last):
    ...   File "x.py", line 1, in f
    ...     g()
    ... ValueError: bad value [while running 'Write']
    ... '''))
    ValueError: bad value [while running 'Write']
    >>> print(brief("a\\nb\\nc\\nd", most=3))
    a
    b
    ... (2 more lines in the log file)
    """
    lines = [line for line in text.splitlines() if line.strip()]
    if any(line.startswith("Traceback (") for line in lines):
        # The lines after the last indented line of the last traceback are the error itself.
        last_frame = max(i for i, line in enumerate(lines) if line.startswith((" ", "Traceback (")))
        lines = lines[last_frame + 1 :] or lines[-1:]
    if len(lines) > most:
        rest = len(lines) - most + 1
        lines = [*lines[: most - 1], f"... ({rest} more lines in the log file)"]
    return "\n".join(lines)


def _told(capture: Capture, number: signal.Signals) -> int:
    message, code = _STOPPED[number]
    _tell(capture, message, label="")
    return code


def _tell(capture: Capture, message: str, label: str = "Error: ") -> None:
    capture.error_console.print(Text.assemble((label, "bold red"), message), soft_wrap=True)
