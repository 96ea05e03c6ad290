"""Transformed records with every kind of feature that a prepared store keeps, and stores of them."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from tests.records import example, write_records
from tfx_sequences.components.prepared.format import StoreIdentity
from tfx_sequences.components.prepared.store import write_prepared_store
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

IDENTITY = StoreIdentity("fingerprint", "digest")


def ragged(dtype, key, *partitions):
    return tf.io.RaggedFeature(dtype, value_key=key, partitions=list(partitions), row_splits_dtype=tf.int64)


FEATURES = {
    "context.age": tf.io.FixedLenFeature([], tf.float32),
    "context.place": tf.io.FixedLenFeature([2], tf.float32),
    "example_weight": tf.io.FixedLenFeature([], tf.float32),
    "id": tf.io.FixedLenFeature([], tf.string),
    "label": tf.io.FixedLenFeature([], tf.int64),
    "sequence.lpc": ragged(tf.float32, "lpc", tf.io.RaggedFeature.UniformRowLength(3)),
    "sequence.token": ragged(tf.int64, "token"),
    "sequence_length": tf.io.FixedLenFeature([], tf.int64),
}


def make_spec(**changes):
    base = {
        "name": "s",
        "id_key": "id",
        "context": {"age": {"type": "numeric"}, "place": {"type": "numeric", "shape": (2,)}},
        "sequence": {"lpc": {"type": "numeric", "shape": (3,)}, "token": {"type": "categorical"}},
        "label": {"key": "y"},
        "example_weight": "w",
    }
    return SequenceSpec(**{**base, **changes})


def write_transformed(folder, lengths, *, highest_id=300, files=2):
    """Records whose every value tells which record and step they are of; ids are up to `highest_id`."""
    random = np.random.default_rng(1)
    records = [
        example(
            {
                "context.age": i / 3,
                "context.place": [float(i), -1.0],
                "example_weight": i / 2,
                # Bytes that end strings elsewhere, and one of them empty.
                "id": f"ø\0{i}" if i else "",
                "label": i,
                "lpc": [float(i + s + d) for s in range(n) for d in range(3)],
                "token": random.integers(0, highest_id, n, endpoint=True).tolist(),
                "sequence_length": n,
            }
        )
        for i, n in enumerate(lengths)
    ]
    return [str(write_records(folder / f"t{f}.gz", records[f::files])) for f in range(files)]


def write_store(folder, lengths, *, spec=None, **options):
    """The store's folder and its source files."""
    files = write_transformed(folder, lengths)
    spec = spec or make_spec()
    write_prepared_store(files, spec, FEATURES, folder / "store", IDENTITY, **options)
    return folder / "store", files
