"""Does the bucket plan predict the padding that is measured? python benchmarks/padding.py

Prints the table of docs/input.md. snips is left out unless TFX_SEQUENCES_DATA names the folder of
data sets; the generated set has 200 000 records of log-normal lengths (median 30, 1 to 500 steps).
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import numpy as np
import tensorflow as tf

from tfx_sequences.components.input.bucket_planning import make_plan
from tfx_sequences.components.input.record_formats import raw_records
from tfx_sequences.components.input.sequence_input import SequenceInput
from tfx_sequences.components.records.opening import record_dataset
from tfx_sequences.components.transform.length_histogram import LengthHistogram
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec
from tfx_sequences.schemas.spec.spec_io import load_spec

EPOCHS = 3
BATCHINGS = [
    {"batch_size": 32},
    {"batch_size": 512, "token_budget": 2_048, "num_buckets": 8},
    {"batch_size": 1_024, "token_budget": 10_240, "num_buckets": 16},
    {"batch_size": 1_024, "token_budget": 10_240, "num_buckets": 40},
]


def main() -> None:
    """Reads each set for some epochs with each batching."""
    rows = ["| set | records | batching | batches | predicted padding | measured | measured / predicted steps |"]
    rows.append("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for spec, files in _sets(Path(folder)):
            lengths = _lengths(spec, files)
            for batching in BATCHINGS:
                rows.append(_row(spec.model_copy(update={"batching": _batching(spec, batching)}), files, lengths))
    print("\n".join(rows))


def _row(spec: SequenceSpec, files: list[str], lengths: np.ndarray) -> str:
    plan = make_plan(LengthHistogram.of(lengths), spec.batching)
    measured = SequenceInput(files, spec, raw_records(spec), plan, training=True)
    for _ in range(EPOCHS):
        for _ in measured:
            pass
    batches = {counts.batches for counts in measured.finished}
    if batches != {plan.steps_per_epoch}:
        sys.exit(f"{spec.name}: {plan.steps_per_epoch} batches were predicted, but there were {batches}")
    padded = np.mean([counts.padded_steps for counts in measured.finished])
    batching = ", ".join(f"{k} {v}" for k, v in spec.batching.model_dump(exclude_defaults=True).items())
    return (
        f"| {spec.name} | {plan.records} | {batching or 'as it is'} | {plan.steps_per_epoch} "
        f"| {plan.padding_share:.2%} | {1 - plan.real_steps / padded:.2%} | {padded / plan.padded_steps:.4f} |"
    )


def _batching(spec: SequenceSpec, batching: dict[str, int]) -> object:
    return type(spec.batching)(**batching)


def _sets(folder: Path) -> Iterator[tuple[SequenceSpec, list[str]]]:
    vowels = resources.files("tfx_sequences") / "examples_data" / "japanese_vowels"
    yield load_spec("japanese_vowels"), [str(f) for f in vowels.iterdir() if f.name.startswith("train")]
    data = os.environ.get("TFX_SEQUENCES_DATA")
    if data:
        snips = SequenceSpec(name="snips", sequence={"token": {"type": "categorical"}}, label={"key": "intent"})
        yield snips, [str(f) for f in Path(data, "snips").glob("train-*")]
    yield (
        SequenceSpec(name="generated", record="Example", sequence={"x": {"type": "numeric"}}, label={"key": "y"}),
        [_generated(folder, i) for i in range(8)],
    )


def _generated(folder: Path, number: int) -> str:
    random = np.random.default_rng(number)
    lengths = np.clip(np.rint(random.lognormal(np.log(30), 0.79, 25_000)), 1, 500).astype(int)
    path = str(folder / f"part-{number}")
    with tf.io.TFRecordWriter(path) as writer:
        for length in lengths:
            record = tf.train.Example()
            record.features.feature["x"].float_list.value.extend([0.0] * length)
            record.features.feature["y"].bytes_list.value.append(b"y")
            writer.write(record.SerializeToString())
    return path


def _lengths(spec: SequenceSpec, files: list[str]) -> np.ndarray:
    chunks = (chunk for file in files for chunk in record_dataset(file).batch(4096))
    return np.concatenate([raw_records(spec).parse(chunk)["sequence_length"].numpy() for chunk in chunks])


if __name__ == "__main__":
    main()
