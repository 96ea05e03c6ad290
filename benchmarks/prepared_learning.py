"""What the shuffle of the prepared store costs in learning, against a shuffle of all records.

    python benchmarks/prepared_learning.py OUTPUT --spec sentence_polarity

OUTPUT is the folder of a `tfx-sequences run`; its transformed records are read, in batches of the same size,
from the ordinary input with a shuffle buffer that holds them all, and from prepared stores. Each trains the
spec's network from the same weights, for the same epochs, with several seeds.
"""

from __future__ import annotations

import dataclasses
import json
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import keras
import numpy as np
import rich.box
import rich.table
import tensorflow as tf
import tensorflow_transform as tft
import typer
from printed_table import print_table

from tfx_sequences.components.input.bucket_planning import make_plan
from tfx_sequences.components.input.record_formats import transformed_records
from tfx_sequences.components.input.sequence_input import SequenceInput
from tfx_sequences.components.network.model import build_model, compile_model
from tfx_sequences.components.prepared.format import StoreIdentity, folder_digest
from tfx_sequences.components.prepared.prepared_input import PreparedStore
from tfx_sequences.components.prepared.store import write_prepared_store
from tfx_sequences.components.training.split_statistics import task_statistics
from tfx_sequences.components.transform.length_histogram import LengthHistogram
from tfx_sequences.schemas.columns.names import SEQUENCE_LENGTH
from tfx_sequences.schemas.spec.spec_io import TRANSFORM_SECTIONS, fingerprint, load_spec

Epoch = Callable[[int], tf.data.Dataset]


@dataclasses.dataclass(frozen=True)
class Transformed:
    """The transformed records of a run."""

    graph: tft.TFTransformOutput
    identity: StoreIdentity
    train: list[str]
    valid: list[str]


def main(
    output: Annotated[Path, typer.Argument(help="Output folder of a run.")],
    spec: Annotated[str, typer.Option(help="The run's spec: a file or a bundled name.")],
    epochs: Annotated[int, typer.Option(min=1)] = 4,
    seeds: Annotated[int, typer.Option(min=2)] = 4,
    small_part: Annotated[int, typer.Option(help="Records per part of a store with a poor shuffle.")] = 256,
    report: Annotated[Path | None, typer.Option(help="JSON file of all figures.")] = None,
) -> None:
    """Prints the table of validation results."""
    declared = load_spec(spec)
    data = _find(output, fingerprint(declared, TRANSFORM_SECTIONS))
    features = data.graph.transformed_feature_spec()
    lengths = _lengths(data.train)
    plan = make_plan(LengthHistogram.of(lengths), declared.batching)
    records = transformed_records(declared, features)
    valid = SequenceInput(data.valid, declared, records, plan, training=False).dataset
    ordinary = f"all {len(lengths)} records"
    results: dict[str, list[tuple[float, float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(seeds):
            seeded = declared.model_copy(update={"training": declared.training.model_copy(update={"seed": seed})})
            seeded = seeded.model_copy(
                update={"batching": declared.batching.model_copy(update={"shuffle_buffer": len(lengths)})}
            )
            inputs: dict[str, Epoch] = {}
            shuffled = SequenceInput(data.train, seeded, records, plan, training=True).dataset
            inputs[ordinary] = lambda _, dataset=shuffled: dataset
            for per_part in (8192, small_part):
                path = Path(folder) / f"{seed}-{per_part}"
                write_prepared_store(data.train, seeded, features, path, data.identity, records_per_part=per_part)
                store = PreparedStore(path, seeded, data.identity)
                window = min(len(lengths), 4 * max(part.records for part in store.header.parts))
                inputs[f"store, windows of {window}"] = lambda epoch, store=store: store.dataset(epoch=epoch)
            for name, epoch in inputs.items():
                print(f"seed {seed}: {name}", file=sys.stderr)
                results.setdefault(name, []).append(
                    _train(seeded, data.graph, shuffled, plan.steps_per_epoch, epoch, valid, epochs)
                )
    if report:
        report.write_text(json.dumps({"epochs": epochs, "results": results}, indent=1))
    print_table(_table(results, declared.label.type))


def _find(output: Path, spec_fingerprint: str) -> Transformed:
    def latest(kind: str) -> Path:
        return max((output / "artifacts" / "Transform" / kind).iterdir(), key=lambda p: int(p.name))

    graph, examples = latest("transform_graph"), latest("transformed_examples")
    identity = StoreIdentity(spec_fingerprint, folder_digest(graph))
    train, valid = ([str(f) for f in sorted((examples / f"Split-{s}").iterdir())] for s in ("train", "valid"))
    return Transformed(tft.TFTransformOutput(str(graph)), identity, train, valid)


def _lengths(files: list[str]) -> np.ndarray:
    length = {SEQUENCE_LENGTH: tf.io.FixedLenFeature([], tf.int64)}
    records = tf.data.TFRecordDataset(files, compression_type="GZIP").batch(4096)
    return np.concatenate([tf.io.parse_example(batch, length)[SEQUENCE_LENGTH].numpy() for batch in records])


def _train(
    spec: Any, graph: Any, labels: tf.data.Dataset, steps: int, epoch: Epoch, valid: tf.data.Dataset, epochs: int
) -> tuple[float, float]:
    """Best validation loss, and the other metric of that epoch."""
    keras.utils.set_random_seed(spec.training.seed)
    of_split = task_statistics(spec, graph, labels)
    model = build_model(spec, of_split)
    compile_model(model, spec, of_split, steps)
    found = []
    for number in range(epochs):
        model.fit(epoch(number), verbose=0)
        measured = model.evaluate(valid, verbose=0, return_dict=True)
        other = next(value for name, value in measured.items() if name != "loss")
        found.append((float(measured["loss"]), float(other)))
    return min(found)


def _table(results: dict[str, list[tuple[float, float]]], task: str) -> rich.table.Table:
    metric = "accuracy" if task == "classification" else "error"
    table = rich.table.Table("shuffled within", "best validation loss", f"{metric} there", box=rich.box.SIMPLE)
    for name, runs in results.items():
        columns = np.array(runs).T.tolist()
        table.add_row(name, *(f"{statistics.mean(c):.4f} ± {statistics.stdev(c):.4f}" for c in columns))
    return table


if __name__ == "__main__":
    typer.run(main)
