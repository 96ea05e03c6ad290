"""The sum of losses that counts only targets with a positive weight."""

from __future__ import annotations

import tensorflow as tf


def weighted_sum(losses: tf.Tensor, weights: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The weighted sum of losses with a positive weight, and their number; both float32 scalars.

    A loss of weight zero does not count, whatever its value is, not even NaN. So sums and counts of any
    batches, padded in any way, add up to those of all rows computed one by one.

    >>> [x.numpy().item() for x in weighted_sum(tf.constant([1.0, 3.0, float("nan")]), tf.constant([1.0, 0.5, 0.0]))]
    [2.5, 2.0]
    """
    weights = tf.cast(weights, tf.float32)
    there = weights > 0
    return tf.reduce_sum(tf.where(there, losses * weights, 0.0)), tf.reduce_sum(tf.cast(there, tf.float32))
