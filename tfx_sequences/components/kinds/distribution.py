"""Labels that are a distribution over classes: a classification head whose targets are probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import tensorflow as tf

from tfx_sequences.components.kinds.classification import Classification, Perplexity
from tfx_sequences.components.kinds.label_kind import LossFunction
from tfx_sequences.components.kinds.measures import Measures, Sums, WeightedMeans
from tfx_sequences.schemas.kinds.distribution import DeclaredDistribution
from tfx_sequences.schemas.spec.label import Label


class Distribution(Classification):
    """A distribution per record or step. Outputs are logits `[..., C]`, targets are probabilities `[..., C]`.

    Metrics are weighted means: `loss`, the cross-entropy in nats without smoothing, whose minimum is the entropy of
    the targets; `accuracy`, the fraction of targets whose most likely class (the first of several) is predicted.
    """

    declared: ClassVar[DeclaredDistribution] = DeclaredDistribution()

    def loss(self, label: Label, class_weights: Sequence[float] = ()) -> LossFunction:
        del class_weights
        return CrossEntropy(label.label_smoothing)

    def measures(self, label: Label, classes: Sequence[str] = (), *, with_curve: bool = False) -> Measures:
        del classes, with_curve
        return Measures(label, [WeightedMeans(("loss", "accuracy"), _loss_and_accuracy, per_step=label.per_step)])

    def further_parts(self, label: Label, classes: Sequence[str]) -> list[Sums]:
        del classes
        return [Perplexity(CrossEntropy(), per_step=label.per_step)]


class CrossEntropy:
    """The cross-entropy in nats between the smoothed target and the predicted probabilities.

    Args:
        smoothing: Fraction of the target's probability that is spread over all classes.

    >>> print(CrossEntropy()(tf.constant([[0.5, 0.5]]), tf.math.log([[0.25, 0.75]])).numpy().round(4))
    [0.837]
    """

    def __init__(self, smoothing: float = 0.0) -> None:
        self._smoothing = smoothing

    def __call__(self, targets: Any, outputs: Any) -> tf.Tensor:
        """The cross-entropy, float32 `[B]`, or `[B, T]` for steps, of target probabilities and logits `[..., C]`."""
        targets, logits = tf.cast(targets, tf.float32), tf.cast(outputs, tf.float32)
        smooth = targets * (1 - self._smoothing) + self._smoothing / tf.cast(tf.shape(logits)[-1], tf.float32)
        return -tf.reduce_sum(smooth * tf.nn.log_softmax(logits), axis=-1)


def _loss_and_accuracy(targets: Any, logits: tf.Tensor) -> list[tf.Tensor]:
    right = tf.argmax(logits, axis=-1) == tf.argmax(targets, axis=-1)
    return [CrossEntropy()(targets, logits), tf.cast(right, tf.float32)]
