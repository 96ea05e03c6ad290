"""Every kind answers every question, and what weighs nothing is as if it were not there."""

import numpy as np
import pytest
import tensorflow as tf

from tfx_sequences.components.kinds.registry import kind_of
from tfx_sequences.schemas.spec.label import Label

ROWS, STEPS = 6, 4
TAGS = ("O", "B-x", "I-x")
LABELS = {
    "one class": Label(key="y"),
    "one class of steps": Label(key="y", per_step=True),
    "terms": Label(key="y", type="multi_label"),
    "terms of steps": Label(key="y", type="multi_label", per_step=True),
    "a vector of 0 and 1": Label(key="y", type="multi_label", shape=(3,)),
    "a number": Label(key="y", type="regression"),
    "a vector of steps": Label(key="y", type="regression", shape=(3,), per_step=True),
    "a forecast": Label(key="y", type="forecast", horizon=3, target="x"),
}


@pytest.fixture(params=LABELS)
def case(request):
    return case_of(request.param)


def case_of(name):
    """A label, its classes, targets, outputs and weights, some of which are 0."""
    label, random = LABELS[name], np.random.default_rng(4)
    rows = (ROWS, STEPS) if label.per_step else (ROWS,)
    if label.kind.from_windows:
        targets = random.uniform(1, 9, (ROWS, 4)).astype("float32")
    elif label.target_dtype == "int64":
        targets = random.integers(0, 3, (*rows, 2) if label.has_several_terms else rows)
    elif label.has_classes:
        targets = random.integers(0, 2, (*rows, 3)).astype("float32")
    else:
        targets = random.normal(size=(*rows, *label.shape)).astype("float32")
    outputs = random.normal(size=(*rows, 3 if label.has_classes else label.size)).astype("float32")
    weights = random.choice(np.float32([0, 0.5, 2]), rows)
    return label, TAGS if label.has_classes else (), targets, outputs, weights


def test_its_answers_are_those_that_are_declared(case):
    label, classes, _, outputs, weights = case
    served = kind_of(label).served(label, tf.constant(outputs), classes)
    assert tuple(served) == kind_of(label).declared.outputs == label.kind.outputs
    for name, value in served.items():
        assert value.shape[: weights.ndim] == weights.shape or name == "classes"


def test_its_figures_are_those_that_are_declared(case):
    label, classes, targets, outputs, weights = case
    measures = kind_of(label).measures(label, classes, with_curve=True)
    sums = measures.sums(targets, outputs, weights)
    assert sums.shape == (ROWS, measures.size)
    assert set(measures.figures(tf.reduce_sum(sums, 0))) == set(label.metrics)
    assert set(measures.measured(np.sum(sums, 0))) == set(label.metrics)
    assert measures.measured(np.zeros(measures.size)) == {}
    assert set(measures.shown(tf.reduce_sum(sums, 0))) < set(label.metrics) or label.kind.from_windows


def test_a_loss_is_one_of_each_target_and_finite(case):
    label, classes, targets, outputs, weights = case
    loss = kind_of(label).loss(label, [1.0, 2.0, 3.0] if classes else [])(targets, outputs)
    assert loss.shape == weights.shape and loss.dtype == tf.float32
    assert np.isfinite(loss).all()


def test_what_weighs_nothing_may_be_anything(case):
    label, classes, targets, outputs, weights = case
    measures = kind_of(label).measures(label, classes, with_curve=True)
    there = (weights > 0).reshape(weights.shape + (1,) * (outputs.ndim - weights.ndim))
    wild = np.where(there, outputs, 1e6).astype("float32")
    np.testing.assert_allclose(
        measures.sums(targets, wild, weights), measures.sums(targets, outputs, weights), rtol=1e-6
    )


def test_sums_of_rows_are_those_of_the_rows_alone(case):
    label, classes, targets, outputs, weights = case
    measures = kind_of(label).measures(label, classes, with_curve=True)
    alone = [measures.sums(targets[i : i + 1], outputs[i : i + 1], weights[i : i + 1]) for i in range(ROWS)]
    np.testing.assert_allclose(measures.sums(targets, outputs, weights), np.concatenate(alone), rtol=1e-6)


def test_the_evaluators_target_is_as_wide_as_the_answer(case):
    label, classes, targets, outputs, _ = case
    received = kind_of(label).evaluated_target(label, tf.constant(targets), classes)
    if label.kind.has_several_classes or label.is_vector:
        assert received.shape == outputs.shape
    else:
        np.testing.assert_array_equal(received, targets)
