"""Lengths of the features of a batch: checks that they agree, and creates the mask."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf
from keras import ops

from tfx_sequences.components.features.runtime_checks import require
from tfx_sequences.components.features.step_values import Dense
from tfx_sequences.errors import UserInputError, shortened
from tfx_sequences.schemas.columns.names import SEQUENCE_LENGTH


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


def lengths_of_forms(forms: Sequence[Any], given: Any) -> tuple[Any, Any]:
    """The common lengths `[B]` of the rows of sequence features, and `T`, at least 1.

    Args:
        forms: The features in their forms; see `step_values`.
        given: int `[B]`, the lengths that were passed; None if none were.

    Raises:
        UserInputError: Lengths differ, or all features are dense and no lengths were passed.
    """
    by_key = {its.key: its.lengths() for form in forms for its in (form, *form.others) if not isinstance(its, Dense)}
    steps = [form.steps() for form in forms]
    is_static = all(isinstance(s, int) for s in steps)
    longest = max(1, *steps) if is_static else functools.reduce(tf.maximum, steps, 1)
    if given is not None:
        given = tf.cast(given, tf.int64)
        require(
            tf.reduce_all((given >= 0) & (given <= tf.cast(longest, tf.int64))),
            "sequence_length does not match the features.",
            expected="lengths from 0 to the number of steps of the features",
            received=lambda: [("lengths", given), ("for steps", tf.cast(longest, tf.int64))],
        )
        by_key[SEQUENCE_LENGTH] = given
    if not by_key:
        raise UserInputError(
            "SequenceFeatures was given dense features without their lengths.",
            expected="sequence_length, int [B]: the number of real steps in each row",
            received=f"dense features {shortened(form.key for form in forms)}",
            fix="Pass sequence_length, or pass ragged or sparse features.",
        )
    return common_lengths(by_key), longest


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


def kernel_mask(mask: Any) -> Any:
    """The mask of real steps `[B, T]` with the first step of each row made real.

    cuDNN's recurrent kernels need padding on the right, and at least one step in each row.

    >>> import numpy as np
    >>> print(kernel_mask(np.array([[True, False], [False, False]])).numpy())
    [[ True False]
     [ True False]]
    """
    return ops.concatenate([ops.ones_like(mask[:, :1]), mask[:, 1:]], axis=1)
