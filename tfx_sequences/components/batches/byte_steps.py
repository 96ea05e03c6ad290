"""Bytes that are numbers, from transformed records to a padded batch."""

from __future__ import annotations

import tensorflow as tf

from tfx_sequences.components.numbers.byte_decoding import numbers_of, transformed_default
from tfx_sequences.schemas.columns.column import NumericColumn
from tfx_sequences.schemas.spec.batching import Padding


def padded_numbers(values: tf.Tensor, column: NumericColumn, padding: Padding, lengths: tf.Tensor) -> tf.Tensor:
    """The numbers of padded steps.

    Args:
        values: Strings `[B, T]`, empty in padded steps and where a value is missing.
        column: The column, which stays encoded in transformed records.
        padding: Value and side of padded steps.
        lengths: `[B]`.

    Returns:
        float32 `[B, T, *shape]`.

    >>> column = NumericColumn(key="x", encoding="uint8", is_sequence=True, default_value=7.0, normalizer="none")
    >>> values = tf.constant([[b"\\x01", b"", b""]])
    >>> padded_numbers(values, column, Padding(value=-1), tf.constant([2])).numpy().tolist()
    [[1.0, 7.0, -1.0]]
    """
    numbers = numbers_of(values, column)
    if not (transformed_default(column) != padding.value).any():
        return numbers
    steps = tf.shape(values)[1]
    real = tf.sequence_mask(lengths, steps)
    if padding.side == "left":
        real = tf.reverse(real, [1])
    real = tf.reshape(real, tf.concat([tf.shape(real), [1] * len(column.shape)], axis=0))
    return tf.where(real, numbers, tf.constant(padding.value, tf.float32))
