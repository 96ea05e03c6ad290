"""Bytes that are numbers in a prepared store: kept in the type that they have, beside one byte that says what is there.

That byte is 1 for a value that is present and 2 for one that is missing; it is 0 in padded steps.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from tfx_sequences.components.numbers.byte_decoding import (
    decode,
    numbers_of,
    present_or,
    transformed_default,
    transformed_numbers,
)
from tfx_sequences.schemas.columns.column import NumericColumn
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

_PRESENT = ".present"
_IS_PRESENT, _IS_MISSING = 1, 2
# NumPy has no bfloat16: the store has whole numbers of that size.
_STORED_AS = {"bfloat16": "uint16", "tensor": "float32"}


def encoded_columns(spec: SequenceSpec) -> dict[str, NumericColumn]:
    """The columns that transformed records hold as bytes, by transformed name."""
    return {name: c for name, c in spec.columns.items() if isinstance(c, NumericColumn) and c.stays_encoded}


def present_name(name: str) -> str:
    """The column of the store that says which values of another one are there."""
    return name + _PRESENT


def column_of(stored: str, encoded: Collection[str]) -> str | None:
    """The encoded feature that a column of the store belongs to; None if it belongs to none.

    >>> column_of("sequence.rgb.present", ["sequence.rgb"]), column_of("sequence.x", ["sequence.rgb"])
    ('sequence.rgb', None)
    """
    return next((name for name in (stored, stored.removesuffix(_PRESENT)) if name in encoded), None)


def stored_dtype(column: NumericColumn) -> str:
    """The type of the numbers in the store."""
    return _STORED_AS.get(str(column.encoding), str(column.encoding))


def decoded_features(features: Mapping[str, Any], spec: SequenceSpec) -> dict[str, Any]:
    """Parsed features, with numbers in the place of bytes, and which of them are there.

    Args:
        features: By transformed name.
        spec: The spec.
    """
    found = dict(features)
    for name, column in encoded_columns(spec).items():
        values = features[name]
        flat = values.values if column.is_sequence else values
        numbers, present = _numbers(flat, column)
        there = tf.where(present, tf.constant(_IS_PRESENT, tf.uint8), tf.constant(_IS_MISSING, tf.uint8))
        found[name] = values.with_values(numbers) if column.is_sequence else numbers
        found[present_name(name)] = values.with_values(there) if column.is_sequence else there
    return found


def _numbers(flat: tf.Tensor, column: NumericColumn) -> tuple[tf.Tensor, tf.Tensor]:
    if column.layout is None or column.encoding == "tensor":
        # The types may differ, so that what is kept is what the network gets.
        return numbers_of(flat, column), tf.strings.length(flat) > 0
    found = decode(flat, column.layout)
    numbers = tf.bitcast(found.numbers, tf.uint16) if column.encoding == "bfloat16" else found.numbers
    return tf.reshape(numbers, [-1, *column.shape]), found.present


def numbers_of_stored(values: tf.Tensor, present: tf.Tensor, column: NumericColumn, padding: float) -> tf.Tensor:
    """What the network gets of values of the store.

    Args:
        values: `[B, T, *shape]`, or `[B, *shape]` for context, as stored.
        present: uint8 `[B, T]` or `[B]`, see above.
        column: The column.
        padding: The value of padded steps.

    Returns:
        float32 `[B, T, *shape]` or `[B, *shape]`, as `pad_features` gives it.
    """
    there = tf.reshape(present, [-1])
    flat = tf.reshape(values, [-1, column.size])
    default = transformed_default(column)
    if column.encoding == "tensor":
        numbers = flat
    else:
        stored = tf.bitcast(flat, tf.bfloat16) if column.encoding == "bfloat16" else flat
        numbers = present_or(transformed_numbers(stored, column), there == _IS_PRESENT, default, column)
    if column.is_sequence and (np.any(default != padding) or column.encoding == "tensor"):
        numbers = tf.where(there[:, None] != 0, numbers, tf.constant(padding, tf.float32))
    return tf.reshape(numbers, tf.shape(values))
