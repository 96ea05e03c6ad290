"""How fast batches of sequences come: ours, the textbook's, the peers'. See README.md.

    python benchmarks/input.py                      # all rows, 5 rounds, 200 000 records
    python benchmarks/input.py --only ours --only textbook --rounds 3
    python benchmarks/input.py --records 2000000 --only ours --only raw-read

Each row runs in a fresh process; the rounds are interleaved, so that what else the machine does hits all
rows alike. A ratio is taken within each round, and the table shows medians.
"""

from __future__ import annotations

import dataclasses
import functools
import shutil
import statistics
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import input_data
import rich.box
import rich.markup
import rich.table
import typer
from interleaved import HERE, chosen_rows, run_process, run_rounds
from printed_table import print_table


@dataclasses.dataclass(frozen=True)
class Row:
    """A row of the table.

    Attributes:
        name: What `--only` takes; a prefix of it is enough.
        label: What the table says.
        module: Where its route is.
        baseline: The row that its ratios are to.
        own_environment: Its packages cannot stand beside TFX's pins.
        share: Its set has this share of the records, for each is larger.
    """

    name: str
    label: str
    module: str = "input_routes"
    baseline: str = "textbook"
    own_environment: bool = False
    share: int = 1


ROWS = [
    Row("ours", "ours: shuffled, token budget"),
    Row("ours-unshuffled", "ours: not shuffled, token budget"),
    Row("ours-prepared", "ours: prepared store, shuffled, token budget"),
    Row("textbook", "textbook: parse each, bucket_by_sequence_length, shuffled"),
    Row("tfx-ragged", "TFX tf_dataset_factory, shuffled, ragged as it comes"),
    Row("tfx-padded", "TFX tf_dataset_factory, shuffled, padded per batch"),
    Row("torch-tfrecord", "PyTorch DataLoader + tfrecord, batches grouped by length", "input_peers"),
    Row("huggingface", "Hugging Face datasets, group_by_length", "input_peers", own_environment=True),
    Row("grain", "grain + tfrecord, batches grouped by length", "input_peers", own_environment=True),
    Row("pyarrow-records", "pyarrow (the records, by tfx_bsl), vectorised by hand, shuffled", "input_peers"),
    Row("pyarrow", "pyarrow (Parquet), vectorised by hand, shuffled", "input_peers", own_environment=True),
    Row("raw-read", "raw TFRecord read, nothing parsed"),
    Row("sequence-example-textbook", "SequenceExample: textbook", baseline="sequence-example-textbook"),
    Row("sequence-example-ours", "SequenceExample: ours, shuffled", baseline="sequence-example-textbook"),
    Row("sequence-example-raw-read", "SequenceExample: raw read", baseline="sequence-example-textbook"),
    *(
        Row(name, f"YouTube-8M frames: {label}", "input_frames", baseline="youtube-8m-usual", share=100)
        for name, label in {
            "youtube-8m-usual": "parse each, decode_raw, dequantize, resize to 300, padded_batch",
            "youtube-8m-ours": "ours, shuffled, token budget",
            "youtube-8m-ours-prepared": "ours, prepared store",
            "youtube-8m-raw-read": "raw read",
        }.items()
    ),
]


def main(
    records: Annotated[int, typer.Option(help="Records in the set.", min=2)] = 200_000,
    rounds: Annotated[int, typer.Option(help="How often each row runs.", min=1)] = 5,
    only: Annotated[list[str] | None, typer.Option(help="Rows whose names begin so; can be repeated.")] = None,
    cache: Annotated[Path, typer.Option(help="Folder for the generated records.")] = Path("benchmarks/.cache"),
    output: Annotated[Path | None, typer.Option(help="JSON file of all figures.")] = None,
) -> None:
    """Measures the rows and prints the table."""
    chosen = chosen_rows(ROWS, only)
    folder = cache.resolve() / str(records)
    folder.mkdir(parents=True, exist_ok=True)
    of_set = [row for row in chosen if row.share == 1]
    for kind in {"raw" if row.name.startswith("sequence-example") else "transformed" for row in of_set}:
        input_data.write(folder, records, kind)
    measure = functools.partial(run, folder=folder, records=records)
    print_table(table(*run_rounds(chosen, rounds, measure, summarize, records, output)))


def run(row: Row, folder: Path, records: int) -> dict[str, Any]:
    """What one fresh process measured, or `{"problem": why not}`."""
    words = ["input_route.py", row.module, row.name, str(folder), str(max(records // row.share, 2))]
    if not row.own_environment:
        return run_process(words)
    uv = shutil.which("uv")
    if uv is None:
        return {"problem": "needs `uv` on PATH for an environment of its own"}
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    # Isolated, for uv would put the packages of a .venv beside these.
    own = [uv, "run", "--quiet", "--isolated", "--no-project", "--python", version]
    return run_process(words, [*own, "--with-requirements", str(HERE / "peers.txt"), "python"])


def summarize(row: Row, runs: Mapping[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Medians over the rounds; ratios are taken within each round first."""
    own = runs[row.name]
    median = statistics.median

    def ratio(field: str) -> float | None:
        base = runs.get(row.baseline)
        if not base:
            return None
        return median(b[field] / o[field] for b, o in zip(base, own, strict=False))

    padded = median(o["padded_steps"] for o in own)
    return {
        "row": row.name,
        "label": row.label,
        "records_per_second": median(o["records"] / o["wall_seconds"] for o in own),
        "wall_ratio": ratio("wall_seconds"),
        "cpu_ratio": ratio("cpu_seconds"),
        "cpu_seconds": median(o["cpu_seconds"] for o in own),
        "padded_to_real": padded / own[0]["real_steps"] if padded and not row.name.endswith("raw-read") else None,
        "peak_bytes": median(o["peak_bytes"] for o in own),
        "spread": [min(o["wall_seconds"] for o in own), max(o["wall_seconds"] for o in own)],
    }


def table(summary: list[dict[str, Any]], problems: dict[str, str]) -> rich.table.Table:
    """The figures for people."""
    made = rich.table.Table("row", box=rich.box.SIMPLE)
    for heading in ("records/s", "wall ×", "CPU ×", "padded/real", "peak MiB"):
        made.add_column(heading, justify="right", no_wrap=True)

    def number(value: float | None, digits: int) -> str:
        return "–" if value is None else f"{value:.{digits}f}"

    for row in summary:
        made.add_row(
            row["label"],
            f"{row['records_per_second']:,.0f}",
            number(row["wall_ratio"], 2),
            number(row["cpu_ratio"], 2),
            number(row["padded_to_real"], 2),
            f"{row['peak_bytes'] / 2**20:,.0f}",
        )
    for row in ROWS:
        if row.name in problems:
            # In the first column, which wraps; the others would make no room for it.
            made.add_row(f"{row.label}\n[dim]not run: {rich.markup.escape(problems[row.name])}[/dim]")
    return made


if __name__ == "__main__":
    typer.run(main)
