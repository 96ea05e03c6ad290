"""The data of plots: a curve over thresholds, calibration, and confusion of classes. NumPy alone."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from tfx_sequences.components.kinds.measures import Measures
from tfx_sequences.components.kinds.score_buckets import ScoreBuckets, by_presence

MOST_CLASSES = 200
"""Maximum number of classes for a confusion matrix."""
_CALIBRATION_BUCKETS = 10
_CURVE_POINTS = 100

Confusion = Counter[tuple[int, int]]
"""Weights by target and predicted class, for the pairs that occur."""


def curve_rows(total: np.ndarray, measures: Measures) -> list[list[float]]:
    """The curve over all classes of a head together (for two classes, the second one).

    Args:
        total: The sums of the measures over the records, with a curve.
        measures: The measures.

    Returns:
        For 101 thresholds `[threshold, true positives, false positives, true negatives, false negatives]`, weighted;
        empty if the head has no scores.
    """
    scores = _scores(total, measures)
    if scores is None:
        return []
    negative, positive = scores
    edges = len(negative) // _CURVE_POINTS
    rows = []
    for point in range(_CURVE_POINTS + 1):
        at = point * edges
        counts = positive[at:].sum(), negative[at:].sum(), negative[:at].sum(), positive[:at].sum()
        rows.append([point / _CURVE_POINTS, *map(float, counts)])
    return rows


def calibration_rows(total: np.ndarray, measures: Measures) -> list[list[float]]:
    """For ten ranges of scores `[weight, weighted sum of the scores, weight of present classes]`; see `curve_rows`."""
    scores = _scores(total, measures)
    if scores is None:
        return []
    negative, positive = scores
    middles = (np.arange(len(negative)) + 0.5) / len(negative)
    rows = []
    for its in np.array_split(np.arange(len(negative)), _CALIBRATION_BUCKETS):
        weight = negative[its] + positive[its]
        rows.append([float(x.sum()) for x in (weight, weight * middles[its], positive[its])])
    return rows


def count_confusion(confusion: Confusion, outputs: Any, targets: Any, weights: Any) -> None:
    """Adds targets to a confusion matrix; those of weight zero, and heads of too many classes, are ignored.

    Args:
        confusion: The matrix to add to.
        outputs: Logits `[..., C]`.
        targets: Class indices `[...]`.
        weights: Their weights `[...]`.

    >>> confusion = Counter()
    >>> count_confusion(confusion, np.eye(2), np.array([0, 0]), np.array([1.0, 0.5]))
    >>> dict(confusion)
    {(0, 0): 1.0, (0, 1): 0.5}
    """
    logits = np.asarray(outputs)
    classes = logits.shape[-1]
    if classes > MOST_CLASSES:
        return
    weights = np.ravel(weights).astype(np.float64)
    there = weights > 0
    targets, predicted = np.ravel(targets)[there].astype(np.int64), np.ravel(logits.argmax(axis=-1))[there]
    pairs, place = np.unique(targets * classes + predicted, return_inverse=True)
    for pair, weight in zip(pairs.tolist(), np.bincount(place, weights[there]).tolist(), strict=True):
        confusion[divmod(pair, classes)] += weight


def _scores(total: np.ndarray, measures: Measures) -> tuple[np.ndarray, np.ndarray] | None:
    """Weights by bucket of the score, of absent and of present classes; None without any."""
    buckets = measures.part_of(ScoreBuckets, total)
    if buckets is None or not np.sum(buckets):
        return None
    negative, positive = (np.asarray(b, np.float64) for b in by_presence(buckets))
    return negative, positive
