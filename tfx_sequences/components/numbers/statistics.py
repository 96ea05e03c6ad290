"""Statistics of a feature's numbers: moments, and how much scale and level differ from record to record.

Statistics of parts of the data are merged exactly, so one pass over batches in any order is enough. Each element of a
vector has separate statistics. NaN stands for a missing value.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable

import numpy as np

# Minimum number of values for estimating a record's scale: two for each half.
_FEWEST_VALUES = 4


@dataclasses.dataclass(frozen=True)
class Moments:
    """Count, mean and sums of powers of deviations from the mean, `[E]` each."""

    count: np.ndarray
    mean: np.ndarray
    sum2: np.ndarray
    sum3: np.ndarray
    sum4: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray) -> Moments:
        """The moments of values `[N, E]`.

        >>> moments = Moments.of(np.array([[0.0], [0.0], [0.0], [4.0], [np.nan]]))
        >>> moments.mean.tolist(), moments.variance.tolist(), moments.skewness.round(4).tolist()
        ([1.0], [3.0], [1.1547])
        """
        return cls._of(np.ascontiguousarray(values.T))

    @classmethod
    def _of(cls, values: np.ndarray) -> Moments:
        """The moments of values `[E, N]`, which are fast to sum."""
        missing = np.isnan(values)
        count = values.shape[1] - missing.sum(axis=1, dtype=np.float64)
        values = np.where(missing, 0, values)
        mean = values.sum(axis=1) / np.maximum(count, 1)
        values -= mean[:, None]
        values[missing] = 0
        squares = values * values
        sum3, sum4 = (np.einsum("en,en->e", squares, other) for other in (values, squares))
        return cls(count, mean, squares.sum(axis=1), sum3, sum4)

    def merged(self, other: Moments) -> Moments:
        """The moments of both sets of values (Pébay's formulas)."""
        a, b = self.count, other.count
        n = np.maximum(a + b, 1)
        apart = other.mean - self.mean
        sum2 = self.sum2 + other.sum2 + apart**2 * a * b / n
        sum3 = self.sum3 + other.sum3 + apart**3 * a * b * (a - b) / n**2
        sum3 += 3 * apart * (a * other.sum2 - b * self.sum2) / n
        sum4 = self.sum4 + other.sum4 + apart**4 * a * b * (a * a - a * b + b * b) / n**3
        sum4 += 6 * apart**2 * (a * a * other.sum2 + b * b * self.sum2) / n**2
        sum4 += 4 * apart * (a * other.sum3 - b * self.sum3) / n
        return Moments(a + b, self.mean + apart * b / n, sum2, sum3, sum4)

    @property
    def variance(self) -> np.ndarray:
        """The variance `[E]`; 0 without values."""
        return self.sum2 / np.maximum(self.count, 1)

    @property
    def std(self) -> np.ndarray:
        """Standard deviation `[E]`."""
        return np.sqrt(self.variance)

    @property
    def skewness(self) -> np.ndarray:
        """The skewness `[E]`; 0 if all values are equal."""
        return _ratio(self.sum3 / np.maximum(self.count, 1), self.variance**1.5)

    @property
    def kurtosis(self) -> np.ndarray:
        """The excess kurtosis `[E]`; 0 if all values are equal."""
        return np.where(self.variance > 0, _ratio(self.sum4 / np.maximum(self.count, 1), self.variance**2) - 3, 0)


@dataclasses.dataclass(frozen=True)
class RecordScales:
    """How the scale and the level of records differ, from sums over records, `[E]` each.

    The scale is the standard deviation of a record's values. It is known badly from few values, and hardly at all
    for heavy-tailed values. So it is computed twice, from even and from odd steps. What both have in common is a
    property of the record; the difference is chance.

    Attributes:
        records: Number of records with at least four values.
        varied: Number of these records whose values differ in both halves.
        logs: Sums of the logarithm of the scale over the latter records: for even steps, odd steps and all steps.
        squares: Sums of the square of this logarithm, for the same three.
        products: Sums of the product of the two halves.
        within: Sum of the squared deviations of all values from the mean of their own record.
    """

    records: np.ndarray
    varied: np.ndarray
    logs: np.ndarray
    squares: np.ndarray
    products: np.ndarray
    within: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray, lengths: np.ndarray) -> RecordScales:
        """The scales of records with `lengths` `[B]`, from the values `[N, E]` of their steps.

        >>> waves = np.array([1.0, 1.0, -1.0, -1.0, 9.0, 9.0, -9.0, -9.0])[:, None]
        >>> scales = RecordScales.of(waves, np.array([4, 0, 4]))
        >>> [np.exp(x).round(3).tolist() for x in (scales.log_mean, scales.log_std)], scales.reliability.tolist()
        ([[3.0], [3.0]], [1.0])
        """
        return cls._of(np.ascontiguousarray(values.T), lengths[lengths > 0])

    @classmethod
    def _of(cls, values: np.ndarray, lengths: np.ndarray) -> RecordScales:
        """The scales from values `[E, N]`; lengths must not be 0."""
        starts = np.cumsum(lengths) - lengths
        missing = np.isnan(values)
        # Relative to a value of the record, so that equal values have a deviation of exactly 0.
        about = np.fmin.reduceat(values, starts, axis=1) if len(starts) else np.zeros((len(values), 0))
        values = values - np.repeat(about, lengths, axis=1)
        values[missing] = 0
        steps = np.arange(values.shape[1]) - np.repeat(starts, lengths)
        halves = []
        for parity, sizes in enumerate(((lengths + 1) // 2, lengths // 2)):
            of_half, there = values[:, steps % 2 == parity], ~missing[:, steps % 2 == parity]
            halves.append([_sums(x, sizes) for x in (there, of_half, of_half * of_half)])
        both = [a + b for a, b in zip(*halves, strict=True)]
        even, odd, whole = (_deviation(*sums) for sums in (*halves, both))
        count = both[0]
        varied = (even > 0) & (odd > 0)
        logs = [np.log(np.where(varied, x, 1.0)) for x in (even, odd, whole)]
        return cls(
            (count >= _FEWEST_VALUES).sum(axis=1).astype(np.float64),
            varied.sum(axis=1).astype(np.float64),
            np.stack([x.sum(axis=1) for x in logs]),
            np.stack([(x * x).sum(axis=1) for x in logs]),
            (logs[0] * logs[1]).sum(axis=1),
            (whole**2 * count).sum(axis=1),
        )

    def merged(self, other: RecordScales) -> RecordScales:
        """The scales of both sets of records."""
        fields = (field.name for field in dataclasses.fields(self))
        return RecordScales(*(getattr(self, name) + getattr(other, name) for name in fields))

    @property
    def log_mean(self) -> np.ndarray:
        """Mean of the logarithm of the scale, `[E]`; 0 without a record whose values differ."""
        return self.logs[2] / np.maximum(self.varied, 1)

    @property
    def log_std(self) -> np.ndarray:
        """Standard deviation of the logarithm of the scale between records, including chance, `[E]`."""
        return np.sqrt(self._variances()[2])

    @property
    def log_spread(self) -> np.ndarray:
        """Standard deviation of the logarithm of the scale between records, without chance, `[E]`."""
        return np.sqrt(np.maximum(self._covariance(), 0))

    @property
    def reliability(self) -> np.ndarray:
        """Correlation of the two halves: the fraction of the scale's variance that is not chance, `[E]`."""
        variances = self._variances()
        return _ratio(self._covariance(), np.sqrt(variances[0] * variances[1]))

    def _variances(self) -> np.ndarray:
        n = np.maximum(self.varied, 1)
        return np.maximum(self.squares / n - (self.logs / n) ** 2, 0)

    def _covariance(self) -> np.ndarray:
        n = np.maximum(self.varied, 1)
        return self.products / n - self.logs[0] * self.logs[1] / n**2


@dataclasses.dataclass(frozen=True)
class NumberStatistics:
    """Statistics of the numbers of one feature.

    Attributes:
        moments: Moments of the values.
        log_moments: Moments of `sign(x) * log1p(|x|)`.
        scales: Scales from record to record; None for a context feature.
    """

    moments: Moments
    log_moments: Moments
    scales: RecordScales | None

    @classmethod
    def of(cls, values: np.ndarray, lengths: np.ndarray | None = None) -> NumberStatistics:
        """The statistics of one batch.

        Args:
            values: `[N, E]`, NaN for a missing value.
            lengths: Number of steps of each record, whose sum is `N`; None for a context feature.
        """
        values = np.ascontiguousarray(np.asarray(values, np.float64).T)
        logs = np.copysign(np.log1p(np.abs(values)), values)
        scales = None
        if lengths is not None:
            lengths = np.asarray(lengths)
            scales = RecordScales._of(values, lengths[lengths > 0])
        return cls(Moments._of(values), Moments._of(logs), scales)

    def merged(self, other: NumberStatistics) -> NumberStatistics:
        """The statistics of both sets of values."""
        scales = None if self.scales is None or other.scales is None else self.scales.merged(other.scales)
        return NumberStatistics(self.moments.merged(other.moments), self.log_moments.merged(other.log_moments), scales)

    @classmethod
    def of_all(cls, parts: Iterable[NumberStatistics]) -> NumberStatistics:
        """The statistics of several parts, at least one."""
        return functools.reduce(cls.merged, parts)


def _sums(values: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """`[E, B]`: the sums over runs of values `[E, N]`; 0 for an empty run."""
    sums = np.zeros((len(values), len(sizes)))
    there = sizes > 0
    if there.any():
        starts = np.cumsum(sizes) - sizes
        sums[:, there] = np.add.reduceat(values, starts[there], axis=1, dtype=np.float64)
    return sums


def _deviation(count: np.ndarray, total: np.ndarray, squares: np.ndarray) -> np.ndarray:
    """Standard deviation, from the number of values and sums of their powers; 0 for fewer than two values."""
    known = np.maximum(count, 1)
    return np.sqrt(np.where(count > 1, np.maximum(squares / known - (total / known) ** 2, 0), 0))


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)
