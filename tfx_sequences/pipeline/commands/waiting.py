"""What a terminal shows while a command works."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tfx_sequences.pipeline.commands.capture import Capture


@contextlib.contextmanager
def waiting(capture: Capture, activity: str) -> Iterator[None]:
    """Says what is going on, on a terminal only, and leaves nothing there."""
    if not capture.error_console.is_terminal:
        yield
        return
    from rich.live import Live
    from rich.spinner import Spinner
    from rich.text import Text

    spinner = Spinner("dots", Text(f"{activity} ..."))
    # Not Console.status, which would send what the stack writes to the terminal.
    with Live(spinner, console=capture.error_console, transient=True, redirect_stdout=False, redirect_stderr=False):
        yield
