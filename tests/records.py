"""Records for tests: SequenceExample and Example from plain dicts, and TFRecord files of them.

A value is a number, a string or bytes, or a list of them; the first says how all are stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf


def feature(value: Any) -> tf.train.Feature:
    """A `Feature` of a value or list of values; None or an empty list gives one without a kind."""
    values = list(value) if isinstance(value, list | tuple) else [] if value is None else [value]
    if not values:
        return tf.train.Feature()
    if isinstance(values[0], str | bytes):
        encoded = [v.encode() if isinstance(v, str) else v for v in values]
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=encoded))
    if isinstance(values[0], int):
        return tf.train.Feature(int64_list=tf.train.Int64List(value=values))
    return tf.train.Feature(float_list=tf.train.FloatList(value=values))


def sequence_example(
    context: Mapping[str, Any] | None = None, sequence: Mapping[str, Iterable[Any]] | None = None
) -> tf.train.SequenceExample:
    """A `SequenceExample`: `{key: value}`, and `{key: [value of step 0, value of step 1, ...]}`."""
    lists = {
        key: tf.train.FeatureList(feature=[feature(step) for step in steps]) for key, steps in (sequence or {}).items()
    }
    return tf.train.SequenceExample(
        context=tf.train.Features(feature={key: feature(value) for key, value in (context or {}).items()}),
        feature_lists=tf.train.FeatureLists(feature_list=lists),
    )


def example(features: Mapping[str, Any]) -> tf.train.Example:
    """An `Example`: `{key: value}`; a sequence is one flat list."""
    return tf.train.Example(
        features=tf.train.Features(feature={key: feature(value) for key, value in features.items()})
    )


def write_records(path: Path, records: Iterable[Any]) -> Path:
    """Writes messages (or bytes) as a TFRecord file, gzip if its name ends in `.gz`; makes its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    compression = "GZIP" if path.name.endswith(".gz") else ""
    with tf.io.TFRecordWriter(str(path), tf.io.TFRecordOptions(compression_type=compression)) as writer:
        for record in records:
            writer.write(record if isinstance(record, bytes) else record.SerializeToString())
    return path
