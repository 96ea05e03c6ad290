"""Ids for combinations of several features' values, used by the transform graph and by feature layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfx_sequences.components.features.runtime_checks import after, are_equal, require
from tfx_sequences.components.features.step_values import Dense
from tfx_sequences.schemas.columns.crossed_columns import CrossedColumn
from tfx_sequences.schemas.columns.names import MISSING_INT


def crossed_ids(values: Sequence[tf.RaggedTensor], column: CrossedColumn) -> tf.RaggedTensor:
    """Ids `[N, V]` of the combinations of values in each step (or record); the last feature varies fastest.

    Args:
        values: The values of each feature, ragged `[N, V]`; there is no combination if a feature has no value.
        column: The column.

    >>> column = CrossedColumn(keys=("a", "b"), hash_bucket_size=100)
    >>> ids = crossed_ids([tf.ragged.constant([["x"], []]), tf.ragged.constant([["p", "q"], ["p"]])], column)
    >>> ids.row_lengths().numpy().tolist()
    [2, 0]
    """
    return tf.ragged.cross_hashed(list(values), column.hash_bucket_size, column.hash_key).with_row_splits_dtype(
        tf.int64
    )


def rows_of(values: tf.Tensor, rows: tf.Tensor, number: tf.Tensor) -> tf.RaggedTensor:
    """Values `[M]` in `number` rows, without those that represent a missing value.

    Args:
        values: The values.
        rows: The row of each value, in increasing order, int64 `[M]`.
        number: Number of rows.
    """
    missing = values == ("" if values.dtype == tf.string else tf.constant(MISSING_INT, values.dtype))
    there = tf.logical_not(missing)
    return tf.RaggedTensor.from_value_rowids(
        tf.boolean_mask(values, there), tf.boolean_mask(rows, there), tf.cast(number, tf.int64), validate=False
    )


def crossed_in_cells(forms: Sequence[Any], steps: Any, column: CrossedColumn) -> tuple[tf.Tensor, tf.Tensor]:
    """Ids `[N]` of the combinations in a grid of `B * T` cells, and the cell of each id, in increasing order.

    Args:
        forms: The features from `step_values`. In dense features, every value counts, as in `tf.feature_column`.
        steps: `T`.
        column: The column.
    """
    cells = tf.cast(forms[0].batch() * steps, tf.int64)
    found = []
    for form in forms:
        if isinstance(form, Dense):
            values = form.ids(steps)
            each = tf.size(values, tf.int64) // tf.maximum(cells, 1)
            flat, its = tf.reshape(values, [-1]), tf.repeat(tf.range(cells), each)
        else:
            flat, its = form.flat(steps)
        found.append(tf.RaggedTensor.from_value_rowids(flat, its, cells, validate=False))
    ids = crossed_ids(found, column)
    return ids.values, ids.value_rowids()


def same_steps(first: tf.RaggedTensor, other: tf.RaggedTensor, keys: tuple[str, str]) -> tf.RaggedTensor:
    """`other`, after a check that it has the steps of the first feature in every record."""
    check = require(
        are_equal(first.row_splits, other.row_splits),
        f"Features '{keys[0]}' and '{keys[1]}', which are crossed, have different numbers of steps.",
        expected="the same number in every record",
        received=lambda: [("steps", other.row_lengths())],
    )
    return other.with_flat_values(after(check, other.flat_values))
