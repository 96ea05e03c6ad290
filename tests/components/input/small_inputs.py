"""Inputs over small transformed records, whose values, label and weight tell which record they are."""

import itertools

import numpy as np
import tensorflow as tf

from tests.records import example, write_records
from tfx_sequences.components.input.bucket_planning import make_plan
from tfx_sequences.components.input.record_chunks import Rows
from tfx_sequences.components.input.record_formats import transformed_records
from tfx_sequences.components.input.sequence_input import SequenceInput
from tfx_sequences.components.transform.length_histogram import LengthHistogram
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

FEATURES = {
    "sequence.x": tf.io.RaggedFeature(tf.float32, value_key="x", row_splits_dtype=tf.int64),
    "sequence_length": tf.io.FixedLenFeature([], tf.int64),
    "label": tf.io.FixedLenFeature([], tf.int64),
    "example_weight": tf.io.FixedLenFeature([], tf.float32),
}


def make_spec(**changes):
    """A spec of one number per step, a class and a weight."""
    base = {"name": "s", "sequence": {"x": {"type": "numeric"}}, "label": {"key": "y"}, "example_weight": "w"}
    return SequenceSpec(**{**base, **changes})


def write(folder, lengths, files=1, suffix=".gz"):
    """Records whose values, label and weight tell which record they are."""
    records = [
        example({"x": [i + s / 100 for s in range(n)], "sequence_length": n, "label": i, "example_weight": 1 + i / 2})
        for i, n in enumerate(lengths)
    ]
    parts = np.array_split(np.arange(len(records)), files)
    return [str(write_records(folder / f"t{p}{suffix}", [records[i] for i in w])) for p, w in enumerate(parts)]


def make_input(files, spec, lengths, *, training=True, **options):
    """The input over the files of `write`."""
    plan = make_plan(LengthHistogram.of(lengths), spec.batching)
    return SequenceInput(files, spec, transformed_records(spec, FEATURES), plan, training=training, **options)


def labels(batches):
    """The records of each batch."""
    return [label.numpy().tolist() for _, label, _ in batches]


def flat(lists):
    return list(itertools.chain.from_iterable(lists))


def rows(lengths, start=0):
    """Rows of these lengths, numbered from `start`."""
    index = np.arange(start, start + len(lengths))
    return Rows(index, np.stack([np.zeros_like(index), index], 1), np.array(lengths, np.int64))
