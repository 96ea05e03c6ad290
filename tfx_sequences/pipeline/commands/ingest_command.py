"""`tfx-sequences ingest`: writes the records that a spec makes of rows."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from tfx_sequences.pipeline.commands.command_options import SpecArgument, UntrustedOption, on_this_machine, readable

if TYPE_CHECKING:
    from rich.console import Console

    from tfx_sequences.components.rows.row_counts import RowCounts
    from tfx_sequences.pipeline.commands.capture import Capture


def ingest_command(
    spec: SpecArgument,
    data: Annotated[
        str,
        typer.Option(
            "--data",
            metavar="DIR",
            help="Folder or file of rows (CSV, JSON lines, Parquet), or a URI that TensorFlow reads.",
        ),
    ],
    output: Annotated[str, typer.Option("--output", metavar="DIR", help="Folder for the records: new, or empty.")],
    shards: Annotated[int, typer.Option("--shards", min=1, help="Number of files of each split.")] = 1,
    rejected: Annotated[
        str | None, typer.Option("--rejected", metavar="DIR", help="Folder for the rows that cannot be used.")
    ] = None,
    untrusted: UntrustedOption = False,
) -> None:
    """Write SequenceExamples of rows: one row per step, grouped, sorted and cut as the spec's `rows` say."""
    from tfx_sequences.pipeline.commands.supervision import supervised

    def work(capture: Capture) -> int:
        from tfx_sequences.compat import check_environment
        from tfx_sequences.components.rows.ingestion import ingest
        from tfx_sequences.schemas.spec.spec_io import load_spec

        check_environment(needs_tfx=False)
        on_this_machine("spec", spec)
        folder, target = readable("rows", data), on_this_machine("output folder", output)
        aside = on_this_machine("folder of rejected rows", rejected)
        loaded = load_spec(spec, untrusted=untrusted)
        with shown_progress(capture) as progress:
            counts = ingest(loaded, folder, target, shards=shards, rejected=aside, progress=progress)
        show_counts(capture.console, counts)
        capture.console.print(f"The records are in {output}.", markup=False, soft_wrap=True)
        return 0

    raise typer.Exit(supervised(work))


@contextlib.contextmanager
def shown_progress(capture: Capture) -> Iterator[Callable[[RowCounts], None]]:
    """Shows on a terminal how many rows are read and how many records are written."""
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    shown = Progress(
        SpinnerColumn(),
        TextColumn("{task.fields[rows]:,} rows read, {task.fields[records]:,} records written"),
        TimeElapsedColumn(),
        console=capture.error_console,
        redirect_stdout=False,
        redirect_stderr=False,
        transient=True,
        disable=not capture.error_console.is_terminal,
    )
    with shown:
        task = shown.add_task("", total=None, rows=0, records=0)
        yield lambda counts: shown.update(task, rows=counts.read, records=counts.records.total())


def show_counts(console: Console, counts: RowCounts) -> None:
    """Prints what became of rows, as a table, and the first rejected rows."""
    from rich.table import Table

    from tfx_sequences.pipeline.local.console import print_table

    table = Table("rows")
    table.add_column("number", justify="right")
    for name, number in count_lines(counts):
        table.add_row(name, f"{number:,}")
    print_table(console, table)
    for row in counts.first:
        console.print(f"Rejected: {row}", markup=False, soft_wrap=True)


def count_lines(counts: RowCounts) -> list[tuple[str, int]]:
    """What became of the rows, line by line.

    Args:
        counts: The counts.
    """
    made = [(f"records of {name}", number) for name, number in sorted(counts.records.items())]
    return [
        (f"read, in {counts.files} {'file' if counts.files == 1 else 'files'}", counts.read),
        ("in records", counts.in_records),
        ("rejected", counts.rejected.total()),
        *((f"  {reason}", number) for reason, number in counts.rejected.most_common()),
        ("cut", counts.cut.total()),
        *((f"  {reason}", number) for reason, number in counts.cut.most_common()),
        ("read after a later row of their group, so sorted", counts.backwards),
        ("with the time of the row before", counts.ties),
        ("  equal to it in every column", counts.duplicates),
        ("groups", counts.groups),
        ("steps of all records", counts.steps),
        *made,
    ]
