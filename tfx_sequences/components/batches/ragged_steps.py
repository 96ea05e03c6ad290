"""Converts the steps of a whole batch to one dense tensor, and back to the rows of records."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf


def steps_of(ragged: tf.RaggedTensor, key: str, shape: tuple[int, ...]) -> tuple[tf.Tensor, tf.Tensor]:
    """Values `[N, *shape]` of all `N` steps of the batch, and whether each step has a value, `[N]`.

    A SequenceExample's feature has the form `[B, T, values]`; a step without values is missing, and keeps its place,
    so that the steps stay aligned with those of other features.
    """
    size = int(np.prod(shape))
    values = ragged.values
    if not isinstance(values, tf.RaggedTensor):
        return unchecked_steps_of(ragged, shape)
    counts = values.row_lengths()
    right = tf.reduce_all((counts == 0) | (counts == size))
    check = tf.debugging.Assert(
        right, [f"Feature '{key}': each step must have {size} values or none. Values per step received:", counts]
    )
    with tf.control_dependencies([check]):
        ragged = ragged.with_flat_values(tf.identity(ragged.flat_values))
    return unchecked_steps_of(ragged, shape)


def unchecked_steps_of(ragged: tf.RaggedTensor, shape: tuple[int, ...]) -> tuple[tf.Tensor, tf.Tensor]:
    """The same as `steps_of`, but a step with another number of values is missing instead of an error."""
    size = int(np.prod(shape))
    values = ragged.values
    if not isinstance(values, tf.RaggedTensor):
        steps = tf.reshape(values, [-1, *shape])
        return steps, tf.ones(tf.shape(steps)[:1], tf.bool)
    default = "" if values.dtype == tf.string else tf.zeros([], values.dtype)
    dense = values.to_tensor(default_value=default, shape=[None, size])
    return tf.reshape(dense, [-1, *shape]), values.row_lengths() == size


def aligned(values: tf.RaggedTensor, name: str, lengths: tf.Tensor) -> tf.RaggedTensor:
    """The label (or weight) of steps, `[B, T, ...]`, after a check that it has the `lengths` `[B]`."""
    counts = values.row_lengths()
    check = tf.debugging.Assert(
        tf.reduce_all(counts == tf.cast(lengths, counts.dtype)),
        [f"'{name}' and the sequence features have different numbers of steps:", counts, lengths],
    )
    with tf.control_dependencies([check]):
        return values.with_flat_values(tf.identity(values.flat_values))


def like(ragged: tf.RaggedTensor, steps: Any) -> tf.RaggedTensor:
    """The values of all steps of the batch, `[N, ...]`, in the rows of `ragged`."""
    return tf.RaggedTensor.from_row_splits(steps, ragged.row_splits, validate=False)
