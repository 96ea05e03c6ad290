"""Numbers stored as bytes in the transform graph: checked, and decoded if a normalizer needs the numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from tfx_sequences.components.batches.alignment import column_inputs
from tfx_sequences.components.batches.ragged_steps import like, steps_of
from tfx_sequences.components.features.runtime_checks import after, require
from tfx_sequences.components.numbers.byte_decoding import Decoded, decode, dequantized
from tfx_sequences.schemas.columns.byte_numbers import ByteLayout
from tfx_sequences.schemas.columns.column import ImageColumn, NumericColumn
from tfx_sequences.schemas.features.raw_features import feature_of
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def transform_encoded_columns(inputs: Mapping[str, Any], spec: SequenceSpec) -> dict[str, Any]:
    """The columns that stay bytes in transformed records, by transformed name.

    Args:
        inputs: The parsed features by raw name, from `parse_records` or from Transform's reader.
        spec: The spec.
    """
    outputs: dict[str, Any] = {}
    for name, column in spec.columns.items():
        if isinstance(column, ImageColumn):
            raw = inputs[feature_of(column).tensor_name]
            outputs[name] = like(raw, steps_of(raw, column.key, ())[0]) if column.is_sequence else tf.identity(raw)
        elif isinstance(column, NumericColumn) and column.stays_encoded and column.layout is not None:
            raw = column_inputs(inputs, column)[feature_of(column).tensor_name]
            values, _ = _checked(raw, column, column.layout)
            outputs[name] = like(raw, values) if column.is_sequence else values
    return outputs


def read_encoded(raw: Any, column: NumericColumn, layout: ByteLayout) -> tuple[tf.Tensor, tf.Tensor]:
    """The numbers of all steps (records, for context), float `[N, *shape]`, and whether each is present, bool `[N]`.

    Args:
        raw: The parsed strings: ragged `[B, T]` or `[B, T, V]`, dense `[B]` for context.
        column: The column.
        layout: The layout of the numbers in the bytes.
    """
    values, found = _checked(raw, column, layout)
    numbers = after_values(values, found.numbers)
    numbers = dequantized(tf.cast(numbers, tf.float64 if layout.needs_double else tf.float32), column)
    return tf.reshape(numbers, [-1, *column.shape]), found.present


def after_values(values: tf.Tensor, numbers: tf.Tensor) -> tf.Tensor:
    """The numbers, after the check of the values."""
    with tf.control_dependencies([values]):
        return tf.identity(numbers)


def _checked(raw: Any, column: NumericColumn, layout: ByteLayout) -> tuple[tf.Tensor, Decoded]:
    """The values `[N]`, after a check that they match the layout, and the decoded numbers."""
    values = steps_of(raw, column.key, ())[0] if column.is_sequence else raw
    found = decode(values, layout)
    fits = found.fits
    if not column.is_sequence and column.default_value is None:
        fits &= found.present

    def received() -> list[tuple[str, tf.Tensor]]:
        wrong = tf.where(tf.logical_not(fits))[:, 0]
        counts = ("bytes", tf.strings.length(tf.gather(values, wrong)))
        if not column.is_sequence:
            return [counts, ("in rows", wrong)]
        rows = tf.gather(raw.value_rowids(), wrong)
        return [counts, ("in rows", rows), ("at steps", wrong - tf.gather(raw.row_starts(), rows))]

    check = require(
        tf.reduce_all(fits),
        f"The bytes of feature '{column.key}' do not match its shape.",
        expected=f"{layout} in each {'step' if column.is_sequence else 'record'}",
        received=received,
        fix="Correct the records, or the column's encoding and shape.",
    )
    return after(check, values), found
