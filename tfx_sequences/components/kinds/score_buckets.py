"""The areas under the ROC and the precision-recall curve, from weights by score."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfx_sequences.components.kinds.measures import Sums

BUCKETS = 1000


class ScoreBuckets(Sums):
    """Weights of absent and of present classes, by bucket of their score: `auc`, the area under the ROC curve over all
    classes together, exact to the width of a bucket.

    Args:
        scores: Maps targets and outputs to presence (0 or 1) and score (from 0 to 1) of each class, both `[..., C]`.
        names: Names of the metrics: `auc`, `pr_auc`.
    """

    size = 2 * BUCKETS

    def __init__(
        self, scores: Callable[[Any, tf.Tensor], tuple[tf.Tensor, tf.Tensor]], names: Sequence[str] = ("auc",)
    ) -> None:
        self._scores = scores
        self._names = frozenset(names)

    def sums(self, targets: Any, outputs: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        hot, scores = self._scores(targets, outputs)
        bucket = tf.minimum(tf.cast(scores * BUCKETS, tf.int32), BUCKETS - 1)
        at = bucket + BUCKETS * tf.cast(hot > 0, tf.int32)
        rows = tf.shape(at)[0]
        spread = tf.broadcast_to(weights[..., None], tf.shape(at))
        at += tf.reshape(tf.range(rows) * 2 * BUCKETS, [-1] + [1] * (at.shape.rank - 1))
        sums = tf.math.unsorted_segment_sum(tf.reshape(spread, [-1]), tf.reshape(at, [-1]), rows * 2 * BUCKETS)
        return tf.reshape(sums, [rows, 2 * BUCKETS])

    def figures(self, total: tf.Tensor) -> dict[str, tf.Tensor]:
        """`auc`: the probability that a present class scores higher than an absent one; one half within a bucket.
        `pr_auc`: the mean precision at the scores of the present classes (average precision), a bucket as one score.
        """
        negative, positive = by_presence(total)
        below = tf.cumsum(negative, exclusive=True) + negative / 2
        pairs = tf.reduce_sum(positive) * tf.reduce_sum(negative)
        predicted, right = (tf.cumsum(x, reverse=True) for x in (positive + negative, positive))
        precision = tf.math.divide_no_nan(right, predicted)
        found = {
            "auc": tf.math.divide_no_nan(tf.reduce_sum(positive * below), pairs),
            "pr_auc": tf.math.divide_no_nan(tf.reduce_sum(positive * precision), tf.reduce_sum(positive)),
        }
        return {name: value for name, value in found.items() if name in self._names}

    def undefined(self, total: np.ndarray, found: dict[str, float]) -> set[str]:
        """The ROC curve is undefined if all classes are present, or all are absent; precision if all are absent."""
        del found
        negative, positive = (np.sum(side) > 0 for side in by_presence(total))
        return ({"auc"} if not (negative and positive) else set()) | ({"pr_auc"} if not positive else set())


def by_presence(total: Any) -> tuple[Any, Any]:
    """Weights by bucket: of absent and of present classes."""
    return total[:BUCKETS], total[BUCKETS:]
