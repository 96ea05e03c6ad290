"""Means and deviations of numbers by key, merged exactly from parts of the data, in any order."""

from __future__ import annotations

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class KeyedMoments:
    """Number, mean and sum of squared deviations of the values of each key.

    Attributes:
        keys: int64 `[K]`, rising.
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
        """The moments of values `[N, E]`, NaN where one is missing, with keys `[N]`.

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
        """The moments of the values of both."""
        keys = np.union1d(self.keys, other.keys)
        one, two = self._spread(keys), other._spread(keys)
        count = one.count + two.count
        apart = two.mean - one.mean
        mean = one.mean + apart * two.count / np.maximum(count, 1)
        sum2 = one.sum2 + two.sum2 + apart**2 * one.count * two.count / np.maximum(count, 1)
        return KeyedMoments(keys, count, mean, sum2)

    def _spread(self, keys: np.ndarray) -> KeyedMoments:
        """The same for more keys, of which there are no values."""
        at = np.searchsorted(keys, self.keys)
        spread = []
        for numbers in (self.count, self.mean, self.sum2):
            more = np.zeros((len(keys), numbers.shape[1]))
            more[at] = numbers
            spread.append(more)
        return KeyedMoments(keys, *spread)

    def means_and_deviations(self) -> np.ndarray:
        """`[K + 1, E, 2]`: those of each key, and last those of all values.

        What the values of a key do not say (no mean without a value, no deviation where all are equal) is that of all
        values; a deviation of 0 there is 1.
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
