"""Labels with any number of classes: one logit per class, each independent of the others."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, ClassVar

import tensorflow as tf
from keras import layers, ops

from tfx_sequences.components.kinds.class_counts import ClassCounts
from tfx_sequences.components.kinds.label_kind import HeadInputs, LabelKind, LossFunction
from tfx_sequences.components.kinds.log_mean_exp import log_mean_exp
from tfx_sequences.components.kinds.measures import Measures, Sums, WeightedMeans
from tfx_sequences.components.kinds.score_buckets import ScoreBuckets
from tfx_sequences.schemas.kinds.declared_kind import CLASSES, SCORES
from tfx_sequences.schemas.kinds.losses_and_measures import options_of
from tfx_sequences.schemas.kinds.multi_label import DeclaredMultiLabel
from tfx_sequences.schemas.spec.label import Label


class MultiLabel(LabelKind):
    """Any number of classes for each record, or for each step. Outputs are logits `[..., C]`.

    Figures are means by weight: `loss`, the negative log-likelihood in nats of all classes together, without class
    weights and smoothing; `accuracy`, the share of classes that a probability of one half tells right; `auc`, the area
    under the ROC curve over all classes together.
    """

    declared: ClassVar[DeclaredMultiLabel] = DeclaredMultiLabel()

    def output(self, head: HeadInputs) -> Any:
        size = len(head.statistics.classes)
        return layers.Dense(size, name=f"{head.prefix}logits", dtype="float32")(head.vectors)

    def average(self, outputs: Sequence[Any]) -> Any:
        """Logits of the mean probabilities."""
        present = log_mean_exp([ops.log_sigmoid(logits) for logits in outputs])
        return present - log_mean_exp([ops.log_sigmoid(-logits) for logits in outputs])

    def loss(self, label: Label, class_weights: Sequence[float] = ()) -> LossFunction:
        if label.loss == "focal":
            gamma = options_of(label, self.declared.losses(label))["gamma"]
            return BinaryFocalLoss(label, gamma, class_weights)
        return BinaryLogLikelihood(label, label.label_smoothing, class_weights)

    def measures(self, label: Label, classes: Sequence[str] = (), *, with_curve: bool = False) -> Measures:
        del classes
        parts: list[Sums] = [
            WeightedMeans(("loss", "accuracy"), functools.partial(_loss_and_accuracy, label), per_step=label.per_step)
        ]
        if with_curve:
            parts.append(ScoreBuckets(functools.partial(_each, label), label.metrics))
        return Measures(label, parts)

    def further_parts(self, label: Label, classes: Sequence[str]) -> list[Sums]:
        if any(name.startswith(("micro_", "macro_")) for name in label.measures):
            return [ClassCounts(len(classes), functools.partial(_decided, label))]
        return []

    def served(self, label: Label, output: tf.Tensor, classes: Sequence[str]) -> dict[str, tf.Tensor]:
        del label
        listed = tf.tile(tf.constant(classes, tf.string)[None, :], [tf.shape(output)[0], 1])
        return {SCORES: tf.sigmoid(output), CLASSES: listed}

    def evaluated_target(self, label: Label, target: tf.Tensor, classes: Sequence[str]) -> tf.Tensor:
        """A vector of 0 and 1 by class."""
        return as_multi_hot(target, label, len(classes))


class BinaryLogLikelihood:
    """The negative log-likelihood in nats of the smoothed targets, the sum over all classes.

    Args:
        label: The label.
        smoothing: Fraction of each target's probability that is spread over presence and absence.
        class_weights: Weight of the presence of each of the `C` classes; empty if all weights are 1.

    >>> loss = BinaryLogLikelihood(Label(key="y", type="multi_label", classes=("a", "b")))
    >>> print(loss(tf.constant([[1], [-1]]), tf.zeros([2, 2])).numpy().round(4))
    [1.3863 1.3863]
    """

    def __init__(self, label: Label, smoothing: float = 0.0, class_weights: Sequence[float] = ()) -> None:
        self._label = label
        self._smoothing = smoothing
        self._class_weights = tf.constant(class_weights, tf.float32) if len(class_weights) else None

    def __call__(self, targets: Any, outputs: Any) -> tf.Tensor:
        """Float32 `[B]`, or `[B, T]` for steps, from targets as in `as_multi_hot` and logits `[..., C]`."""
        logits = tf.cast(outputs, tf.float32)
        hot = as_multi_hot(targets, self._label, tf.shape(logits)[-1])
        smooth = hot * (1 - self._smoothing) + self._smoothing / 2
        there = 1.0 if self._class_weights is None else self._class_weights
        losses = there * smooth * tf.nn.softplus(-logits) + (1 - smooth) * tf.nn.softplus(logits)
        return tf.reduce_sum(losses, axis=-1)


class BinaryFocalLoss:
    """The focal loss of each class: its negative log-likelihood times `(1 - p) ** gamma`, the sum over all classes.

    Lin, Goyal, Girshick, He, Dollár: Focal loss for dense object detection, 2017.

    Args:
        label: The label.
        gamma: 0 gives the negative log-likelihood.
        class_weights: Weight of the presence of each of the `C` classes; empty if all weights are 1.
    """

    def __init__(self, label: Label, gamma: float, class_weights: Sequence[float] = ()) -> None:
        self._label = label
        self._gamma = gamma
        self._class_weights = tf.constant(class_weights, tf.float32) if len(class_weights) else None

    def __call__(self, targets: Any, outputs: Any) -> tf.Tensor:
        """Float32 `[B]`, or `[B, T]` for steps, from targets as in `as_multi_hot` and logits `[..., C]`."""
        logits = tf.cast(outputs, tf.float32)
        hot = as_multi_hot(targets, self._label, tf.shape(logits)[-1])
        # The logit of the right side, present or absent.
        right = tf.where(hot > 0, logits, -logits)
        missing = tf.maximum(tf.sigmoid(-right), 1e-7)
        there = 1.0 if self._class_weights is None else tf.where(hot > 0, self._class_weights, 1.0)
        return tf.reduce_sum(there * missing**self._gamma * tf.nn.softplus(-right), axis=-1)


def as_multi_hot(targets: Any, label: Label, classes: Any) -> tf.Tensor:
    """Targets as 0 and 1, float32 `[..., C]`; an index of -1 stands for no class.

    >>> as_multi_hot([[2, 0], [1, -1]], Label(key="y", type="multi_label"), 3).numpy().tolist()
    [[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]
    """
    if label.is_vector:
        return tf.cast(targets, tf.float32)
    return tf.minimum(tf.reduce_sum(tf.one_hot(targets, classes), axis=-2), 1.0)


def _loss_and_accuracy(label: Label, targets: Any, logits: tf.Tensor) -> list[tf.Tensor]:
    hot = as_multi_hot(targets, label, tf.shape(logits)[-1])
    right = tf.reduce_mean(tf.cast((logits > 0) == (hot > 0), tf.float32), axis=-1)
    # The plain likelihood: what the training loss adds to it is not part of the metric.
    return [BinaryLogLikelihood(label)(targets, logits), right]


def _decided(label: Label, targets: Any, logits: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Whether each class is predicted, from a probability of one half on, and whether it is present; 0 and 1."""
    hot = as_multi_hot(targets, label, tf.shape(logits)[-1])
    return tf.cast(logits >= 0, tf.float32), tf.cast(hot > 0, tf.float32)


def _each(label: Label, targets: Any, logits: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    return as_multi_hot(targets, label, tf.shape(logits)[-1]), tf.sigmoid(logits)
