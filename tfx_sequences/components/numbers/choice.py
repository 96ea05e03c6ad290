"""Chooses a normalizer for a feature: `normalizer: auto` is a function of the training split's statistics."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from tfx_sequences.components.numbers.statistics import Moments, NumberStatistics, RecordScales

CHOICES = ("z_score", "log1p", "quantile", "per_record")
"""The possible choices; the transform graph identifies a choice by its index here."""

MOST_ELEMENTS = 256
"""`quantile` is not chosen for longer vectors: a thousand numbers per element would make a large graph."""

# Up to these values, a distribution counts as close to normal (Curran, West and Finch, 1996).
_MOST_SKEWNESS = 2.0
_MOST_KURTOSIS = 7.0
# Standard deviation of the logarithm of the scale: with 1, the scales of 95 % of the records lie within a factor of 50.
_LEAST_SPREAD = 1.0
# Fraction of the variance of the scale that is a property of the records, not chance.
_LEAST_RELIABILITY = 0.5
# Levels lie far apart if less than this fraction of the standard deviation remains within a record.
_LEAST_WITHIN = 0.05
# Number of records whose scale can be estimated, and their fraction of all that are long enough.
_FEWEST_RECORDS = 8
_LEAST_VARIED = 0.5


@dataclasses.dataclass(frozen=True)
class NormalizerChoice:
    """A normalizer, and the reason for it.

    Attributes:
        normalizer: One of `CHOICES`.
        why: The reason in words, without a final full stop.
        figures: The values that decided: `skewness` and `kurtosis` (excess) of the element furthest from a normal
            distribution, and `log_skewness` and `log_kurtosis` of its `log1p`. For steps also, of the median element:
            `scale_spread`, the standard deviation of the logarithm of the records' scales; its `scale_reliability`;
            and `within`, the fraction of the standard deviation that remains within records.
    """

    normalizer: str
    why: str
    figures: dict[str, float]

    def report(self) -> dict[str, Any]:
        """Converts to plain data."""
        return dataclasses.asdict(self)


def choose_normalizer(statistics: NumberStatistics, *, per_record: bool = True) -> NormalizerChoice:
    """Chooses by the records' scales first, then by the tails of the distribution.

    Args:
        statistics: Statistics of the training split.
        per_record: Whether `per_record` can be chosen.

    >>> normal = np.random.default_rng(0).normal(size=(5_000, 1))
    >>> choose_normalizer(NumberStatistics.of(normal)).normalizer
    'z_score'
    >>> choose_normalizer(NumberStatistics.of(np.exp(2 * normal))).normalizer
    'log1p'
    >>> choose_normalizer(NumberStatistics.of(1e-4 * np.exp(2 * normal))).normalizer
    'quantile'
    """
    plain, logs = _tails(statistics.moments), _tails(statistics.log_moments)
    figures = {
        "skewness": plain[0],
        "kurtosis": plain[1],
        "log_skewness": logs[0],
        "log_kurtosis": logs[1],
    }
    if statistics.scales is not None:
        figures |= _of_records(statistics.scales, statistics.moments)
        reason = _why_per_record(figures, statistics.scales)
        if reason and per_record:
            return NormalizerChoice("per_record", reason, figures)
    tails = f"skewness {plain[0]:.3g}, excess kurtosis {plain[1]:.3g}"
    if _near_normal(plain):
        return NormalizerChoice("z_score", f"close to a normal distribution: {tails}", figures)
    told = f"{tails}; for sign(x) * log1p(|x|) {logs[0]:.3g} and {logs[1]:.3g}"
    if _near_normal(logs) or len(statistics.moments.count) > MOST_ELEMENTS:
        return NormalizerChoice("log1p", f"heavy tails: {told}", figures)
    return NormalizerChoice("quantile", f"heavy tails, also after the logarithm: {told}", figures)


def _tails(moments: Moments) -> tuple[float, float]:
    """Skewness and excess kurtosis of the element with the heaviest tails."""
    if not len(moments.count):
        return 0.0, 0.0
    skewness, kurtosis = moments.skewness, moments.kurtosis
    worst = int(np.argmax(np.maximum(np.abs(skewness) / _MOST_SKEWNESS, kurtosis / _MOST_KURTOSIS)))
    return float(skewness[worst]), float(kurtosis[worst])


def _near_normal(tails: tuple[float, float]) -> bool:
    return abs(tails[0]) <= _MOST_SKEWNESS and tails[1] <= _MOST_KURTOSIS


def _of_records(scales: RecordScales, moments: Moments) -> dict[str, float]:
    within = np.sqrt(np.divide(scales.within, moments.sum2, out=np.ones_like(scales.within), where=moments.sum2 > 0))
    return {
        "scale_spread": float(np.median(scales.log_spread)),
        "scale_reliability": float(np.median(scales.reliability)),
        "within": float(np.median(within)),
    }


def _why_per_record(figures: dict[str, float], scales: RecordScales) -> str:
    """The reason to normalize each record by itself, or an empty string."""
    varied, records = float(np.median(scales.varied)), float(np.median(scales.records))
    if varied < _FEWEST_RECORDS or varied < _LEAST_VARIED * records:
        return ""
    spread = figures["scale_spread"]
    if spread >= _LEAST_SPREAD and figures["scale_reliability"] >= _LEAST_RELIABILITY:
        factor = np.exp(min(4 * spread, 700.0))
        return f"the scale differs from record to record: 95 % of the scales lie within a factor of {factor:.2g}"
    if figures["within"] < _LEAST_WITHIN:
        return (
            f"the level differs from record to record: within a record, only {figures['within']:.2g} "
            "of the standard deviation remains"
        )
    return ""
