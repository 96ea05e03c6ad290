"""The features of transformed records: their names, and the parse spec of the layout that Transform writes."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfx_sequences.schemas.columns import Column, IdColumn
from tfx_sequences.schemas.spec import SequenceSpec

SEQUENCE_LENGTH = "sequence_length"
LABEL = "label"
EXAMPLE_WEIGHT = "example_weight"
RECORD_ID = "id"


def make_parse_transformed_spec(spec: SequenceSpec, *, with_label: bool = True) -> dict[str, Any]:
    """The dict `tf.io.parse_example` takes for the records that Transform writes.

    Equal to TFT's `transformed_feature_spec()`, without needing the transform graph.

    Args:
        spec: The spec.
        with_label: Also label and example weight.

    >>> from tfx_sequences.schemas.spec_io import load_spec
    >>> parsed = make_parse_transformed_spec(load_spec("japanese_vowels"))
    >>> list(parsed), parsed["sequence.lpc"].partitions
    (['id', 'label', 'sequence.lpc', 'sequence_length'], [UniformRowLength(length=12)])
    """
    parsed = {name: _parser(name, column) for name, column in spec.columns.items()}
    parsed[SEQUENCE_LENGTH] = tf.io.FixedLenFeature([], tf.int64)
    if spec.id_key:
        parsed[RECORD_ID] = tf.io.FixedLenFeature([], tf.string)
    if with_label:
        regression = spec.label.type == "regression"
        parsed[LABEL] = tf.io.FixedLenFeature([], tf.float32 if regression else tf.int64)
        if spec.example_weight:
            parsed[EXAMPLE_WEIGHT] = tf.io.FixedLenFeature([], tf.float32)
    return dict(sorted(parsed.items()))


def _parser(name: str, column: Column) -> Any:
    shape = list(getattr(column, "shape", ()))
    dtype = tf.int64 if isinstance(column, IdColumn) else tf.float32
    any_number = isinstance(column, IdColumn) and column.has_several_ids and not shape
    if not column.is_sequence and not any_number:
        return tf.io.FixedLenFeature(shape, dtype)
    partitions: list[Any] = [tf.io.RaggedFeature.UniformRowLength(size) for size in shape]
    if column.is_sequence and any_number:
        partitions = [tf.io.RaggedFeature.RowLengths(f"{name}$row_lengths_1")]
    return tf.io.RaggedFeature(
        dtype, value_key=f"{name}$ragged_values", partitions=partitions, row_splits_dtype=tf.int64
    )
