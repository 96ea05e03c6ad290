"""Makes sure that an interrupt ends the work, also where a library swallows the first one."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

REPEATED_AFTER = 3.0
"""Seconds after which the work is interrupted once more, if it has not ended."""


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """A block that receives SIGINT always ends with KeyboardInterrupt.

    Python raises it wherever the main thread is at the moment. Not every place lets it through: callbacks of weak
    references, which every import creates, print it and continue; C code drops it or replaces it by another error.
    So it is raised again until the block ends, as a person would press Ctrl-C again. What an interrupted block
    returns or raises otherwise is ignored.

    Outside the main thread, and where SIGINT has another handler or is ignored (as in background jobs of a
    script), nothing changes.

    Raises:
        KeyboardInterrupt: A SIGINT was received.

    >>> before = signal.signal(signal.SIGINT, signal.default_int_handler)
    >>> try:
    ...     with interruptible(), contextlib.suppress(BaseException):
    ...         signal.raise_signal(signal.SIGINT)
    ... except KeyboardInterrupt:
    ...     print("interrupted")
    interrupted
    >>> _ = signal.signal(signal.SIGINT, before)
    """
    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    interrupted = False

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal interrupted
        interrupted = True
        # A timer, not a thread: a thread started in a handler may wait for a lock that the interrupted code holds.
        signal.setitimer(signal.ITIMER_REAL, REPEATED_AFTER)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGALRM, signal.SIGINT)}
    try:
        yield
    except Exception as error:
        if not interrupted:
            raise
        raise KeyboardInterrupt from error
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)
    if interrupted:
        raise KeyboardInterrupt
