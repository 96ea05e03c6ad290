"""An interrupt that ends the work, also where its first one gets lost in the stack."""

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
    """Whatever becomes of it, a block that gets SIGINT ends with KeyboardInterrupt.

    Python raises that wherever the main thread is at the moment. Not every place lets it through: callbacks of
    weak references, as each import makes, print it and go on; C code drops it, or makes another error of it.
    So it is raised again until the block ends, which a person would do by hand. What an interrupted block
    returns or raises otherwise is left out.

    Outside of the main thread, and where SIGINT has another handler or is ignored (as by background jobs of a
    script), nothing changes.

    Raises:
        KeyboardInterrupt: There was a SIGINT.

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
        # A timer and no thread: one that starts within a handler may wait for a lock of what was interrupted.
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
