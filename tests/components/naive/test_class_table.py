"""Naive answers of one class against their definitions, scikit-learn, and closed forms."""

import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from tfx_sequences.components.kinds.registry import kind_of
from tfx_sequences.components.naive.class_table import ClassTable, class_frequencies, likelihood_sums, score_sums
from tfx_sequences.components.naive.pair_counts import PairCounts
from tfx_sequences.schemas.spec.label import Label

LABEL = Label(key="y")


def counted(given, classes, weights=None, number=4):
    counts = PairCounts(number)
    counts.add(given, classes, np.ones(len(given)) if weights is None else weights)
    return counts.pairs()


def table_of(given, classes, prior, weights=None):
    return ClassTable(counted(given, classes, weights, len(prior)), np.array(prior))


def test_frequencies_without_a_condition_are_those_of_laplace():
    classes = np.array([0, 0, 0, 1, 2, 2])
    table = class_frequencies(counted(np.zeros(6, int), classes, number=3), 3)
    np.testing.assert_allclose(table.rows(np.array([0])), [[4 / 9, 2 / 9, 3 / 9]])


def test_frequencies_are_those_of_witten_and_bell():
    random = np.random.default_rng(1)
    given, classes = random.integers(0, 6, 300), random.integers(0, 4, 300) * random.integers(0, 2, 300)
    prior = [0.4, 0.3, 0.2, 0.1]
    table = table_of(given, classes, prior)
    rows = table.rows(np.arange(7))
    for condition in range(7):
        its = classes[given == condition]
        kinds = len(set(its))
        expected = [
            (np.sum(its == c) + kinds * prior[c]) / (len(its) + kinds) if len(its) else prior[c] for c in range(4)
        ]
        np.testing.assert_allclose(rows[condition], expected)
        assert table.predicted(np.array([condition])) == (np.bincount(its).argmax() if len(its) else 0)
    np.testing.assert_allclose(rows.sum(axis=1), 1)
    grid = np.indices((7, 4)).reshape(2, -1)
    np.testing.assert_allclose(table.probabilities(*grid), rows.ravel())


def test_the_unit_of_weights_does_not_matter():
    given, classes = np.array([0, 0, 0, 1]), np.array([1, 1, 0, 2])
    weights = np.array([1.0, 2.0, 0.5, 0.5])
    one, other = (table_of(given, classes, [0.25] * 4, weights * unit) for unit in (1.0, 1e-6))
    np.testing.assert_allclose(one.rows(np.arange(3)), other.rows(np.arange(3)))
    assert table_of(given, classes, [0.25] * 4, np.array([1.0, 1.0, 5.0, 1.0])).predicted(np.zeros(1)) == 0


def test_without_any_counts_the_prior_answers():
    table = table_of(np.zeros(0, int), np.zeros(0, int), [0.2, 0.5, 0.3])
    assert table.predicted(np.array([[0, 9]])).tolist() == [[1, 1]]
    np.testing.assert_allclose(table.probabilities(np.array([0, 9]), np.array([2, 0])), [0.3, 0.2])


@pytest.mark.parametrize("number", [2, 5])
def test_figures_are_those_of_scikit_learn(number):
    random = np.random.default_rng(number)
    train, test = (
        (random.integers(0, 9, n), random.integers(0, number, n), random.integers(1, 5, n) / 2) for n in (400, 300)
    )
    train[1][train[0] > 5] = 0
    # Some conditions are unknown, and there are more of them than are held at a time.
    test = test[0] + 2, *test[1:]
    table = table_of(*train[:2], np.full(number, 1 / number), train[2])
    pairs = counted(*test, number)
    total = np.concatenate([likelihood_sums(table, pairs), score_sums(table, pairs, number)])
    found = kind_of(LABEL).measures(LABEL, with_curve=True).measured(total)
    scores = table.rows(test[0])
    hot = np.eye(number)[test[1]]
    first = int(number == 2)
    spread = np.repeat(test[2], number - first)
    buckets = np.minimum((scores.astype(np.float32) * np.float32(1000)).astype(int), 999)
    expected = {
        "accuracy": np.average(table.predicted(test[0]) == test[1], weights=test[2]),
        "loss": log_loss(test[1], scores, sample_weight=test[2], labels=range(number)),
        "auc": roc_auc_score(hot[:, first:].ravel(), buckets[:, first:].ravel(), sample_weight=spread),
    }
    assert found == pytest.approx(expected, rel=1e-9)


def test_scores_are_made_by_parts(monkeypatch):
    random = np.random.default_rng(3)
    given, classes = random.integers(0, 40, 900), random.integers(0, 4, 900)
    table, pairs = table_of(given[:400], classes[:400], [0.25] * 4), counted(given, classes)
    whole = score_sums(table, pairs, 4)
    monkeypatch.setattr("tfx_sequences.components.naive.class_table._SCORES_AT_ONCE", 12)
    np.testing.assert_allclose(score_sums(table, pairs, 4), whole)
    # Each target is one class that is there, and three that are not.
    np.testing.assert_allclose([whole[1000:].sum(), whole[:1000].sum()], [900, 2700])


def test_frequencies_of_two_classes_say_nothing_of_any_record():
    pairs = counted(np.zeros(100, int), (np.arange(100) < 30).astype(int), number=2)
    table = class_frequencies(pairs, 2)
    total = np.concatenate([likelihood_sums(table, pairs), score_sums(table, pairs, 2)])
    assert kind_of(LABEL).measures(LABEL, with_curve=True).measured(total)["auc"] == 0.5
