import numpy as np
import tensorflow as tf
from scipy.special import expit

from tfx_sequences.components.kinds.registry import kind_of
from tfx_sequences.schemas.spec.label import Label

RANDOM = np.random.default_rng(1)
LOGITS = RANDOM.normal(size=(8, 3)).astype("float32")
HOT = RANDOM.integers(0, 2, (8, 3)).astype("float32")
# The same as lists of indices, -1 after the last.
INDICES = np.array([[*np.flatnonzero(row), *[-1] * int(3 - row.sum())] for row in HOT])
WEIGHTS = np.float32([1, 0, 2, 1, 0.5, 1, 1, 3])
TERMS, VECTOR = Label(key="y", type="multi_label"), Label(key="y", type="multi_label", shape=(3,))


def likelihood(hot, there=1.0):
    probability = expit(LOGITS)
    return -(there * hot * np.log(probability) + (1 - hot) * np.log(1 - probability)).sum(1)


def test_the_loss_is_the_likelihood_of_all_classes_by_the_weight_of_their_being_there():
    there = np.float32([1, 2, 0.5])
    for label, targets in ((TERMS, INDICES), (VECTOR, HOT)):
        smoothed = label.model_copy(update={"label_smoothing": 0.2})
        received = kind_of(label).loss(smoothed, there)(targets, LOGITS)
        np.testing.assert_allclose(received, likelihood(HOT * 0.8 + 0.1, there), rtol=1e-5)


def test_figures_are_the_same_for_terms_and_vectors_and_what_numpy_says():
    found = []
    for label, targets in ((TERMS, INDICES), (VECTOR, HOT)):
        measures = kind_of(label).measures(label, ("a", "b", "c"), with_curve=True)
        found.append(measures.measured(np.sum(measures.sums(targets, LOGITS, WEIGHTS), 0)))
    assert found[0] == found[1]
    np.testing.assert_allclose(found[0]["loss"], np.average(likelihood(HOT), weights=WEIGHTS), rtol=1e-5)
    right = ((LOGITS > 0) == (HOT > 0)).mean(1)
    np.testing.assert_allclose(found[0]["accuracy"], np.average(right, weights=WEIGHTS), rtol=1e-6)


def test_it_answers_a_probability_of_each_class():
    served = kind_of(TERMS).served(TERMS, tf.constant(LOGITS), ("a", "b", "c"))
    np.testing.assert_allclose(served["scores"], expit(LOGITS), rtol=1e-5)
    np.testing.assert_array_equal(kind_of(TERMS).evaluated_target(TERMS, tf.constant(INDICES), ("a", "b", "c")), HOT)
