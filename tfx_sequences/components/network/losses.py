"""The loss of each target by the label's kind, and the sum that counts only what weighs something."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfx_sequences.components.network.forecast_errors import forecast_loss
from tfx_sequences.schemas.spec.label import Label


class HeadLoss:
    """The loss of each target of a head.

    Classification: the negative log-likelihood in nats (of the smoothed target, if the label has
    `label_smoothing`), times the class's weight. Multi-label: the same of all classes together,
    the sum over them; a class's weight is that of its being there. Regression: the squared error,
    its mean over the numbers of a vector. Forecast: as its `loss` says, see `forecast_errors`.

    Args:
        label: The label.
        class_weights: Weight of each class, `C` of them; empty where all weigh 1.

    >>> loss = HeadLoss(Label(key="y", type="multi_label", classes=("a", "b")))
    >>> print(loss(tf.constant([[1], [-1]]), tf.zeros([2, 2])).numpy().round(4))
    [1.3863 1.3863]
    """

    def __init__(self, label: Label, class_weights: Sequence[float] = ()) -> None:
        self._label = label
        self._class_weights = tf.constant(class_weights, tf.float32) if len(class_weights) else None

    def __call__(self, targets: Any, outputs: Any) -> tf.Tensor:
        """Float32 `[B]`, or `[B, T]` of steps.

        Args:
            targets: As of `targets_and_weights`: class indices, several of them, 0 and 1, or numbers.
            outputs: Logits `[B, C]`, or `[B, T, C]`; numbers `[B, D]`, or `[B, T, D]`.
        """
        outputs = tf.cast(outputs, tf.float32)
        if self._label.type == "classification":
            return self._of_one_class(tf.cast(targets, tf.int64), outputs)
        if self._label.type == "multi_label":
            return self._of_several(as_multi_hot(targets, self._label, tf.shape(outputs)[-1]), outputs)
        if self._label.type == "forecast":
            return forecast_loss(targets, outputs, self._label)
        return tf.reduce_mean(tf.square(as_vectors(targets, self._label) - outputs), axis=-1)

    def _of_one_class(self, targets: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        loss = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)
        smoothing = self._label.label_smoothing
        if smoothing:
            of_all = -tf.reduce_mean(tf.nn.log_softmax(logits), axis=-1)
            loss = (1 - smoothing) * loss + smoothing * of_all
        return loss if self._class_weights is None else loss * tf.gather(self._class_weights, targets)

    def _of_several(self, targets: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        smoothing = self._label.label_smoothing
        targets = targets * (1 - smoothing) + smoothing / 2
        there = 1.0 if self._class_weights is None else self._class_weights
        losses = there * targets * tf.nn.softplus(-logits) + (1 - targets) * tf.nn.softplus(logits)
        return tf.reduce_sum(losses, axis=-1)


def as_multi_hot(targets: Any, label: Label, classes: Any) -> tf.Tensor:
    """Targets of a `multi_label` as 0 and 1, float32 `[..., C]`; -1 among indices is no class.

    >>> as_multi_hot([[2, 0], [1, -1]], Label(key="y", type="multi_label"), 3).numpy().tolist()
    [[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]
    """
    if label.is_vector:
        return tf.cast(targets, tf.float32)
    return tf.minimum(tf.reduce_sum(tf.one_hot(targets, classes), axis=-2), 1.0)


def as_vectors(targets: Any, label: Label) -> tf.Tensor:
    """Targets of regression as float32 `[..., D]`, where a lone number is a vector of one."""
    targets = tf.cast(targets, tf.float32)
    return targets if label.is_vector else targets[..., None]


def weighted_sum(losses: tf.Tensor, weights: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The weighted sum of what weighs more than zero, and how many that are; both float32 scalars.

    What weighs zero does not count, whatever its loss is: not even NaN. So sums and counts of any
    batches, padded in any way, add up to those of all rows taken one by one.

    >>> [x.numpy().item() for x in weighted_sum(tf.constant([1.0, 3.0, float("nan")]), tf.constant([1.0, 0.5, 0.0]))]
    [2.5, 2.0]
    """
    weights = tf.cast(weights, tf.float32)
    there = weights > 0
    return tf.reduce_sum(tf.where(there, losses * weights, 0.0)), tf.reduce_sum(tf.cast(there, tf.float32))
