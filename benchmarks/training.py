"""How fast networks train on CPU: ours, Keras, tf_keras, PyTorch. See README.md.

    python benchmarks/training.py                      # all rows, 5 rounds, 25 600 records
    python benchmarks/training.py --only ours --only torch-padded --rounds 3 --network gru

Each row runs in a fresh process; the rounds are interleaved, so that what else the machine does hits all
rows alike. A ratio is taken within each round, and the table shows medians.
"""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import rich.box
import rich.markup
import rich.table
import typer
from interleaved import chosen_rows, run_process, run_rounds
from printed_table import print_table
from training_routes import NETWORKS

NAIVE, PEER = "keras-naive", "torch-padded"


@dataclasses.dataclass(frozen=True)
class Row:
    """A row of the table.

    Attributes:
        name: What `--only` takes; a prefix of it is enough.
        label: What the table says.
        warm_up: Batches that are trained before the clock runs, 0 for a whole epoch: where an epoch takes half a
            minute, some are enough to have traced all.
    """

    name: str
    label: str
    warm_up: int = 0


ROWS = [
    Row("ours", "ours, token budget"),
    Row("keras-naive", "Keras, random batches (naive)", warm_up=10),
    Row("keras-bucketed", "Keras, bucketed"),
    Row("tf-keras-bucketed", "tf_keras, bucketed"),
    Row("torch-padded", "PyTorch, bucketed, padded"),
    Row("torch-padded-budget", "PyTorch, token budget, padded"),
    Row("torch-packed", "PyTorch, bucketed, packed", warm_up=10),
]


def main(
    records: Annotated[int, typer.Option(help="Records in the set.", min=2)] = 25_600,
    rounds: Annotated[int, typer.Option(help="How often each row runs.", min=1)] = 5,
    network: Annotated[str, typer.Option(help=f"The recurrent layers: {', '.join(NETWORKS)}.")] = "lstm",
    only: Annotated[list[str] | None, typer.Option(help="Rows whose names begin so; can be repeated.")] = None,
    cache: Annotated[Path, typer.Option(help="Folder for the generated records.")] = Path("benchmarks/.cache"),
    output: Annotated[Path | None, typer.Option(help="JSON file of all figures.")] = None,
) -> None:
    """Measures the rows and prints the table."""
    if network not in NETWORKS:
        raise typer.BadParameter(f"use one of {', '.join(NETWORKS)}", param_hint="--network")
    folder = cache.resolve() / str(records)
    folder.mkdir(parents=True, exist_ok=True)

    def run(row: Row) -> dict[str, Any]:
        return run_process(["training_route.py", row.name, str(folder), str(records), str(row.warm_up), network])

    print_table(table(*run_rounds(chosen_rows(ROWS, only), rounds, run, summarize, records, output)))


def summarize(row: Row, runs: Mapping[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Medians over the rounds; ratios are taken within each round first."""
    own = runs[row.name]
    median = statistics.median

    def times(baseline: str) -> float | None:
        """How many times as fast as the baseline, by wall time per real token."""
        base = runs.get(baseline)
        if not base:
            return None
        return median(
            (o["real_steps"] / o["wall_seconds"]) / (b["real_steps"] / b["wall_seconds"])
            for b, o in zip(base, own, strict=False)
        )

    return {
        "row": row.name,
        "label": row.label,
        "tokens_per_wall_second": median(o["real_steps"] / o["wall_seconds"] for o in own),
        "tokens_per_cpu_second": median(o["real_steps"] / o["cpu_seconds"] for o in own),
        "times_torch_padded": times(PEER),
        "times_naive": times(NAIVE),
        "padded_to_real": own[0]["padded_steps"] / own[0]["real_steps"],
        "batches": own[0]["batches"],
        "spread": [min(o["wall_seconds"] for o in own), max(o["wall_seconds"] for o in own)],
    }


def table(summary: list[dict[str, Any]], problems: dict[str, str]) -> rich.table.Table:
    """The figures for people."""
    made = rich.table.Table("row", box=rich.box.SIMPLE)
    for heading in ("k/s", "k/CPU s", "× torch", "× naive", "padded"):
        made.add_column(heading, justify="right", no_wrap=True)

    def number(value: float | None) -> str:
        return "–" if value is None else f"{value:.2f}"

    for row in summary:
        made.add_row(
            row["label"],
            f"{row['tokens_per_wall_second'] / 1000:,.0f}",
            f"{row['tokens_per_cpu_second'] / 1000:,.0f}",
            number(row["times_torch_padded"]),
            number(row["times_naive"]),
            number(row["padded_to_real"]),
        )
    for row in ROWS:
        if row.name in problems:
            # In the first column, which wraps; the others would make no room for it.
            made.add_row(f"{row.label}\n[dim]not run: {rich.markup.escape(problems[row.name])}[/dim]")
    return made


if __name__ == "__main__":
    typer.run(main)
