"""Naive answers for a single class: the most frequent class under a condition, and the frequency of each class.

Nothing is learned except counts. One table gives two answers: the most frequent class, for metrics of correctness; and
a probability for each class, for metrics of probabilities.
"""

from __future__ import annotations

import numpy as np

from tfx_sequences.components.kinds.score_buckets import BUCKETS
from tfx_sequences.components.naive.pair_counts import Pairs

# Number of scores in memory at a time: 8 MB.
_SCORES_AT_ONCE = 1 << 20


class ClassTable:
    """Most frequent classes, and frequencies, by condition.

    Frequencies are smoothed (Witten and Bell, IEEE Transactions on Information Theory 37, 1991): under a condition
    of weight `n` with `t` distinct classes, a class of weight `m` has the probability
    `(m + t * prior) / (n + t)`. With a uniform prior and all classes seen, this counts one more target per class
    (Laplace). Weights are in units of the mean weight of a target.

    Args:
        pairs: The counts; a condition without counts gets the prior's probabilities.
        prior: Probability of each class if nothing else is known, float64 `[C]`.

    >>> pairs = Pairs(np.array([0, 0]), np.array([0, 1]), np.array([3.0, 1.0]), targets=4)
    >>> table = ClassTable(pairs, prior=np.array([0.5, 0.5]))
    >>> table.predicted(np.array([0, 9])).tolist(), table.rows(np.array([0, 9])).round(4).tolist()
    ([0, 0], [[0.6667, 0.3333], [0.5, 0.5]])
    """

    def __init__(self, pairs: Pairs, prior: np.ndarray) -> None:
        unit = pairs.weights.sum() / pairs.targets if pairs.targets else 1.0
        self._prior = prior
        # The first pair has no weight and a condition that does not occur: unknown conditions map to it.
        self._classes = np.concatenate([[prior.argmax()], pairs.classes])
        self._weights = np.concatenate([[0.0], pairs.weights / unit])
        given = np.concatenate([[-1], pairs.given])
        self._codes = given * len(prior) + self._classes
        self._given, self._starts, kinds = np.unique(given, return_index=True, return_counts=True)
        self._kinds = np.where(self._given < 0, 0, kinds)
        whole = np.add.reduceat(self._weights, self._starts) + self._kinds
        self._share = np.divide(1.0, whole, out=np.zeros_like(whole), where=whole > 0)
        self._rest = np.where(whole > 0, self._kinds * self._share, 1.0)
        highest = np.repeat(np.maximum.reduceat(self._weights, self._starts), kinds)
        places = np.where(self._weights == highest, np.arange(len(highest)), len(highest))
        self._most_frequent = self._classes[np.minimum.reduceat(places, self._starts)]

    def predicted(self, given: np.ndarray) -> np.ndarray:
        """The most frequent class under each condition (the first one in a tie); int64 of the same shape."""
        return self._most_frequent[self._place(given)]

    def probabilities(self, given: np.ndarray, classes: np.ndarray) -> np.ndarray:
        """The probability of one class under each condition, float64 `[N]`.

        Args:
            given: Conditions `[N]`.
            classes: Class indices `[N]`.
        """
        place = self._place(given)
        codes = given * len(self._prior) + classes
        pair = np.minimum(np.searchsorted(self._codes, codes), len(self._codes) - 1)
        weights = np.where(self._codes[pair] == codes, self._weights[pair], 0.0)
        return weights * self._share[place] + self._rest[place] * self._prior[classes]

    def rows(self, given: np.ndarray) -> np.ndarray:
        """The probability of every class under each condition, float64 `[N, C]`."""
        place = self._place(given)
        kinds = self._kinds[place]
        row = np.repeat(np.arange(len(given)), kinds)
        first = np.repeat(np.cumsum(kinds) - kinds, kinds)
        pair = self._starts[place][row] + np.arange(len(row)) - first
        rows = self._rest[place][:, None] * self._prior
        rows[row, self._classes[pair]] += self._weights[pair] * self._share[place][row]
        return rows

    def _place(self, given: np.ndarray) -> np.ndarray:
        place = np.minimum(np.searchsorted(self._given, given), len(self._given) - 1)
        return np.where(self._given[place] == given, place, 0)


def class_frequencies(pairs: Pairs, classes: int) -> ClassTable:
    """The table without conditions and with a uniform prior; its only condition is 0.

    Args:
        pairs: Counts under the condition 0.
        classes: Number of classes `C`.
    """
    return ClassTable(pairs, np.full(classes, 1 / classes))


def likelihood_sums(table: ClassTable, pairs: Pairs) -> np.ndarray:
    """Sums over the counted targets, float64 `[3]`: weight, negative log-likelihood in nats, and correct weight."""
    right = pairs.weights @ (table.predicted(pairs.given) == pairs.classes)
    return np.array(
        [pairs.weights.sum(), -(pairs.weights @ np.log(table.probabilities(pairs.given, pairs.classes))), right]
    )


def score_sums(table: ClassTable, pairs: Pairs, classes: int) -> np.ndarray:
    """Weights of absent and of present classes, by bucket of their probability.

    Float64 `[2 * BUCKETS]`, like the sums of `ScoreBuckets`: with two classes, only the second one counts.
    """
    sums = np.zeros((2, BUCKETS))
    conditions, row = np.unique(pairs.given, return_inverse=True)
    at_once = max(1, _SCORES_AT_ONCE // classes)
    first = int(classes == 2)
    for begin in range(0, len(conditions), at_once):
        end = min(begin + at_once, len(conditions))
        inside = slice(*np.searchsorted(row, [begin, end]))
        there = np.zeros((end - begin, classes))
        there[row[inside] - begin, pairs.classes[inside]] = pairs.weights[inside]
        absent = there.sum(axis=1, keepdims=True) - there
        # In float32, like the model's own scores.
        scores = table.rows(conditions[begin:end]).astype(np.float32) * np.float32(BUCKETS)
        bucket = np.minimum(scores.astype(np.int64), BUCKETS - 1)
        for side, weights in enumerate((absent, there)):
            its = bucket[:, first:].ravel(), weights[:, first:].ravel()
            sums[side] += np.bincount(*its, BUCKETS)
    return np.maximum(sums, 0).ravel()
