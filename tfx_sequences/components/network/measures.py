"""What a head is measured by, as sums per record: training and evaluation compute them by the same code.

A figure of a whole split is a function of sums over its records, so any batches and workers give
the same one, and each real step counts exactly once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfx_sequences.components.network.forecast_errors import FORECAST_SUMS, forecast_figures, forecast_sums
from tfx_sequences.components.network.losses import HeadLoss, as_multi_hot, as_vectors
from tfx_sequences.components.network.spans import is_iob, span_counts
from tfx_sequences.schemas.spec.label import Label

# How many sums: weight, loss and one more of every head; spans right, predicted, there; buckets of `auc`.
_PLAIN, _SPANS, _BUCKETS = 3, 3, 1000


class HeadMeasures:
    """The sums of one head, from which `figures` are made.

    Figures are means by weight (`span_*` count spans, whatever their steps weigh): `accuracy`, of
    a multi_label the share of classes that are told right by a probability of one half; `loss`, the
    negative log-likelihood in nats, without class weights and smoothing; `auc`, the area under the
    ROC curve over all classes together (of two classes, of the second one), exact to the width of 1000 buckets
    of probability; `span_f1`, `span_precision`, `span_recall`; `mean_squared_error`, `mean_absolute_error`; `smape` in
    percent and `mase`, as `forecast_errors` has them.

    Args:
        label: The label.
        classes: Its classes, in the order of the outputs.
        with_auc: Whether to sum up what `auc` needs, two numbers per bucket.
    """

    def __init__(self, label: Label, classes: Sequence[str] = (), *, with_auc: bool = False) -> None:
        self._label = label
        self._classes = tuple(classes)
        self._spans = label.type == "classification" and label.per_step and is_iob(classes)
        self._auc = with_auc and "auc" in label.metrics
        # The plain likelihood: what the loss of training adds to it is no measure.
        plain = {"label_smoothing": 0.0, "class_weights": None, "sampled_softmax": None}
        self._loss = HeadLoss(label.model_copy(update=plain))

    @property
    def label(self) -> Label:
        """The head's label."""
        return self._label

    @property
    def size(self) -> int:
        """Number of sums `S`."""
        if self._label.type == "forecast":
            return FORECAST_SUMS
        return _PLAIN + _SPANS * self._spans + 2 * _BUCKETS * self._auc

    def sums(self, targets: Any, outputs: Any, weights: Any) -> tf.Tensor:
        """The sums of each record, float32 `[B, S]`.

        Args:
            targets: As of `targets_and_weights`.
            outputs: As the model gives them.
            weights: `[B]`, of steps `[B, T]`; what weighs zero is not there.
        """
        outputs, weights = tf.cast(outputs, tf.float32), tf.cast(weights, tf.float32)
        there = weights > 0
        if self._label.type == "forecast":
            return forecast_sums(targets, outputs, weights)
        more = []
        if self._label.type == "classification":
            predicted = tf.argmax(outputs, axis=-1)
            second = tf.cast(predicted == tf.cast(targets, tf.int64), tf.float32)
            if self._spans:
                more = [span_counts(targets, predicted, there, self._classes)]
            if self._auc:
                more.append(_buckets(*_one_against_rest(targets, outputs), weights))
        elif self._label.type == "multi_label":
            hot = as_multi_hot(targets, self._label, tf.shape(outputs)[-1])
            second = tf.reduce_mean(tf.cast((outputs > 0) == (hot > 0), tf.float32), axis=-1)
            if self._auc:
                more = [_buckets(hot, tf.sigmoid(outputs), weights)]
        else:
            second = tf.reduce_mean(tf.abs(as_vectors(targets, self._label) - outputs), axis=-1)
        parts = [weights, *(tf.where(there, x * weights, 0.0) for x in (self._loss(targets, outputs), second))]
        sums = tf.stack([tf.reduce_sum(x, axis=1) if self._label.per_step else x for x in parts], axis=1)
        return tf.concat([sums, *more], axis=1)


def figures(label: Label, total: Any) -> dict[str, tf.Tensor]:
    """The figures of a head by name.

    Args:
        label: The label.
        total: The sums over all records, `[S]`.

    >>> found = figures(Label(key="y"), tf.constant([4.0, 2.0, 3.0]))
    >>> {name: float(value) for name, value in found.items()}
    {'loss': 0.5, 'accuracy': 0.75}
    """
    total = tf.convert_to_tensor(total)
    if label.type == "forecast":
        return forecast_figures(total)
    weight, loss, second = (total[i] for i in range(_PLAIN))
    names = ("mean_squared_error", "mean_absolute_error") if label.type == "regression" else ("loss", "accuracy")
    found = {name: tf.math.divide_no_nan(x, weight) for name, x in zip(names, (loss, second), strict=True)}
    if (total.shape[0] - _PLAIN) % (2 * _BUCKETS) == _SPANS:
        right, predicted, true = (total[_PLAIN + i] for i in range(_SPANS))
        found["span_f1"] = tf.math.divide_no_nan(2 * right, predicted + true)
        found["span_precision"] = tf.math.divide_no_nan(right, predicted)
        found["span_recall"] = tf.math.divide_no_nan(right, true)
    buckets = score_buckets(total)
    if buckets is not None:
        found["auc"] = _area(*buckets)
    return found


def score_buckets(total: Any) -> tuple[Any, Any] | None:
    """Weight of what is not there, and of what is, by bucket of its probability; None where they are not summed up.

    Args:
        total: The sums over all records, `[S]`.
    """
    if total.shape[0] < _PLAIN + 2 * _BUCKETS:
        return None
    return total[-2 * _BUCKETS : -_BUCKETS], total[-_BUCKETS:]


def _one_against_rest(targets: tf.Tensor, logits: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Whether each class is there, and its probability; of two classes the second one alone says all."""
    hot, scores = tf.one_hot(targets, tf.shape(logits)[-1]), tf.nn.softmax(logits)
    first = tf.cast(tf.shape(logits)[-1] == 2, tf.int32)
    return hot[..., first:], scores[..., first:]


def _buckets(hot: tf.Tensor, scores: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Weight of what is not there, and of what is, by bucket of its probability: `[B, 2 * buckets]`."""
    bucket = tf.minimum(tf.cast(scores * _BUCKETS, tf.int32), _BUCKETS - 1)
    at = bucket + _BUCKETS * tf.cast(hot > 0, tf.int32)
    rows = tf.shape(at)[0]
    spread = tf.broadcast_to(weights[..., None], tf.shape(at))
    at += tf.reshape(tf.range(rows) * 2 * _BUCKETS, [-1] + [1] * (at.shape.rank - 1))
    sums = tf.math.unsorted_segment_sum(tf.reshape(spread, [-1]), tf.reshape(at, [-1]), rows * 2 * _BUCKETS)
    return tf.reshape(sums, [rows, 2 * _BUCKETS])


def _area(negative: tf.Tensor, positive: tf.Tensor) -> tf.Tensor:
    """Probability that something there has a higher score than something not there; within a bucket, one half."""
    below = tf.cumsum(negative, exclusive=True) + negative / 2
    return tf.math.divide_no_nan(tf.reduce_sum(positive * below), tf.reduce_sum(positive) * tf.reduce_sum(negative))
