"""Rows of a table to SequenceExamples, beside the ways that one writes by hand: python benchmarks/tables.py --help"""

from __future__ import annotations

import dataclasses
import statistics
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import rich.table
import tables_data
import typer
from interleaved import Figures, chosen_rows, run_process, run_rounds
from printed_table import print_table
from tables_routes import WAYS

HERE = Path(__file__).parent


@dataclasses.dataclass(frozen=True)
class Way:
    """One way with a table of one size."""

    way: str
    rows: int

    @property
    def name(self) -> str:
        return f"{self.way} {self.rows}"


def main(
    rows: Annotated[list[int] | None, typer.Option(help="Number of rows; can be repeated.")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="How often each way runs.")] = 3,
    only: Annotated[list[str] | None, typer.Option(help="Ways whose names begin so, such as 'ours'.")] = None,
    cache: Annotated[Path, typer.Option(help="Where the tables are generated, once.")] = HERE / ".cache",
    output: Annotated[Path | None, typer.Option(help="JSON file of all figures.")] = None,
) -> None:
    """Runs the ways in turn, each in fresh processes, and prints their figures."""
    sizes = rows or [1_000_000, 10_000_000]
    ways = chosen_rows([Way(way, size) for size in sizes for way in WAYS], only)
    files = {size: str(tables_data.table_of(cache, size).resolve()) for size in {way.rows for way in ways}}
    summary, problems = run_rounds(
        ways,
        rounds,
        lambda way: run_process(["tables_routes.py", way.way, files[way.rows]], (sys.executable,)),
        _summary,
        max(files),
        output,
    )
    table = rich.table.Table("way")
    columns = ("rows", "records", "rows/CPU s", "wall s", "peak MiB", "of it imports")
    for column in columns:
        table.add_column(column, justify="right")
    for line in summary:
        table.add_row(line["way"], *(f"{line[column]:,}" for column in columns))
    print_table(table)
    for name, problem in problems.items():
        print(f"{name}: {problem}")
    for size in files:
        if len({line["digest"] for line in summary if line["rows"] == size}) > 1:
            sys.exit(f"the ways do not write the same records of {size} rows")


def _summary(way: Way, runs: Mapping[str, list[Figures]]) -> Figures:
    mine = runs[way.name]

    def middle(name: str) -> float:
        return statistics.median(run[name] for run in mine)

    return {
        "way": way.way,
        "rows": way.rows,
        "records": mine[0]["records"],
        "digest": mine[0]["digest"],
        "rows/CPU s": round(way.rows / middle("cpu_seconds")),
        "wall s": round(middle("wall_seconds"), 1),
        "peak MiB": round(middle("peak_mib")),
        "of it imports": round(middle("imported_mib")),
    }


if __name__ == "__main__":
    typer.run(main)
