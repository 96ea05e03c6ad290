"""Finds stored numbers that mark missing values, such as -999 among heart rates: a part of the proposal's facts."""

from __future__ import annotations

import numpy as np

from tfx_sequences.schemas.features.raw_features import feature_of
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

# Numbers that people store where a value is missing: -1, 9s, and the limits of integers.
_NINES = [sign * (10**digits - 1) for sign in (-1, 1) for digits in range(2, 7)]
_LIMITS = [-(2**31), 2**31 - 1, -(2**15), 2**15 - 1]
MARKS = np.array([-1, -9, *_NINES, *_LIMITS], np.float64)
# Rarer ones may be errors or the largest true value.
_LEAST_SHARE = 0.005
_FEWEST = 10


class MissingMarks:
    """Counts these numbers in the numeric features of a spec, batch by batch.

    Args:
        spec: The proposed spec.
    """

    def __init__(self, spec: SequenceSpec) -> None:
        self.names = [n for n, c in spec.columns.items() if c.type == "numeric" and feature_of(c).dtype != "string"]
        self._marks = {name: np.zeros(len(MARKS), np.int64) for name in self.names}
        self._range = dict.fromkeys(self.names, (np.inf, -np.inf))
        self._counts = dict.fromkeys(self.names, 0)

    def add(self, name: str, values: np.ndarray) -> None:
        """Adds the values of a feature, of any shape; NaN is left out."""
        values = values[values == values]
        is_mark = np.isin(values, MARKS)
        others = values[~is_mark]
        self._counts[name] += len(values)
        self._marks[name] += np.array([np.count_nonzero(values[is_mark] == mark) for mark in MARKS])
        if len(others):
            low, high = self._range[name]
            self._range[name] = min(low, float(others.min())), max(high, float(others.max()))

    def found(self) -> dict[str, tuple[int, int, int]]:
        """By feature: the mark, how often it occurs, and the number of values.

        A number is a mark if it occurs often, and is farther from all other values than these are from each other.
        """
        found = {}
        for name in self.names:
            low, high = self._range[name]
            count = self._counts[name]
            often = self._marks[name] >= max(_FEWEST, _LEAST_SHARE * count)
            far = (low - MARKS > high - low) | (MARKS - high > high - low)
            # Other candidates, if there are several, are values too.
            marks = np.flatnonzero(self._marks[name])
            if len(marks) == 1 and often[marks[0]] and far[marks[0]] and low < high:
                found[name] = int(MARKS[marks[0]]), int(self._marks[name][marks[0]]), count
        return found
