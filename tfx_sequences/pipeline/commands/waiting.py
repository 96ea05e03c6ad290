"""Shows on the terminal what a command is doing."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tfx_sequences.pipeline.commands.capture import Capture


@contextlib.contextmanager
def waiting(capture: Capture, activity: str) -> Iterator[None]:
    """Shows the activity on a terminal only, and removes it at the end."""
    if not capture.error_console.is_terminal:
        yield
        return
    from rich.live import Live
    from rich.spinner import Spinner
    from rich.text import Text

    spinner = Spinner("dots", Text(f"{activity} ..."))
    # Not Console.status: that would send the libraries' output to the terminal.
    with Live(spinner, console=capture.error_console, transient=True, redirect_stdout=False, redirect_stderr=False):
        yield
