"""Quantiles of numbers that arrive in batches, in bounded memory, separately for each element of a vector.

The sketch keeps a summary: some of the values, each with the weight of the values that it represents. Up to `points`
values are kept unchanged, so quantiles of few values are exact. Summaries of one level are merged into one of the next
level, so the error grows only with the logarithm of the number of batches: `1 / (2 * points)` of all ranks
for each level.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

# Number of summaries of a level that are merged into one of the next level.
_FAN = 4
_MOST_POINTS, _FEWEST_POINTS = 2048, 256
# Points of all elements in a summary, so that a wide vector does not need more memory.
_POINTS_IN_ALL = 1 << 17

_Summary = tuple[np.ndarray, np.ndarray]


class QuantileSketch:
    """Quantiles of each of `E` elements.

    Args:
        elements: Number of elements `E`.

    >>> sketch = QuantileSketch(1)
    >>> sketch.add(np.array([[4.0], [1.0], [np.nan]]))
    >>> sketch.add(np.array([[2.0], [3.0]]))
    >>> sketch.quantiles(2).tolist()
    [[1.0, 2.5, 4.0]]
    """

    def __init__(self, elements: int) -> None:
        self._points = max(_FEWEST_POINTS, min(_MOST_POINTS, _POINTS_IN_ALL // max(elements, 1)))
        self._least = np.full(elements, np.inf)
        self._greatest = np.full(elements, -np.inf)
        self._levels: list[list[_Summary]] = []

    def add(self, values: np.ndarray) -> None:
        """Adds values `[N, E]`; NaN values do not count."""
        if not len(values):
            return
        self._least = np.fmin(self._least, np.fmin.reduce(values, axis=0))
        self._greatest = np.fmax(self._greatest, np.fmax.reduce(values, axis=0))
        ordered = np.sort(values.T, axis=1)
        self._insert(_compressed(ordered, (~np.isnan(ordered)).astype(np.float64), self._points), 0)

    def merge(self, other: QuantileSketch) -> None:
        """Adds all values of a sketch with the same number of elements."""
        self._least = np.fmin(self._least, other._least)
        self._greatest = np.fmax(self._greatest, other._greatest)
        for level, summaries in enumerate(other._levels):
            for summary in summaries:
                self._insert(summary, level)

    def quantiles(self, number: int) -> np.ndarray:
        """The `number + 1` quantiles `0, 1 / number, ... 1` of each element, `[E, number + 1]`.

        Between two values they are interpolated linearly, like in `numpy.quantile`. An element without
        values has zeros.
        """
        shares = np.linspace(0, 1, number + 1)
        found = np.zeros((len(self._least), number + 1))
        summaries = [summary for level in self._levels for summary in level]
        if not summaries:
            return found
        values, weights = _in_order(summaries)
        for element in range(len(found)):
            there = weights[element] > 0
            if there.any():
                of_element, weight = values[element, there], weights[element, there]
                ends = np.cumsum(weight)
                found[element] = np.interp(shares * (ends[-1] - 1) + 0.5, ends - weight / 2, of_element)
                found[element, [0, -1]] = self._least[element], self._greatest[element]
        return found

    def _insert(self, summary: _Summary, level: int) -> None:
        while len(self._levels) <= level:
            self._levels.append([])
        summaries = self._levels[level]
        summaries.append(summary)
        if len(summaries) == _FAN:
            self._levels[level] = []
            self._insert(_compressed(*_in_order(summaries), self._points), level + 1)


def _in_order(summaries: Sequence[_Summary]) -> _Summary:
    """Values and weights `[E, P]` of several summaries, sorted; missing values are NaN, and last."""
    values = np.concatenate([values for values, _ in summaries], axis=1)
    weights = np.concatenate([weights for _, weights in summaries], axis=1)
    order = np.argsort(values, axis=1, kind="stable")
    return np.take_along_axis(values, order, axis=1), np.take_along_axis(weights, order, axis=1)


def _compressed(values: np.ndarray, weights: np.ndarray, points: int) -> _Summary:
    """At most `points` of the sorted values `[E, P]`: the middles of `points` equal shares of the weight."""
    ends = np.cumsum(weights, axis=1)
    total = ends[:, -1]
    counts = (weights > 0).sum(axis=1)
    if counts.max() <= points:
        return values[:, : counts.max()], weights[:, : counts.max()]
    kept_values, kept_weights = np.full((len(values), points), np.nan), np.zeros((len(values), points))
    shares = (np.arange(points) + 0.5) / points
    for element, count in enumerate(counts):
        if count <= points:
            kept_values[element, :count] = values[element, :count]
            kept_weights[element, :count] = weights[element, :count]
        else:
            at = np.searchsorted(ends[element], shares * total[element])
            kept_values[element] = values[element, at]
            kept_weights[element] = total[element] / points
    return kept_values, kept_weights
