import numpy as np
import tensorflow as tf
from scipy.special import log_softmax, softmax

from tfx_sequences.components.kinds.registry import kind_of
from tfx_sequences.schemas.spec.label import Label

RANDOM = np.random.default_rng(1)
LOGITS = RANDOM.normal(size=(8, 3)).astype("float32")
TARGETS = RANDOM.integers(0, 3, 8)
WEIGHTS = np.float32([1, 0, 2, 1, 0.5, 1, 1, 3])
NLL = -log_softmax(LOGITS, axis=1)


def test_the_loss_is_the_likelihood_of_the_smoothed_target_by_the_weight_of_the_class():
    label, by_class = Label(key="y", label_smoothing=0.3), np.float32([1, 2, 0.5])
    smooth = 0.7 * np.eye(3)[TARGETS] + 0.1
    expected = (smooth * NLL).sum(1) * by_class[TARGETS]
    np.testing.assert_allclose(kind_of(label).loss(label, by_class)(TARGETS, LOGITS), expected, rtol=1e-5)


def test_figures_are_of_the_likelihood_itself():
    label = Label(key="y", label_smoothing=0.3)
    measures = kind_of(label).measures(label, ("a", "b", "c"), with_curve=True)
    found = measures.measured(np.sum(measures.sums(TARGETS, LOGITS, WEIGHTS), 0))
    assert set(found) == {"accuracy", "loss", "auc"}
    np.testing.assert_allclose(found["loss"], np.average(NLL[np.arange(8), TARGETS], weights=WEIGHTS), rtol=1e-5)
    right = LOGITS.argmax(1) == TARGETS
    np.testing.assert_allclose(found["accuracy"], np.average(right, weights=WEIGHTS), rtol=1e-6)


def test_spans_are_counted_where_classes_of_steps_are_tags():
    label = Label(key="y", per_step=True)
    kind = kind_of(label)
    assert kind.measures(label, ("O", "B-x", "I-x")).size == kind.measures(label, ("a", "b", "c")).size + 3


def test_it_answers_probabilities_and_the_most_probable_class():
    label = Label(key="y")
    served = kind_of(label).served(label, tf.constant(LOGITS), ("a", "b", "c"))
    np.testing.assert_allclose(served["scores"], softmax(LOGITS, axis=1), rtol=1e-5)
    assert served["predicted_class"].numpy().tolist() == [b"abc"[i : i + 1] for i in LOGITS.argmax(1)]
    assert served["classes"].numpy().tolist() == [[b"a", b"b", b"c"]] * 8
