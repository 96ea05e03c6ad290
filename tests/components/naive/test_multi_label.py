"""Naive answers of several classes against scikit-learn."""

import numpy as np
import pytest

from tests.reference_figures import of_labels
from tfx_sequences.components.naive.head_batches import HeadBatch
from tfx_sequences.components.naive.multi_label import ClassRates, NaiveMultiLabel
from tfx_sequences.schemas.spec.label import Label

CLASSES = ("a", "b", "c")


def frames(random, rows, steps):
    """Each class stays as it is with the probability 0.9; the first is there often, the last one never."""
    hot = random.random((rows, steps, 3)) < [0.7, 0.2, 0.0]
    for step in range(1, steps):
        hot[:, step] = np.where(random.random((rows, 3)) < 0.9, hot[:, step - 1], hot[:, step])
    return hot.astype(np.float32)


def batch_of(hot, weights):
    """What follows one step later."""
    return HeadBatch(np.roll(hot, -1, axis=1), weights, previous=hot, vectors={"frame": hot})


def split(seed, rows=40, steps=12):
    random = np.random.default_rng(seed)
    weights = random.integers(0, 4, (rows, steps)) / 2
    weights[:, -1] = 0
    return frames(random, rows, steps), weights


def naive(label, train, test):
    head = NaiveMultiLabel(label, CLASSES)
    for hot, weights in train:
        head.fit(batch_of(hot, weights))
    for hot, weights in test:
        head.measure(batch_of(hot, weights))
    return head.answers()


def test_figures_are_those_of_scikit_learn():
    label = Label(key="f", type="multi_label", per_step=True, shape=(3,), shift=1)
    train, test = split(1), split(2)
    found = naive(label, [train], [(test[0][:9], test[1][:9]), (test[0][9:], test[1][9:])])
    (before, after, weights), (tested, true, tested_weights) = (
        (hot[:, :-1].reshape(-1, 3), hot[:, 1:].reshape(-1, 3), w[:, :-1].ravel()) for hot, w in (train, test)
    )
    unit = weights[weights > 0].mean()
    rates = (weights @ after / unit + 1) / (weights.sum() / unit + 2)
    after_rates = [
        ((weights @ (after * (before == s)) / unit) + 2 * rates) / (weights @ (before == s) / unit + 2) for s in (0, 1)
    ]
    answers = {
        ("majority of each class", "class frequencies"): np.broadcast_to(rates, true.shape),
        ("most frequent after the previous label", "frequencies after the previous label"): np.where(
            tested, after_rates[1], after_rates[0]
        ),
    }
    names = [{c for c, x in zip(CLASSES, row, strict=True) if x} for row in true]
    for (predicting, frequencies), probabilities in answers.items():
        scores = [dict(zip(CLASSES, row, strict=True)) for row in probabilities.astype(np.float32).tolist()]
        expected = of_labels(names, scores, tested_weights)
        assert found["accuracy"][predicting] == pytest.approx(expected["accuracy"])
        assert found["loss"][frequencies] == pytest.approx(expected["loss"], rel=1e-5)
        assert found["auc"][frequencies] == pytest.approx(expected["auc"], rel=1e-5)
    repeated = np.average((tested == true).mean(axis=1), weights=tested_weights)
    assert found["accuracy"]["previous label repeated"] == pytest.approx(repeated)
    assert repeated > 0.85 and len(found["loss"]) == 3
    # A feature that is the label itself says the same.
    for words in ("frequencies after the {}", "most frequent after the {}", "{} repeated"):
        figures = [
            figure
            for figure, values in found.items()
            if words.format("previous label") in values
            and values[words.format("previous label")] == values[words.format("step's 'frame'")]
        ]
        assert figures == (["loss", "auc"] if words.startswith("freq") else ["accuracy"])


def test_terms_count_once_and_no_term_is_no_class(monkeypatch):
    monkeypatch.setattr("tfx_sequences.components.naive.multi_label._VALUES_AT_ONCE", 3)
    label = Label(key="y", type="multi_label")
    head = NaiveMultiLabel(label, CLASSES)
    head.fit(HeadBatch(np.array([[0, 0, 1], [0, -1, -1], [-1, -1, -1], [2, 1, 0]]), np.array([1.0, 1.0, 1.0, 0.0])))
    head.measure(HeadBatch(np.array([[0, -1], [-1, -1]]), np.array([3.0, 1.0])))
    rates = np.array([3 / 5, 2 / 5, 1 / 5])
    there = np.array([0.75, 0.0, 0.0])
    loss = -(there * np.log(rates) + (1 - there) * np.log(1 - rates)).sum()
    found = head.answers()
    assert found["loss"] == {"class frequencies": pytest.approx(loss)}
    assert found["accuracy"] == {"majority of each class": pytest.approx((0.75 + 1 + 1) / 3)}


def test_without_any_target_there_is_no_figure():
    assert NaiveMultiLabel(Label(key="y", type="multi_label"), CLASSES).answers() == {}
    np.testing.assert_allclose(ClassRates(2).probabilities(), 0.5)
