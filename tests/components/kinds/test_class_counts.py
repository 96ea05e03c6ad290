"""Averages over classes are those of scikit-learn."""

import numpy as np
import pytest
import tensorflow as tf
from sklearn.metrics import precision_recall_fscore_support

from tfx_sequences.components.kinds.evaluated_measures import evaluated_measures
from tfx_sequences.schemas.spec.label import Label

CLASSES = ("a", "b", "c", "d", "never")
MACRO = ("macro_precision", "macro_recall", "macro_f1")
MICRO = ("micro_precision", "micro_recall", "micro_f1")


@pytest.mark.parametrize("per_step", [False, True])
def test_macro_averages_of_one_class(per_step):
    random = np.random.default_rng(0)
    shape = (40, 6) if per_step else (240,)
    # The class c is never predicted, and the last one does not occur at all.
    targets, logits = random.integers(0, 4, shape), random.normal(size=(*shape, 5)).astype("float32")
    logits[..., [2, 4]] = -9
    weights = random.choice(np.float32([0, 1, 2.5]), shape)
    label = Label(key="y", per_step=per_step, measures=MACRO)
    measures = evaluated_measures(label, CLASSES, with_curve=True)
    found = measures.measured(measures.sums(targets, tf.constant(logits), weights).numpy().sum(0))
    there = weights > 0
    expected = precision_recall_fscore_support(
        targets[there], logits.argmax(-1)[there], average="macro", sample_weight=weights[there], zero_division=0
    )
    np.testing.assert_allclose([found[name] for name in MACRO], expected[:3], rtol=1e-6)


def test_averages_of_any_number_of_classes():
    random = np.random.default_rng(1)
    targets, logits = random.integers(0, 2, (300, 5)), random.normal(size=(300, 5)).astype("float32")
    label = Label(key="y", type="multi_label", shape=(5,), measures=(*MACRO, *MICRO))
    measures = evaluated_measures(label, CLASSES, with_curve=True)
    sums = measures.sums(targets.astype("float32"), tf.constant(logits), np.ones(300, "float32"))
    found = measures.measured(sums.numpy().sum(0))
    for names, average in ((MACRO, "macro"), (MICRO, "micro")):
        expected = precision_recall_fscore_support(targets, logits >= 0, average=average)
        np.testing.assert_allclose([found[name] for name in names], expected[:3], rtol=1e-6)
