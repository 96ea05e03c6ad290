"""Makes sure that Ctrl-C and SIGTERM end the work, also where a library swallows the first one."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

REPEATED_AFTER = 1.0
"""Seconds after which the work is interrupted once more, if it has not ended."""


class Terminated(KeyboardInterrupt):
    """A SIGTERM was received: the work stops as after Ctrl-C."""


_RAISED = {signal.SIGINT: KeyboardInterrupt, signal.SIGTERM: Terminated}
_DEFAULT = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}


def default_signals() -> list[signal.Signals]:
    """Which of SIGINT and SIGTERM would end this process in the usual way; none of them outside the main thread."""
    ours = threading.current_thread() is threading.main_thread()
    return [number for number, handler in _DEFAULT.items() if ours and signal.getsignal(number) is handler]


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """A block that receives SIGINT or SIGTERM always ends with KeyboardInterrupt.

    Python raises it wherever the main thread is at the moment. Not every place lets it through: callbacks of weak
    references, which every import creates, print it and continue; C code drops it or replaces it by another error.
    So it is raised again until the block ends, as a person would press Ctrl-C again. What an interrupted block
    returns or raises otherwise is ignored.

    Outside the main thread, and for a signal that has another handler or is ignored (as SIGINT in background jobs of a
    script), nothing changes.

    Raises:
        KeyboardInterrupt: A SIGINT was received.
        Terminated: A SIGTERM was received.

    >>> before = signal.signal(signal.SIGINT, signal.default_int_handler)
    >>> try:
    ...     with interruptible(), contextlib.suppress(BaseException):
    ...         signal.raise_signal(signal.SIGINT)
    ... except KeyboardInterrupt:
    ...     print("interrupted")
    interrupted
    >>> _ = signal.signal(signal.SIGINT, before)
    """
    numbers = default_signals()
    if not numbers:
        yield
        return
    received: list[type[KeyboardInterrupt]] = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        if number != signal.SIGALRM:
            received.append(_RAISED[signal.Signals(number)])
        # A timer, not a thread: a thread started in a handler may wait for a lock that the interrupted code holds.
        signal.setitimer(signal.ITIMER_REAL, REPEATED_AFTER)
        raise received[-1]

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGALRM, *numbers)}
    try:
        yield
    except Exception as error:
        if not received:
            raise
        raise received[-1] from error
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)
    if received:
        raise received[-1]
