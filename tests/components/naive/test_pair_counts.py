from collections import Counter

import numpy as np

from tfx_sequences.components.naive.pair_counts import PairCounts


def test_counts_are_those_of_a_counter_whatever_the_batches():
    random = np.random.default_rng(0)
    given, classes = random.integers(0, 50, 9000), random.integers(0, 7, 9000)
    # Binary fractions, so that sums are exact in any order.
    weights = random.integers(1, 9, 9000) / 4
    expected: Counter[tuple[int, int]] = Counter()
    for pair, weight in zip(zip(given.tolist(), classes.tolist(), strict=True), weights, strict=True):
        expected[pair] += weight
    for size in (1, 100, 9000):
        counts = PairCounts(classes=7)
        for begin in range(0, 9000, size):
            counts.add(*(x[begin : begin + size] for x in (given, classes, weights)))
        pairs = counts.pairs()
        found = zip(zip(pairs.given.tolist(), pairs.classes.tolist(), strict=True), pairs.weights, strict=True)
        assert list(found) == sorted(expected.items())
        assert pairs.targets == 9000


def test_what_is_known_of_too_many_pairs_is_nothing():
    counts = PairCounts(classes=1000, most=5000)
    for condition in range(100):
        counts.add(np.full(1000, condition), np.arange(1000), np.ones(1000))
    assert counts.pairs() is None
    counts.add(np.zeros(1), np.zeros(1), np.ones(1))
    assert counts.pairs() is None


def test_nothing_counted_is_no_pairs():
    pairs = PairCounts(classes=3).pairs()
    assert len(pairs.given) == len(pairs.classes) == len(pairs.weights) == pairs.targets == 0
