"""Counts of pairs: the weight of each class under each condition, such as each term of the same step.

Far fewer pairs may occur than conditions times classes, so only those that occur are stored.
"""

from __future__ import annotations

import dataclasses

import numpy as np

MOST_PAIRS = 1 << 22
"""Default maximum number of distinct pairs: 64 MB."""
# Number of pairs that wait to be merged, because each merge sorts all of them.
_LEAST_WAITING = 1 << 16


@dataclasses.dataclass(frozen=True)
class Pairs:
    """Distinct pairs, sorted.

    Attributes:
        given: Conditions, int64 `[P]`, ascending.
        classes: Class indices, int64 `[P]`, ascending within a condition.
        weights: Weight of each pair, float64 `[P]`, all positive.
        targets: Number of counted targets.
    """

    given: np.ndarray
    classes: np.ndarray
    weights: np.ndarray
    targets: int

    @classmethod
    def none(cls) -> Pairs:
        """No pairs."""
        return cls(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0), 0)


class PairCounts:
    """Sums the weights of pairs of a condition and a class.

    Args:
        classes: Number of classes `C`.
        most: Maximum number of distinct pairs.

    >>> counts = PairCounts(classes=3)
    >>> counts.add(np.array([0, 7, 0]), np.array([2, 0, 2]), np.array([1.0, 1.0, 0.5]))
    >>> pairs = counts.pairs()
    >>> pairs.given, pairs.classes, pairs.weights, pairs.targets
    (array([0, 7]), array([2, 0]), array([1.5, 1. ]), 3)
    """

    def __init__(self, classes: int, most: int = MOST_PAIRS) -> None:
        self._classes = classes
        self._most = most
        self._codes, self._weights = np.zeros(0, np.int64), np.zeros(0)
        self._waiting: list[tuple[np.ndarray, np.ndarray]] = []
        self._targets = 0
        self._is_full = False

    def add(self, given: np.ndarray, classes: np.ndarray, weights: np.ndarray) -> None:
        """Counts targets.

        Args:
            given: The condition of each target, integers `[N]` from 0.
            classes: The class of each target, integers `[N]`.
            weights: The weight of each target, `[N]`, positive.
        """
        self._targets += len(classes)
        if self._is_full:
            return
        codes = given.astype(np.int64) * self._classes + classes
        self._waiting.append(_summed(codes, weights.astype(np.float64)))
        if sum(len(codes) for codes, _ in self._waiting) > max(_LEAST_WAITING, len(self._codes)):
            self._merge()

    def pairs(self) -> Pairs | None:
        """All counts; None if there were too many distinct pairs."""
        self._merge()
        if self._is_full:
            return None
        return Pairs(*np.divmod(self._codes, self._classes), self._weights, self._targets)

    def _merge(self) -> None:
        parts = [(self._codes, self._weights), *self._waiting]
        self._waiting = []
        self._codes, self._weights = _summed(*(np.concatenate(part) for part in zip(*parts, strict=True)))
        if len(self._codes) > self._most:
            self._is_full = True
            self._codes, self._weights = np.zeros(0, np.int64), np.zeros(0)


def _summed(codes: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    distinct, where = np.unique(codes, return_inverse=True)
    return distinct, np.bincount(where, weights, len(distinct))
