"""Clips the gradient of a training step, so that how records are batched does not matter.

The gradient of a step is a sum over its targets divided by a constant, so a batch with many targets has a larger
gradient than one with few. One bound for both would clip the large ones more often, and their targets would weigh
less: the bias that the constant removes would come back. The bound therefore grows with the targets of the step. In
other words, the mean gradient of a target is what is clipped, and its weight in the step stays what it was.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

Gradients = list[Any]
"""Tensors, `tf.IndexedSlices`, or None for a variable that the loss does not depend on."""


@dataclasses.dataclass(frozen=True)
class GradientClipping:
    """How far the gradient of a step may go.

    Attributes:
        norm: Bound of the global norm; None: no bound.
        value: Bound of each element; None: no bound.

    >>> clipping = GradientClipping(norm=1.0)
    >>> [clipped] = clipping([tf.constant([3.0, 4.0])], share=2.0)  # twice the expected targets
    >>> print(clipped.numpy().round(2))
    [1.2 1.6]
    """

    norm: float | None = None
    value: float | None = None

    def __bool__(self) -> bool:
        return self.norm is not None or self.value is not None

    def __call__(self, gradients: Gradients, share: Any, scale: Any = 1.0) -> Gradients:
        """The gradients, clipped.

        Args:
            gradients: Of the whole step: with replicas, summed over them.
            share: Weight of the step's targets, divided by the expected one; float32 scalar.
            scale: What the loss was multiplied by for half precision.
        """
        if self.value is not None:
            bound = self.value * share * scale
            return [_each(g, lambda x: tf.clip_by_value(x, -bound, bound)) for g in gradients]
        if self.norm is not None:
            bound = self.norm * share * scale
            # The square root has no gradient at 0, which nobody asks for; a norm of 0 needs no clipping.
            factor = bound / tf.maximum(global_norm(gradients), tf.maximum(bound, 1e-30))
            return [_each(g, lambda x: x * factor) for g in gradients]
        return gradients


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
    """The gradients of all replicas together, on each of them."""
    replica = tf.distribute.get_replica_context()
    summed = iter(replica.all_reduce(tf.distribute.ReduceOp.SUM, [g for g in gradients if g is not None]))
    return [None if g is None else next(summed) for g in gradients]


def scaled(gradients: Gradients, factor: float) -> Gradients:
    """The gradients times a factor."""
    return [_each(g, lambda x: x * factor) for g in gradients]


def _each(gradient: Any, function: Any) -> Any:
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
