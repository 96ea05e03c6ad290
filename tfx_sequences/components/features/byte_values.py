"""Decodes a layer's feature whose bytes values contain numbers, and keeps its form."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfx_sequences.components.features.runtime_checks import after, require
from tfx_sequences.components.numbers.byte_decoding import decode, dequantized
from tfx_sequences.schemas.columns.byte_numbers import ByteLayout
from tfx_sequences.schemas.columns.column import NumericColumn


def decoded_value(value: Any, column: NumericColumn, layout: ByteLayout) -> Any:
    """The numbers of a feature.

    Args:
        value: Strings: dense `[B, T]`, ragged or sparse `[B, T]`, ragged `[B, T, V]` with at most one value per step;
            without `T` for context.
        column: The column.
        layout: The layout of the numbers in the bytes.

    Returns:
        Dense `[B, T, size]`, or ragged `[B, T, V]`, where a missing step does not have numbers.

    Raises:
        UserInputError: A value does not contain the numbers of the column's shape (in a graph: TensorFlow's error).

    >>> column = NumericColumn(key="x", encoding="int8", shape=(2,), is_sequence=True, normalizer="none")
    >>> value = tf.ragged.constant([[b"\\x01\\xff", b""], [b"\\x02\\x03"]])
    >>> decoded_value(value, column, ByteLayout("int8", 2)).to_list()
    [[[1.0, -1.0], []], [[2.0, 3.0]]]
    """
    if isinstance(value, tf.SparseTensor):
        value = tf.RaggedTensor.from_sparse(value)
    if not isinstance(value, tf.RaggedTensor):
        flat = tf.reshape(value, [-1])
        numbers, present = _numbers(flat, column, layout)
        numbers = tf.where(present[:, None], numbers, tf.constant(column.default_value or 0.0, numbers.dtype))
        return tf.ensure_shape(
            tf.reshape(numbers, tf.concat([tf.shape(value), [column.size]], axis=0)), [*value.shape, column.size]
        )
    value = value.with_row_splits_dtype(tf.int64)
    flat = value.values
    if isinstance(flat, tf.RaggedTensor):
        counts = flat.row_lengths()
        check = require(
            tf.reduce_all(counts <= 1),
            f"Feature '{column.key}' has steps with several bytes values.",
            expected="one value per step, with all of its numbers",
            received=lambda: [("at most", tf.reduce_max(counts))],
            fix="Correct the records.",
        )
        flat = after(check, flat.to_tensor("", shape=[None, 1]))[:, 0]
    numbers, present = _numbers(flat, column, layout)
    there = tf.reshape(tf.boolean_mask(numbers, present), [-1])
    steps = tf.RaggedTensor.from_row_lengths(there, tf.cast(present, tf.int64) * column.size, validate=False)
    return value.with_values(steps)


def _numbers(flat: tf.Tensor, column: NumericColumn, layout: ByteLayout) -> tuple[tf.Tensor, tf.Tensor]:
    """Numbers `[N, size]`, and whether each is present, `[N]`."""
    found = decode(flat, layout)
    check = require(
        tf.reduce_all(found.fits),
        f"The bytes of feature '{column.key}' do not match its shape.",
        expected=f"{layout} in each value",
        received=lambda: [("bytes", tf.strings.length(tf.boolean_mask(flat, tf.logical_not(found.fits))))],
        fix="Correct the records, or the column's encoding and shape.",
    )
    full = tf.float64 if layout.needs_double else tf.float32
    return dequantized(tf.cast(after(check, found.numbers), full), column), found.present
