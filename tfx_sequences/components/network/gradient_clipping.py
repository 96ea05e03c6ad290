"""Clips the gradient of a training step.

Clipping that acts often changes what is learned. With buckets of lengths, the gradients of single batches point in
different directions and cancel over an epoch, because a batch of short records has other targets than one of long
records. If some of them are shortened more than others, a remainder is left, which the network then learns. No bound
that is the same for every batch avoids this, nor does one that grows with the targets of the batch. So the default
bound adapts: it is ten times the mean norm so far, which only an outlier step exceeds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import keras
import tensorflow as tf

Gradients = list[Any]
"""Tensors, `tf.IndexedSlices`, or None for a variable that the loss does not depend on."""

_TIMES, _KEPT = 10.0, 0.99


class GradientClipping:
    """Limits the gradient of a step.

    Args:
        norm: Bound of the global norm. `adaptive`: ten times the mean norm of the previous steps, a moving average of
            about 100 steps. None: no bound.
        value: Bound of each element; None: no bound.

    >>> [clipped] = GradientClipping(norm=1.0)([tf.constant([3.0, 4.0])])
    >>> print(clipped.numpy().round(2))
    [0.6 0.8]
    """

    def __init__(self, norm: float | Literal["adaptive"] | None = None, value: float | None = None) -> None:
        self._norm = norm
        self._value = value
        self._mean: Any = None

    def __bool__(self) -> bool:
        return self._norm is not None or self._value is not None

    def build(self, optimizer: keras.optimizers.Optimizer) -> None:
        """Stores the adaptive bound's state in a variable of the optimizer, so that backups include it."""
        if self._norm == "adaptive":
            # The decaying sum of the norms, and that of their weights.
            self._mean = optimizer.add_variable((2,), aggregation="only_first_replica", name="gradient_norms")

    def __call__(self, gradients: Gradients, scale: Any = 1.0) -> Gradients:
        """The gradients, clipped.

        Args:
            gradients: Gradients of the whole step, summed over replicas.
            scale: Factor by which the loss was multiplied for half precision.
        """
        if self._value is not None:
            bound = self._value * scale
            return [_each(g, lambda x: tf.clip_by_value(x, -bound, bound)) for g in gradients]
        if self._norm is None:
            return gradients
        norm = global_norm(gradients) / scale
        bound = self._adapted(norm) if self._norm == "adaptive" else tf.constant(float(self._norm))
        factor = bound / tf.maximum(norm, tf.maximum(bound, 1e-30))
        return [_each(g, lambda x: x * tf.cast(factor, x.dtype)) for g in gradients]

    def _adapted(self, norm: tf.Tensor) -> tf.Tensor:
        """The bound of this step. Its norm, at most the bound, enters the mean for the next steps."""
        before = tf.convert_to_tensor(self._mean)
        bound = _TIMES * before[0] / tf.maximum(before[1], 1e-30)
        # There is no mean yet in the first step, or after steps without a gradient.
        bound = tf.where(bound > 0, bound, tf.maximum(norm, 1e-30))
        after = _KEPT * before + (1 - _KEPT) * tf.stack([tf.minimum(norm, bound), 1.0])
        self._mean.assign(tf.where(tf.math.is_finite(norm), after, before))
        return bound


def global_norm(gradients: Sequence[Any]) -> tf.Tensor:
    """The Euclidean norm of all gradients together, float32 scalar.

    Slices of a variable that occur several times are added first, as the optimizer adds them.

    >>> slices = tf.IndexedSlices(tf.constant([[3.0], [1.0]]), tf.constant([7, 7]), tf.constant([9, 1]))
    >>> print(global_norm([slices, None, tf.constant([3.0])]).numpy())
    5.0
    """
    dense = [_without_repeats(g) for g in gradients if g is not None]
    return tf.sqrt(tf.add_n([tf.reduce_sum(tf.square(tf.cast(g, tf.float32))) for g in dense] or [tf.zeros([])]))


def summed_over_replicas(gradients: Gradients) -> Gradients:
    """The gradients summed over all replicas, on each replica."""
    replica = tf.distribute.get_replica_context()
    summed = iter(replica.all_reduce(tf.distribute.ReduceOp.SUM, [g for g in gradients if g is not None]))
    return [None if g is None else next(summed) for g in gradients]


def scaled(gradients: Gradients, factor: float) -> Gradients:
    """The gradients multiplied by a factor."""
    return [_each(g, lambda x: x * factor) for g in gradients]


def _each(gradient: Any, function: Callable[[Any], Any]) -> Any:
    if gradient is None:
        return None
    if isinstance(gradient, tf.IndexedSlices):
        return tf.IndexedSlices(function(gradient.values), gradient.indices, gradient.dense_shape)
    return function(gradient)


def _without_repeats(gradient: Any) -> tf.Tensor:
    if not isinstance(gradient, tf.IndexedSlices):
        return gradient
    distinct, where = tf.unique(gradient.indices)
    return tf.math.unsorted_segment_sum(gradient.values, where, tf.size(distinct))
