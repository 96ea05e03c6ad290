"""The end of a command that does not stop in time: a library holds the signal back, or threads do not end.

A command may end at any moment without harm: files appear whole or not at all, and the next one removes what is left.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import NoReturn

STOPS_WITHIN = 1.5
"""Seconds after which a command that was interrupted ends, whatever it still does."""


@contextlib.contextmanager
def stopped_within(seconds: float, numbers: Collection[int], stop: Callable[[int], object]) -> Iterator[None]:
    """A block that still runs some seconds after a signal is stopped from another thread.

    The thread learns of the signal from the operating system, also while the main thread is in C code. Outside of the
    main thread nothing happens.

    Args:
        seconds: How long the block may run after the first signal.
        numbers: The signals.
        stop: Called with the signal's number, in the other thread.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    done = threading.Event()

    def watch() -> None:
        while (got := os.read(reader, 1)) and not done.is_set():
            if got[0] in numbers:
                if not done.wait(seconds):
                    stop(got[0])
                return

    thread = threading.Thread(target=watch, name="hard stop", daemon=True)
    thread.start()
    before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        done.set()
        os.write(writer, b"\0")
        thread.join()
        os.close(writer)
        os.close(reader)


def leave(code: int) -> NoReturn:
    """Ends this process at once, and every process that it has started."""
    # Started ones first stop to be children of this one, so they are listed before any ends.
    for number in descendants(os.getpid()):
        with contextlib.suppress(OSError):
            os.kill(number, signal.SIGKILL)
    os._exit(code)


def descendants(of: int) -> list[int]:
    """The processes that a process has started, at any depth."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            # The name before it, in brackets, may have any characters.
            parents[int(folder.name)] = int((folder / "stat").read_text("utf-8").rpartition(")")[2].split()[1])
    found, waiting = [], [of]
    while waiting:
        parent = waiting.pop()
        children = [number for number, its in parents.items() if its == parent]
        found += children
        waiting += children
    return found
