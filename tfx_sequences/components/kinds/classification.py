"""Labels with one class: logits, negative log-likelihood, and probabilities that sum to 1."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import tensorflow as tf
from keras import layers, ops

from tfx_sequences.components.kinds.class_counts import ClassCounts
from tfx_sequences.components.kinds.label_kind import HeadInputs, LabelKind, LossFunction
from tfx_sequences.components.kinds.log_mean_exp import log_mean_exp
from tfx_sequences.components.kinds.measures import Measures, Sums, WeightedMeans, values_of
from tfx_sequences.components.kinds.sampled_logits import SampledLogits
from tfx_sequences.components.kinds.score_buckets import ScoreBuckets
from tfx_sequences.components.kinds.spans import SpanCounts, is_iob
from tfx_sequences.components.kinds.target_ranks import TargetRanks
from tfx_sequences.components.kinds.unseen_logits import UnseenLogits
from tfx_sequences.schemas.kinds.classification import DeclaredClassification
from tfx_sequences.schemas.kinds.declared_kind import CLASSES, PREDICTED_CLASS, SCORES
from tfx_sequences.schemas.kinds.losses_and_measures import options_of
from tfx_sequences.schemas.spec.label import Label


class Classification(LabelKind):
    """One class for each record, or for each step. Outputs are logits `[..., C]`, targets are indices.

    Figures are means by weight: `accuracy`; `loss`, the negative log-likelihood in nats, without class weights and
    smoothing; `auc`, the area under the ROC curve over all classes together (of two classes, of the second one). Where
    classes of steps are IOB tags, `span_f1`, `span_precision` and `span_recall` count spans, whatever steps weigh.
    """

    declared: ClassVar[DeclaredClassification] = DeclaredClassification()

    def output(self, head: HeadInputs) -> Any:
        name, size = f"{head.prefix}logits", len(head.statistics.classes)
        layer = SampledLogits if head.label.sampled_softmax is not None else layers.Dense
        logits = layer(size, name=name, dtype="float32")(head.vectors)
        if head.label.unseen == "wrong":
            return UnseenLogits(name=f"{head.prefix}unseen", dtype="float32")(logits)
        return logits

    def average(self, outputs: Sequence[Any]) -> Any:
        """Logits of the mean probabilities."""
        return log_mean_exp([ops.log_softmax(logits) for logits in outputs])

    def loss(self, label: Label, class_weights: Sequence[float] = ()) -> LossFunction:
        if label.loss == "focal":
            return FocalLoss(options_of(label, self.declared.losses(label))["gamma"], class_weights)
        return LogLikelihood(label.label_smoothing, class_weights)

    def training_loss(self, label: Label, layer: Callable[[str], Any], loss: LossFunction) -> LossFunction | None:
        """The loss over a sample of the classes, if the label is configured so."""
        number = label.sampled_softmax
        if number is None:
            return None
        logits, by_rank = layer("logits"), label.classes is None
        return lambda targets, vectors: logits.sampled_loss(targets, vectors, number, by_rank=by_rank)

    def measures(self, label: Label, classes: Sequence[str] = (), *, with_curve: bool = False) -> Measures:
        parts: list[Sums] = [WeightedMeans(("loss", "accuracy"), _loss_and_accuracy, per_step=label.per_step)]
        if label.per_step and is_iob(classes):
            parts.append(SpanCounts(classes))
        if with_curve and "auc" in label.metrics:
            parts.append(ScoreBuckets(_one_against_rest, label.metrics))
        return Measures(label, parts)

    def further_parts(self, label: Label, classes: Sequence[str]) -> list[Sums]:
        parts: list[Sums] = []
        of_ranks = [name for name in label.measures if name == "mrr" or any(n in name for n in ("top_", "@"))]
        if of_ranks:
            parts.append(TargetRanks(of_ranks, per_step=label.per_step))
        if "perplexity" in label.measures:
            parts.append(Perplexity(LogLikelihood(), per_step=label.per_step))
        if any(name.startswith("macro_") for name in label.measures):
            parts.append(ClassCounts(len(classes), _decided))
        return parts

    def served(self, label: Label, output: tf.Tensor, classes: Sequence[str]) -> dict[str, tf.Tensor]:
        if label.unseen == "wrong":
            # The last class is never predicted, so it is not a part of the output.
            output, classes = output[..., :-1], classes[:-1]
        names = tf.constant(classes, tf.string)
        return {
            SCORES: tf.nn.softmax(output),
            CLASSES: tf.tile(names[None, :], [tf.shape(output)[0], 1]),
            PREDICTED_CLASS: tf.gather(names, tf.argmax(output, axis=-1)),
        }


class LogLikelihood:
    """The negative log-likelihood in nats of the smoothed target, times the class's weight.

    Args:
        smoothing: Fraction of the target's probability that is spread over all classes.
        class_weights: Weight of each of the `C` classes; empty if all weights are 1.

    >>> print(LogLikelihood()(tf.constant([1]), tf.zeros([1, 2])).numpy().round(4))
    [0.6931]
    """

    def __init__(self, smoothing: float = 0.0, class_weights: Sequence[float] = ()) -> None:
        self._smoothing = smoothing
        self._class_weights = tf.constant(class_weights, tf.float32) if len(class_weights) else None

    def __call__(self, targets: Any, outputs: Any) -> tf.Tensor:
        """Float32 `[B]`, or `[B, T]` for steps, from class indices and logits `[..., C]`."""
        targets, logits = tf.cast(targets, tf.int64), tf.cast(outputs, tf.float32)
        loss = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)
        if self._smoothing:
            of_all = -tf.reduce_mean(tf.nn.log_softmax(logits), axis=-1)
            loss = (1 - self._smoothing) * loss + self._smoothing * of_all
        return loss if self._class_weights is None else loss * tf.gather(self._class_weights, targets)


class FocalLoss:
    """The focal loss: the negative log-likelihood times `(1 - p) ** gamma`, where `p` is the target's probability.

    Lin, Goyal, Girshick, He, Dollár: Focal loss for dense object detection, 2017.

    Args:
        gamma: 0 gives the negative log-likelihood.
        class_weights: Weight of each of the `C` classes; empty if all weights are 1.
    """

    def __init__(self, gamma: float, class_weights: Sequence[float] = ()) -> None:
        self._gamma = gamma
        self._weighted = LogLikelihood(class_weights=class_weights)

    def __call__(self, targets: Any, outputs: Any) -> tf.Tensor:
        """Float32 `[B]`, or `[B, T]` for steps, from class indices and logits `[..., C]`."""
        likelihood = tf.exp(-LogLikelihood()(targets, outputs))
        # At p = 1, the gradient of a power below 1 would be infinite.
        missing = tf.maximum(1.0 - likelihood, 1e-7)
        return missing**self._gamma * self._weighted(targets, outputs)


class Perplexity(WeightedMeans):
    """`perplexity`, the exponential of a mean loss in nats.

    Args:
        loss: Maps targets and outputs to the loss of each target.
        per_step: Whether targets belong to steps.
    """

    def __init__(self, loss: LossFunction, *, per_step: bool) -> None:
        super().__init__(("perplexity",), functools.partial(values_of, [loss]), per_step=per_step)

    def figures(self, total: tf.Tensor) -> dict[str, tf.Tensor]:
        return {name: tf.exp(value) for name, value in super().figures(total).items()}


def _decided(targets: Any, logits: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """One for the predicted class, and one for the true one, `[..., C]`."""
    classes = tf.shape(logits)[-1]
    return tf.one_hot(tf.argmax(logits, axis=-1), classes), tf.one_hot(tf.cast(targets, tf.int64), classes)


def _loss_and_accuracy(targets: Any, logits: tf.Tensor) -> list[tf.Tensor]:
    right = tf.argmax(logits, axis=-1) == tf.cast(targets, tf.int64)
    # The plain likelihood: what the training loss adds to it is not part of the metric.
    return [LogLikelihood()(targets, logits), tf.cast(right, tf.float32)]


def _one_against_rest(targets: tf.Tensor, logits: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Whether each class is the target, and its probability; with two classes, only the second one."""
    hot, scores = tf.one_hot(targets, tf.shape(logits)[-1]), tf.nn.softmax(logits)
    first = tf.cast(tf.shape(logits)[-1] == 2, tf.int32)
    return hot[..., first:], scores[..., first:]
