"""Numbers stored as bytes, from transformed records to a padded batch.

The numbers are padded in their stored type and converted to float32 at the end, so that little memory is moved.
"""

from __future__ import annotations

import tensorflow as tf

from tfx_sequences.components.numbers.byte_decoding import (
    decode,
    filled_rows,
    numbers_of,
    rows_filled_in_place,
    transformed_default,
    transformed_numbers,
)
from tfx_sequences.schemas.columns.column import NumericColumn
from tfx_sequences.schemas.spec.batching import Padding

# The content of a step, uint8: padding, a value, or nothing.
IS_PADDING, IS_PRESENT, IS_MISSING = 0, 1, 2
# NumPy does not have bfloat16, and padding does not have a kernel for it: integers of that size are used. The types of
# serialized tensors may differ, so they are stored in the type that the network gets.
STORED_AS = {"bfloat16": "uint16", "tensor": "float32"}


def stored_numbers(values: tf.Tensor, column: NumericColumn) -> tuple[tf.Tensor, tf.Tensor]:
    """Converts bytes values `[N]` for padding: numbers `[N, *shape]` of type `STORED_AS`, and uint8 `[N]`, see above.

    >>> column = NumericColumn(key="x", encoding="int8", normalizer="none")
    >>> [part.numpy().tolist() for part in stored_numbers(tf.constant([b"\\x07", b""]), column)]
    [[7, 0], [1, 2]]
    """
    if column.layout is None or column.encoding == "tensor":
        numbers, present = numbers_of(values, column), tf.strings.length(values) > 0
    else:
        found = decode(values, column.layout)
        numbers, present = found.numbers, found.present
        numbers = tf.bitcast(numbers, tf.uint16) if column.encoding == "bfloat16" else numbers
        numbers = tf.reshape(numbers, [-1, *column.shape])
    return numbers, tf.where(present, tf.constant(IS_PRESENT, tf.uint8), tf.constant(IS_MISSING, tf.uint8))


def numbers_of_stored(
    values: tf.Tensor,
    present: tf.Tensor,
    column: NumericColumn,
    padding: Padding | None = None,
    *,
    in_place: bool = False,
) -> tf.Tensor:
    """Converts stored numbers for the network.

    Args:
        values: `[B, T, *shape]`, or `[B, *shape]` for context, from `stored_numbers`.
        present: uint8 `[B, T]` or `[B]`, from `stored_numbers`.
        column: The column.
        padding: The value of padded steps; None: 0.
        in_place: Whether to save a copy of all numbers. Not for two columns of the same values in one graph, because
            TensorFlow converts these once, for both.

    Returns:
        float32 `[B, T, *shape]` or `[B, *shape]`.
    """
    there, flat = tf.reshape(present, [-1]), tf.reshape(values, [-1, column.size])
    if column.encoding != "tensor":
        stored = tf.bitcast(flat, tf.bfloat16) if column.encoding == "bfloat16" else flat
        flat = transformed_numbers(stored, column)
    # Without a conversion, the memory is that of `values`.
    fill = rows_filled_in_place if in_place and values.dtype != tf.float32 else filled_rows
    default = transformed_default(column)
    flat = fill(flat, there != IS_PRESENT, default)
    value = padding.value if padding else 0.0
    if column.is_sequence and (default != value).any():
        flat = fill(flat, there == IS_PADDING, value)
    return tf.ensure_shape(tf.reshape(flat, tf.shape(values)), values.shape)
