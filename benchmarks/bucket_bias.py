"""What length buckets do to what is learned: our pipeline and the usual loops, on records whose right answer is known.

    python benchmarks/bucket_bias.py --seeds 3
    python benchmarks/bucket_bias.py --only ours

Each step of a record is the last one with probability 0.2, whatever came before. A row is a whole run of
`tfx-sequences`, or one of the loops of `bucket_bias_loops.py`; the table has the mean over the seeds of the probability
that the model gives to the end, by position, and of the loss. The truth is 0.2 at every position.
"""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import bucket_bias_data
import interleaved
import numpy as np
import rich.box
import rich.table
import typer
import yaml
from printed_table import print_table

HERE = Path(__file__).parent


@dataclasses.dataclass(frozen=True)
class Row:
    """A row of the table.

    Attributes:
        name: Of a run of ours or of a loop.
        title: What the table calls it.
        spec: For ours: keys beyond those of all rows.
    """

    name: str
    title: str
    spec: dict[str, Any] | None = None


ROWS = (
    Row("ours", "ours", {}),
    Row("ours-one-bucket", "ours, `num_buckets: 1`", {"batching": {"num_buckets": 1}}),
    Row("ours-batch-mean", "ours, `reduction: batch_mean`", {"training": {"reduction": "batch_mean"}}),
    Row("ours-token-budget", "ours, `token_budget: 160`", {"batching": {"token_budget": 160}}),
    Row("ours-prepared", "ours, prepared store", {"batching": {"prepared": True}}),
    Row("ours-gru", "ours, GRU", {"model": {"cell": "gru"}}),
    Row("ours-clipped", "ours, clipped to 0.02", {"training": {"gradient_clip_norm": 0.02}}),
    Row(
        "ours-clipped-batch-mean",
        "ours, `batch_mean`, clipped to 0.02",
        {"training": {"gradient_clip_norm": 0.02, "reduction": "batch_mean"}},
    ),
    Row("keras-mean", "Keras `fit`, buckets, mean of each batch (usual)"),
    Row("torch-mean", "PyTorch, buckets, mean of each batch (usual)"),
    Row("keras-mean-mixed", "Keras `fit`, all lengths mixed, mean of each batch"),
    Row("keras-constant", "Keras `fit`, buckets, sum over a constant"),
    Row("keras-constant-in-a-row", "the same, all batches of a bucket in a row"),
    Row("keras-constant-mixed", "Keras `fit`, all lengths mixed, sum over a constant"),
)


def main(
    seeds: Annotated[int, typer.Option(min=1, help="Runs of each row, each with records of its own.")] = 3,
    only: Annotated[list[str] | None, typer.Option(help="Rows whose names begin so.")] = None,
    output: Annotated[Path | None, typer.Option(help="JSON file of all figures.")] = None,
) -> None:
    """Prints the table."""
    rows = interleaved.chosen_rows(ROWS, only)
    found: dict[str, list[dict[str, Any]]] = {row.name: [] for row in rows}
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(seeds):
            for row in rows:
                print(f"seed {seed}: {row.name}", file=sys.stderr)
                ran = loop(row, seed) if row.spec is None else run(row.spec, seed, Path(folder))
                if ran is not None:
                    found[row.name].append(ran)
                if output:
                    output.write_text(json.dumps(found, indent=1))
    print_table(_table(rows, found, seeds))


def loop(row: Row, seed: int) -> dict[str, Any] | None:
    """The figures of a loop, in a process of its own; None where what it needs is not installed."""
    words = [sys.executable, str(HERE / "bucket_bias_loops.py"), row.name, str(seed)]
    done = subprocess.run(words, capture_output=True, text=True, cwd=HERE, check=False)
    if "ModuleNotFoundError" in done.stderr:
        print(f"{row.name} is left out: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
        return None
    if done.returncode:
        sys.exit(done.stderr)
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def run(more: dict[str, Any], seed: int, folder: Path) -> dict[str, Any]:
    """The figures of a whole run; runs of the same records share what comes before training."""
    data = folder / f"records-{seed}"
    test = bucket_bias_data.records(2000, seed + 1000)
    if not data.is_dir():
        data.mkdir()
        bucket_bias_data.write(data / "train.tfrecord", bucket_bias_data.records(6000, seed))
        bucket_bias_data.write(data / "test.tfrecord", test)
    # The network and the training of the loops.
    model = {"units": [64], "bidirectional": False}
    training = {"learning_rate": 0.001, "epochs": 60, "ema_momentum": None, "refit": False, "seed": seed}
    spec = {
        "name": "ends",
        "sequence": {"x": {"type": "numeric"}},
        "label": {"key": "next", "per_step": True, "classes": ["go", "end"]},
        "batching": {"batch_size": 32, **more.get("batching", {})},
        "model": {**model, **more.get("model", {})},
        "training": {**training, **more.get("training", {})},
    }
    path, out = folder / "spec.yaml", folder / f"out-{seed}"
    path.write_text(yaml.safe_dump(spec))
    began = time.monotonic()
    words = ["-m", "tfx_sequences", "run", str(path), "--data", str(data), "--output", str(out)]
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    seconds = time.monotonic() - began
    scores = _scores(newest(out / "pushed_model"), test)
    training = json.loads((newest(out / "artifacts" / "SequenceTrainer" / "model_run") / "training.json").read_text())
    return {
        **bucket_bias_data.figures(test, scores[..., 1]),
        "padding": training["input"]["train"]["padding_share"],
        "seconds": seconds,
    }


def newest(folder: Path) -> Path:
    """Of the numbered folders of runs, the last one."""
    return max(folder.iterdir(), key=lambda path: int(path.name))


def _scores(model: Path, test: bucket_bias_data.Records) -> np.ndarray:
    """What the pushed model answers, `[N, T, 2]`."""
    import tensorflow as tf

    loaded = tf.saved_model.load(str(model))
    numbers, _, real = test.padded()
    ragged = tf.RaggedTensor.from_tensor(numbers[..., 0], lengths=real.sum(1))
    records = []
    for row in ragged:
        record = tf.train.SequenceExample()
        for x in row.numpy():
            record.feature_lists.feature_list["x"].feature.add().float_list.value.append(x)
        records.append(record.SerializeToString())
    scores: np.ndarray = loaded.signatures["serving_default"](examples=tf.constant(records))["scores"].numpy()
    return scores


def _table(rows: tuple[Row, ...] | list[Row], found: dict[str, list[dict[str, Any]]], seeds: int) -> rich.table.Table:
    positions = [str(p) for p in bucket_bias_data.POSITIONS]
    table = rich.table.Table(
        "",
        *(f"P(end) at {p}" for p in [*positions[:-1], f"{positions[-1]}+"]),
        "loss",
        "padding",
        "seconds",
        box=rich.box.MARKDOWN,
    )
    best = np.mean([bucket_bias_data.entropy(bucket_bias_data.records(2000, seed + 1000)) for seed in range(seeds)])
    table.add_row("the truth", *["0.200"] * len(positions), f"{best:.4f}", "", "")
    for row in rows:
        runs = found[row.name]
        if not runs:
            continue
        at = [f"{np.mean([ran['at'][p] for ran in runs]):.3f}" for p in positions]
        share = f"{np.mean([ran['padding'] for ran in runs]):.1%}"
        mean, seconds = (float(np.mean([ran[name] for ran in runs])) for name in ("loss", "seconds"))
        table.add_row(row.title, *at, f"{mean:.4f}", share, f"{seconds:.0f}")
    return table


if __name__ == "__main__":
    typer.run(main)
