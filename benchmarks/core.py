"""Record files to a fitted model with TensorFlow alone, beside the textbook program: benchmarks/core.py --help"""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import input_data
import rich.table
import typer
from core_routes import WAYS
from interleaved import Figures, chosen_rows, run_process, run_rounds
from printed_table import print_table

HERE = Path(__file__).parent


@dataclasses.dataclass(frozen=True)
class Way:
    """One way with a set of one size."""

    way: str
    records: int

    @property
    def name(self) -> str:
        return f"{self.way} {self.records}"


def main(
    records: Annotated[list[int] | None, typer.Option(help="Number of records; can be repeated.")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="How often each way runs.")] = 3,
    only: Annotated[list[str] | None, typer.Option(help="Ways whose names begin so, such as 'ours'.")] = None,
    cache: Annotated[Path, typer.Option(help="Where the records are generated, once.")] = HERE / ".cache",
    output: Annotated[Path | None, typer.Option(help="JSON file of all figures.")] = None,
) -> None:
    """Runs the ways in turn, each in a fresh process, and prints the seconds since the process started."""
    sizes = records or [10_000, 1_000_000]
    ways = chosen_rows([Way(way, size) for size in sizes for way in WAYS], only)
    folders = {way.records: cache.resolve() / str(way.records) for way in ways}
    for size, folder in folders.items():
        folder.mkdir(parents=True, exist_ok=True)
        input_data.write(folder, size, "raw")
    summary, problems = run_rounds(
        ways,
        rounds,
        lambda way: run_process(["core_routes.py", way.way, str(folders[way.records]), str(way.records)]),
        _summary,
        max(folders),
        output,
    )
    table = rich.table.Table("way")
    columns = ("records", "first batch s", "fitted s", "CPU s", "peak MiB", "times textbook")
    for column in columns:
        table.add_column(column, justify="right")
    for line in summary:
        table.add_row(line["way"], *(f"{line[column]:,}" if line[column] else "–" for column in columns))
    print_table(table)
    for name, problem in problems.items():
        print(f"{name}: {problem}")


def _summary(way: Way, runs: Mapping[str, list[Figures]]) -> Figures:
    mine, textbook = runs[way.name], runs.get(f"textbook {way.records}", [])

    def middle(name: str) -> float:
        return round(statistics.median(run[name] for run in mine), 1)

    pairs = zip(textbook, mine, strict=False)
    ratios = [book["fitted_seconds"] / run["fitted_seconds"] for book, run in pairs]
    return {
        "way": way.way,
        "records": way.records,
        "first batch s": middle("first_batch_seconds"),
        "fitted s": middle("fitted_seconds"),
        "CPU s": middle("cpu_seconds"),
        "peak MiB": round(middle("peak_mib")),
        "times textbook": round(statistics.median(ratios), 2) if ratios else None,
    }


if __name__ == "__main__":
    typer.run(main)
