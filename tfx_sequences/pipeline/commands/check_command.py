"""`tfx-sequences check`: compares records with a spec."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from tfx_sequences.pipeline.commands.command_options import (
    DataOption,
    SpecArgument,
    UntrustedOption,
    on_this_machine,
    readable,
)
from tfx_sequences.pipeline.commands.waiting import waiting

if TYPE_CHECKING:
    from tfx_sequences.components.records.data_check import DataReport
    from tfx_sequences.pipeline.commands.capture import Capture
    from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

_MOST_CLASSES = 12


def check_command(spec: SpecArgument, data: DataOption, untrusted: UntrustedOption = False) -> None:
    """Check records against a spec and summarize them; nothing is written."""
    from tfx_sequences.pipeline.commands.supervision import supervised

    def work(capture: Capture) -> int:
        from tfx_sequences.compat import check_environment
        from tfx_sequences.schemas.spec.spec_io import load_spec

        check_environment(needs_tfx=False)
        on_this_machine("spec", spec)
        folder = readable("data folder", data)
        loaded = load_spec(spec, untrusted=untrusted)
        with waiting(capture, f"Checking the records in {data}"):
            from tfx_sequences.components.records.data_check import check_data

            report = check_data(loaded, folder)
        _show_data(capture, loaded, report)
        return 0

    raise typer.Exit(supervised(work))


def _show_data(capture: Capture, spec: SequenceSpec, report: DataReport) -> None:
    from rich.table import Table
    from rich.text import Text

    from tfx_sequences.components.numbers.chosen import choice_lines
    from tfx_sequences.components.records.leaks import raise_certain
    from tfx_sequences.pipeline.local.console import print_table

    table = Table("split")
    for column in ("files", "records", "steps", "shortest", "mean length", "longest", "empty"):
        table.add_column(column, justify="right")
    for split, figures in report.splits.items():
        lengths = (figures.length_min, f"{figures.length_mean:.1f}", figures.length_max)
        row = (len(figures.files), figures.records, figures.steps, *lengths, figures.zero_length)
        table.add_row(split, *(str(value) for value in row))
    capture.console.print(f"Records for {spec.name}, by split; lengths in steps:")
    print_table(capture.console, table)
    notes: dict[str, Sequence[str]] = {}
    for head, classes in report.splits["train"].classes.items():
        listed = [f"{name} ({count})" for name, count in classes.items()]
        rest = [f"{len(listed) - _MOST_CLASSES} more"] if len(listed) > _MOST_CLASSES else []
        label = spec.heads[head]
        of = f"'{label.key}'{' (of steps)' if label.per_step else ''}"
        which = f"The {len(classes)} classes" if len(classes) > 1 else "The class"
        notes[f"{which} of {of} in train"] = listed[:_MOST_CLASSES] + rest
    notes |= {
        f"Taken from train in a run, because the split has no files, {report.held_back_by}": [
            f"{n} for {name}" for name, n in report.held_back.items()
        ],
        "Not used, because they are in the data but not in the spec": (*report.unused_context, *report.unused_sequence),
        "Record files that belong to no split": report.unused_files,
        "Not record files, so skipped": report.skipped_files,
    }
    for split, figures in report.splits.items():
        notes[f"Missing in {split}"] = [f"{name}: {counts.words()}" for name, counts in figures.missing.items()]
    for note, names in notes.items():
        if names:
            capture.console.print(Text(f"{note}: {', '.join(names)}."), soft_wrap=True)
    for line in choice_lines(report.normalizers):
        capture.console.print(Text(f"Normalizer chosen by auto: {line}."), soft_wrap=True)
    for line in report.advice:
        capture.console.print(Text(f"{line}."), soft_wrap=True)
    for leak in report.leaks:
        # The certain ones end the command, as an error.
        if leak.level != "certain":
            capture.console.print(Text(leak.text, "yellow" if leak.level == "warning" else ""), soft_wrap=True)
    raise_certain(report.leaks)
    capture.console.print(Text("The records match the spec."))
