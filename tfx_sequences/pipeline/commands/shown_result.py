"""Prints the result of `run` and `fit`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tfx_sequences.pipeline.commands.capture import Capture
    from tfx_sequences.pipeline.local.run import RunResult


def show_result(capture: Capture, result: RunResult, report: Mapping[str, Any], *, quiet: bool) -> None:
    """Prints the counts of rows and the summary; with `quiet`, only why a model was not blessed."""
    from tfx_sequences.pipeline.commands.ingest_command import show_counts
    from tfx_sequences.pipeline.local.report import print_summary

    if not quiet:
        if result.rows is not None:
            show_counts(capture.console, result.rows)
        print_summary(dict(report), capture.console)
    elif not result.blessed:
        capture.error_console.print(f"Not blessed and not pushed: {'; '.join(report['missed'])}.", markup=False)
