"""Lengths of the features of a batch: checks that they agree, and creates the mask."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf
from keras import ops

from tfx_sequences.components.features.runtime_checks import require
from tfx_sequences.errors import shortened


def require_one_batch(rows: Mapping[str, tf.Tensor]) -> tf.Operation | None:
    """Rejects features with different numbers of rows; returns the check op in a graph."""
    if len(rows) < 2:
        return None
    sizes = tf.stack(list(rows.values()))
    return require(
        tf.reduce_all(sizes == sizes[0]),
        "Features of one batch have different numbers of rows.",
        expected="one batch size",
        received=lambda: [(f"rows of {shortened(rows)}:", sizes)],
    )


def common_lengths(lengths: Mapping[str, tf.Tensor]) -> tf.Tensor:
    """The common lengths `[B]`, after a check that all features have the same."""
    first, *others = lengths.values()
    if not others:
        return first
    # Reshape each to the first one's shape, so that the comparison knows that the sizes are equal.
    table = tf.stack([tf.reshape(each, tf.shape(first)) for each in lengths.values()])
    differ = tf.reduce_any(table != table[0], axis=0)
    require(
        tf.logical_not(tf.reduce_any(differ)),
        f"Features {shortened(lengths)} have different numbers of steps.",
        expected="the same length for all columns in each row",
        received=lambda: [
            ("in rows", tf.where(differ)[:, 0]),
            *((f"steps of '{key}':", tf.boolean_mask(each, differ)) for key, each in lengths.items()),
        ],
        fix="Correct the records, or pass the features to separate layers.",
    )
    return first


def length_mask(sequence_length: Any, steps: Any) -> Any:
    """Bool `[B, T]`, True for the first `sequence_length` steps of `steps` `[B, T, ...]`.

    >>> import numpy as np
    >>> print(length_mask(np.array([2, 0]), np.zeros((2, 3))).numpy())
    [[ True  True False]
     [False False False]]
    """
    if tf.is_tensor(steps):
        return tf.sequence_mask(sequence_length, tf.shape(steps)[1])
    first = steps
    while len(first.shape) > 2:
        first = first[..., 0]
    # A running count works when T is unknown while the model is built; arange(T) does not.
    position = ops.cumsum(ops.ones_like(first, dtype="int32"), axis=1)
    return position <= ops.cast(sequence_length, "int32")[:, None]
