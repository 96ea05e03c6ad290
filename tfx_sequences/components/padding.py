"""From transformed ragged features to the padded tensors the model takes."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfx_sequences.schemas.categorical_columns import NO_ID
from tfx_sequences.schemas.columns import IdColumn
from tfx_sequences.schemas.spec import SequenceSpec
from tfx_sequences.schemas.transformed_features import SEQUENCE_LENGTH


def pad_features(transformed: dict[str, Any], spec: SequenceSpec) -> dict[str, tf.Tensor]:
    """The model's inputs: every sequence feature padded on the right to one common `T`.

    `T` is the longest sequence of the batch, and at least 1 (a recurrent layer
    cannot run no steps). What is padding is told by `sequence_length` alone.

    Args:
        transformed: Features by transformed name, sequences ragged.
        spec: The spec.

    Returns:
        `context.*` `[B, *shape]`, `sequence.*` `[B, T, *shape]`, `sequence_length` `[B]`.
        Several ids are `[B, V]` or `[B, T, V]`, with -1 (no id) behind the last.
    """
    lengths = transformed[SEQUENCE_LENGTH]
    longest = tf.maximum(tf.reduce_max(tf.concat([lengths, [1]], axis=0)), 1)
    inputs = {SEQUENCE_LENGTH: lengths}
    for name, column in spec.columns.items():
        fill = NO_ID if isinstance(column, IdColumn) and column.has_several_ids else 0
        values = transformed[name]
        if column.is_sequence:
            inputs[name] = _padded(values, longest, fill)
        else:
            inputs[name] = values.to_tensor(fill) if isinstance(values, tf.RaggedTensor) else values
    return inputs


def _padded(ragged: tf.RaggedTensor, longest: tf.Tensor, fill: int) -> tf.Tensor:
    dense = ragged.to_tensor(tf.constant(fill, ragged.dtype))
    missing = longest - tf.shape(dense, out_type=tf.int64)[1]
    paddings = [[0, 0], [0, missing], *([[0, 0]] * (dense.shape.rank - 2))]
    padded = tf.pad(dense, paddings, constant_values=tf.constant(fill, dense.dtype))
    return tf.ensure_shape(padded, [None, None, *dense.shape[2:]])
