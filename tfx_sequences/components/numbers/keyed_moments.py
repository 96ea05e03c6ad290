"""Means and standard deviations of numbers by key; parts of the data can be merged exactly, in any order."""

from __future__ import annotations

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class KeyedMoments:
    """Number, mean and sum of squared deviations of the values of each key.

    Attributes:
        keys: int64 `[K]`, in increasing order.
        count: `[K, E]`.
        mean: `[K, E]`.
        sum2: `[K, E]`.
    """

    keys: np.ndarray
    count: np.ndarray
    mean: np.ndarray
    sum2: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray, keys: np.ndarray) -> KeyedMoments:
        """The moments of values `[N, E]` (NaN for a missing one) with keys `[N]`.

        >>> found = KeyedMoments.of(np.array([[1.0], [5.0], [3.0]]), np.array([7, 2, 7]))
        >>> found.keys.tolist(), found.mean[:, 0].tolist(), found.sum2[:, 0].tolist()
        ([2, 7], [5.0, 2.0], [0.0, 2.0])
        """
        known, of_key = np.unique(keys, return_inverse=True)
        there = ~np.isnan(values)

        def summed(numbers: np.ndarray) -> np.ndarray:
            total = np.zeros((len(known), values.shape[1]))
            np.add.at(total, of_key, numbers)
            return total

        count = summed(there.astype(np.float64))
        mean = summed(np.where(there, values, 0)) / np.maximum(count, 1)
        apart = np.where(there, values - mean[of_key], 0)
        return cls(known.astype(np.int64), count, mean, summed(apart * apart))

    def merged(self, other: KeyedMoments) -> KeyedMoments:
        """The moments of the values of both parts."""
        keys = np.union1d(self.keys, other.keys)
        one, two = self._spread(keys), other._spread(keys)
        count = one.count + two.count
        apart = two.mean - one.mean
        mean = one.mean + apart * two.count / np.maximum(count, 1)
        sum2 = one.sum2 + two.sum2 + apart**2 * one.count * two.count / np.maximum(count, 1)
        return KeyedMoments(keys, count, mean, sum2)

    def _spread(self, keys: np.ndarray) -> KeyedMoments:
        """The same moments for more keys; new keys do not have values."""
        at = np.searchsorted(keys, self.keys)
        spread = []
        for numbers in (self.count, self.mean, self.sum2):
            more = np.zeros((len(keys), numbers.shape[1]))
            more[at] = numbers
            spread.append(more)
        return KeyedMoments(keys, *spread)

    def means_and_deviations(self) -> np.ndarray:
        """Means and standard deviations `[K + 1, E, 2]`: first of each key, then of all values.

        A key without values gets the mean of all values; a key whose values are all equal gets the standard deviation
        of all values. If all values are equal, their standard deviation is given as 1.
        """
        count = self.count.sum(axis=0)
        mean = (self.count * self.mean).sum(axis=0) / np.maximum(count, 1)
        sum2 = (self.sum2 + self.count * (self.mean - mean) ** 2).sum(axis=0)
        deviation = np.sqrt(sum2 / np.maximum(count, 1))
        deviation = np.where(deviation > 0, deviation, 1)
        means = np.where(self.count > 0, self.mean, mean)
        deviations = np.sqrt(self.sum2 / np.maximum(self.count, 1))
        deviations = np.where(deviations > 0, deviations, deviation)
        of_keys = np.stack([means, deviations], axis=2)
        return np.concatenate([of_keys, np.stack([mean, deviation], axis=1)[None]])
