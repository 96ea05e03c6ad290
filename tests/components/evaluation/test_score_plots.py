"""Curves, calibration and confusion as plain rows, beside scikit-learn."""

from collections import Counter

import numpy as np
import sklearn.metrics
import tensorflow as tf

from tfx_sequences.components.evaluation.score_plots import (
    MOST_CLASSES,
    calibration_rows,
    count_confusion,
    curve_rows,
)
from tfx_sequences.components.kinds.registry import kind_of
from tfx_sequences.schemas.spec.label import Label

LABEL = Label(key="y", classes=("no", "yes"))
RANDOM = np.random.default_rng(3)
TARGETS = RANDOM.integers(0, 2, 200)
# Scores in the middle of a bucket, so that counts at a threshold are exact.
SCORES = (RANDOM.integers(0, 1000, 200) + 0.5) / 1000
LOGITS = np.stack([np.zeros(200), np.log(SCORES / (1 - SCORES))], axis=1).astype("float32")
WEIGHTS = RANDOM.integers(0, 3, 200).astype("float32")


def measured():
    measures = kind_of(LABEL).measures(LABEL, LABEL.classes, with_curve=True)
    sums = measures.sums(tf.constant(TARGETS), tf.constant(LOGITS), tf.constant(WEIGHTS))
    return np.sum(sums, axis=0, dtype=np.float64), measures


def test_the_curve_counts_scores_at_each_threshold():
    rows = curve_rows(*measured())
    assert len(rows) == 101
    for threshold, tp, fp, tn, fn in rows:
        expected = sklearn.metrics.confusion_matrix(TARGETS, threshold <= SCORES, labels=[0, 1], sample_weight=WEIGHTS)
        np.testing.assert_array_equal([[tn, fp], [fn, tp]], expected)


def test_calibration_compares_scores_with_presence():
    rows = np.array(calibration_rows(*measured()))
    place = (SCORES * 10).astype(int)
    for column, values in enumerate((WEIGHTS, WEIGHTS * SCORES, WEIGHTS * TARGETS)):
        np.testing.assert_allclose(rows[:, column], np.bincount(place, values, minlength=10), rtol=1e-6)


def test_confusion_adds_up_over_parts():
    confusion = Counter()
    for part in np.array_split(np.arange(200), 3):
        count_confusion(confusion, LOGITS[part], TARGETS[part], WEIGHTS[part])
    expected = sklearn.metrics.confusion_matrix(TARGETS, LOGITS.argmax(1), sample_weight=WEIGHTS)
    assert confusion == {(t, p): expected[t, p] for t in range(2) for p in range(2)}


def test_heads_without_scores_and_with_many_classes_have_no_plots():
    numbers = kind_of(Label(key="y", type="regression")).measures(Label(key="y", type="regression"), with_curve=True)
    assert curve_rows(np.ones(numbers.size), numbers) == calibration_rows(np.ones(numbers.size), numbers) == []
    confusion = Counter()
    count_confusion(confusion, np.zeros((1, MOST_CLASSES + 1)), np.array([0]), np.array([1.0]))
    assert not confusion
