"""Feature lists that a record does not have, or has empty, beside lists of steps: all of its steps are missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from tfx_sequences.schemas.features.raw_features import RawFeature


def with_missing_steps(ragged: tf.RaggedTensor, lengths: tf.Tensor, size: int = 1) -> tf.RaggedTensor:
    """A feature with as many missing steps as the record has, in rows where it does not have any step.

    Args:
        ragged: `[B, T, values]`; or `[B, T, ...]` of `size` values each, as it is parsed from a `tf.Example`.
        lengths: Steps of each record, `[B]`.
        size: Values of a step.

    Returns:
        `[B, T, values]`; a step that is missing has no values.

    >>> doses = tf.ragged.constant([[[0.5], []], []], ragged_rank=2)
    >>> with_missing_steps(doses, tf.constant([2, 3])).to_list()
    [[[0.5], []], [[], [], []]]
    """
    counts = ragged.row_lengths()
    steps = tf.where(counts == 0, tf.cast(lengths, counts.dtype), counts)
    inner = ragged.values
    if isinstance(inner, tf.RaggedTensor):
        flat, values = inner.flat_values, tf.cast(inner.row_lengths(), counts.dtype)
    else:
        flat = tf.reshape(inner, [-1])
        values = tf.fill(tf.shape(inner)[:1], tf.constant(size, counts.dtype))
    there = tf.repeat(counts > 0, steps)
    every = tf.scatter_nd(tf.where(there), values, tf.shape(there, tf.int64))
    filled = tf.RaggedTensor.from_row_lengths(flat, every, validate=False)
    return tf.RaggedTensor.from_row_lengths(filled, steps, validate=False)


def longest_lists(
    inputs: Mapping[str, Any], features: Sequence[RawFeature], others: Sequence[tf.Tensor] = ()
) -> tf.Tensor:
    """Steps of each record, `[B]`: those of the feature that has most.

    Args:
        inputs: Parsed features by raw name.
        features: Those of the steps.
        others: Numbers of steps that are known otherwise, such as of a text's tokens.
    """
    counts = [tf.cast(inputs[feature.tensor_name].row_lengths(), tf.int64) for feature in features]
    return tf.reduce_max(tf.stack([*counts, *(tf.cast(other, tf.int64) for other in others)]), axis=0)
