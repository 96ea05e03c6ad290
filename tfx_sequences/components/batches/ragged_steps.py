"""The steps of a whole batch as one dense tensor, and back into the rows of records."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf


def steps_of(ragged: tf.RaggedTensor, key: str, shape: tuple[int, ...]) -> tuple[tf.Tensor, tf.Tensor]:
    """Values `[N, *shape]` of all `N` steps of the batch, and which of them are there, `[N]`.

    A SequenceExample's feature arrives as `[B, T, values]`: a step without values
    is missing. Collapsing keeps steps aligned with those of the other features.
    """
    size = int(np.prod(shape))
    values = ragged.values
    if not isinstance(values, tf.RaggedTensor):
        return unchecked_steps_of(ragged, shape)
    counts = values.row_lengths()
    right = tf.reduce_all((counts == 0) | (counts == size))
    check = tf.debugging.Assert(
        right, [f"Feature '{key}': each step has {size} values or none. Values per step received:", counts]
    )
    with tf.control_dependencies([check]):
        ragged = ragged.with_flat_values(tf.identity(ragged.flat_values))
    return unchecked_steps_of(ragged, shape)


def unchecked_steps_of(ragged: tf.RaggedTensor, shape: tuple[int, ...]) -> tuple[tf.Tensor, tf.Tensor]:
    """`steps_of` where a step of another number of values is missing, and no error."""
    size = int(np.prod(shape))
    values = ragged.values
    if not isinstance(values, tf.RaggedTensor):
        steps = tf.reshape(values, [-1, *shape])
        return steps, tf.ones(tf.shape(steps)[:1], tf.bool)
    default = "" if values.dtype == tf.string else tf.zeros([], values.dtype)
    dense = values.to_tensor(default_value=default, shape=[None, size])
    return tf.reshape(dense, [-1, *shape]), values.row_lengths() == size


def aligned(values: tf.RaggedTensor, name: str, lengths: tf.Tensor) -> tf.RaggedTensor:
    """The label (or weight) of steps, `[B, T, ...]`, with an error where it has not the `lengths` `[B]`."""
    counts = values.row_lengths()
    check = tf.debugging.Assert(
        tf.reduce_all(counts == tf.cast(lengths, counts.dtype)),
        [f"'{name}' and the sequence features have different numbers of steps:", counts, lengths],
    )
    with tf.control_dependencies([check]):
        return values.with_flat_values(tf.identity(values.flat_values))


def like(ragged: tf.RaggedTensor, steps: Any) -> tf.RaggedTensor:
    """What all steps of the batch hold, `[N, ...]`, in the rows of `ragged`."""
    return tf.RaggedTensor.from_row_splits(steps, ragged.row_splits, validate=False)
