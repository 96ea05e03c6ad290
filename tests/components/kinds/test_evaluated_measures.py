"""Further metrics of every kind: declared and found, of real targets only, as sums over records."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.metrics import average_precision_score

from tests.components.kinds.test_label_kind import LABELS, ROWS, TAGS, case_of
from tfx_sequences.components.kinds.evaluated_measures import evaluated_measures
from tfx_sequences.components.kinds.registry import kind_of
from tfx_sequences.components.kinds.score_buckets import BUCKETS
from tfx_sequences.schemas.spec.label import Label


def first_number(targets, outputs):
    """Something that is one value for each target."""
    del targets
    return outputs[..., 0]


def with_all(label):
    further = tuple(name.replace("K", "2") for name in label.kind.further_measures(label))
    return Label.model_validate(
        {**label.model_dump(), "measures": further, "own_measures": {"first": f"{__name__}.first_number"}}
    )


@pytest.mark.parametrize("name", LABELS)
def test_every_further_metric_is_found_and_counts_real_targets_once(name):
    label, classes, targets, outputs, weights = case_of(name)
    label = with_all(label)
    measures = evaluated_measures(label, classes, with_curve=True)
    sums = measures.sums(targets, outputs, weights)
    assert sums.shape == (ROWS, measures.size)
    assert set(measures.measured(np.sum(sums, 0, dtype=float))) >= set(label.metrics)
    there = (weights > 0).reshape(weights.shape + (1,) * (outputs.ndim - weights.ndim))
    wild = np.where(there, outputs, 1e6).astype("float32")
    np.testing.assert_allclose(measures.sums(targets, wild, weights), sums, rtol=1e-6)
    alone = [measures.sums(targets[i : i + 1], outputs[i : i + 1], weights[i : i + 1]) for i in range(ROWS)]
    np.testing.assert_allclose(sums, np.concatenate(alone), rtol=1e-5, atol=1e-6)
    own = measures.measured(np.sum(sums, 0, dtype=float))["first"]
    real = weights > 0
    np.testing.assert_allclose(own, np.average(outputs[..., 0][real], weights=weights[real]), rtol=1e-5)


def test_training_does_not_compute_them():
    label = with_all(LABELS["one class of steps"])
    assert kind_of(label).measures(label, TAGS).size < evaluated_measures(label, TAGS, with_curve=False).size


def test_the_area_under_precision_and_recall_is_the_average_precision():
    random = np.random.default_rng(0)
    targets, logits = random.integers(0, 2, 500), random.normal(size=(500, 2)).astype("float32")
    logits[:, 1] += targets
    label = Label(key="y", measures=("pr_auc",))
    measures = evaluated_measures(label, ("no", "yes"), with_curve=True)
    sums = measures.sums(targets, tf.constant(logits), np.ones(500, "float32"))
    scores = np.floor(keras.ops.softmax(logits).numpy()[:, 1] * BUCKETS)
    expected = average_precision_score(targets, scores)
    np.testing.assert_allclose(measures.measured(sums.numpy().sum(0))["pr_auc"], expected, rtol=1e-5)
