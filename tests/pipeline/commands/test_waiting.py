"""What a command is doing is shown on a terminal only, and removed at the end."""

import io

import pytest
from rich.console import Console

from tfx_sequences.pipeline.commands.capture import Capture
from tfx_sequences.pipeline.commands.waiting import waiting


@pytest.fixture
def capture(tmp_path):
    return Capture(tmp_path / "log", io.StringIO(), io.StringIO())


def test_nothing_is_shown_where_the_output_is_not_a_terminal(capture):
    with waiting(capture, "Checking"):
        pass
    assert capture.error_console.file.getvalue() == capture.console.file.getvalue() == ""


def test_a_terminal_shows_the_activity_and_erases_it_also_after_an_error(capture):
    capture.error_console = Console(file=io.StringIO(), force_terminal=True, width=60)
    with pytest.raises(KeyError), waiting(capture, "Checking [the] records"):
        raise KeyError
    shown = capture.error_console.file.getvalue()
    assert "Checking [the] records ..." in shown
    # The cursor is shown again, and the line is erased.
    assert "\x1b[?25h" in shown and "\x1b[2K" in shown
    assert capture.console.file.getvalue() == ""
