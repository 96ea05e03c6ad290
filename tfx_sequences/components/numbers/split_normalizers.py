"""Normalizes numbers by statistics of the training split: values `[N, E]` float64, each element separately."""

from __future__ import annotations

import dataclasses
from typing import Any

import tensorflow as tf

RANKS = 1_000
"""Number of equal parts into which the quantiles of a `quantile` normalizer divide the training values."""
_FARTHEST = 5.199337582605575  # the limit of scikit-learn's QuantileTransformer: the quantile of 1e-7
PARAMETERS = ("mean", "std", "log_mean", "log_std", "log_scale_mean", "log_scale_std")


@dataclasses.dataclass(frozen=True)
class SplitNumbers:
    """Statistics of a feature's numbers in the training split.

    Attributes:
        parameters: float64 `[E, 6]`, see `PARAMETERS`: for the values, their `log1p`, and the logarithm of the
            records' scales.
        quantiles: float64 `[E, Q + 1]`, including minimum and maximum; None if they are not needed.
        choice: int64, the index of the choice in `CHOICES`; None if the spec names a normalizer.
    """

    parameters: Any
    quantiles: Any = None
    choice: Any = None

    def parameter(self, name: str) -> Any:
        """The parameter of each element, `[E]`."""
        return self.parameters[:, PARAMETERS.index(name)]


def z_score(values: tf.Tensor, split: SplitNumbers) -> tf.Tensor:
    """`(x - mean) / std`; an element with zero variance is only shifted.

    >>> of = SplitNumbers(tf.constant([[3.0, 2.0, 0, 0, 0, 0], [3.0, 0.0, 0, 0, 0, 0]], tf.float64))
    >>> z_score(tf.constant([[5.0, 5.0]], tf.float64), of).numpy().tolist()
    [[1.0, 2.0]]
    """
    return (values - split.parameter("mean")) / _or_one(split.parameter("std"))


def min_max(values: tf.Tensor, split: SplitNumbers) -> tf.Tensor:
    """`(x - min) / (max - min)`; an element that never varies is only moved.

    >>> of = SplitNumbers(None, tf.constant([[1.0, 5.0]], tf.float64))
    >>> min_max(tf.constant([[1.0], [2.0]], tf.float64), of).numpy()[:, 0].tolist()
    [0.0, 0.25]
    """
    least, greatest = split.quantiles[:, 0], split.quantiles[:, -1]
    return (values - least) / _or_one(greatest - least)


def log1p_z_score(values: tf.Tensor, split: SplitNumbers) -> tf.Tensor:
    """The `z_score` of `sign(x) * log1p(|x|)`."""
    return (signed_log1p(values) - split.parameter("log_mean")) / _or_one(split.parameter("log_std"))


def signed_log1p(values: tf.Tensor) -> tf.Tensor:
    """`sign(x) * log1p(|x|)`.

    >>> print(signed_log1p(tf.constant([-1.0, 0.0, 1.0])).numpy().round(4))
    [-0.6931  0.      0.6931]
    """
    return tf.sign(values) * tf.math.log1p(tf.abs(values))


def robust(values: tf.Tensor, split: SplitNumbers) -> tf.Tensor:
    """`(x - median) / (third quartile - first quartile)`, like scikit-learn's RobustScaler.

    If the quartiles are equal, it divides by the standard deviation.
    """
    low, median, high = (split.quantiles[:, place] for place in (1, 2, 3))
    apart = high - low
    return (values - median) / _or_one(tf.where(apart > 0, apart, split.parameter("std")))


def quantile_to_normal(values: tf.Tensor, split: SplitNumbers) -> tf.Tensor:
    """The quantile of a normal distribution at a value's rank in the training split.

    It works like scikit-learn's QuantileTransformer, except that values equal to the minimum or maximum get the
    middle rank of all equal values, as equal values elsewhere do.

    >>> of = SplitNumbers(None, tf.constant([[0.0, 0.0, 0.0, 10.0, 30.0]], tf.float64))
    >>> quantile_to_normal(tf.constant([[0.0], [5.0], [99.0]], tf.float64), of).numpy().round(3)[:, 0].tolist()
    [-0.674, 0.319, 5.199]
    """
    quantiles = split.quantiles
    last = quantiles.shape[1] - 1
    by_element = tf.transpose(values)
    first, behind = (tf.searchsorted(quantiles, by_element, side) for side in ("left", "right"))
    below, above = tf.maximum(behind - 1, 0), tf.minimum(behind, last)
    low, high = (tf.gather(quantiles, place, batch_dims=1) for place in (below, above))
    between = tf.where(high > low, (by_element - low) / _or_one(high - low), 0.0)
    between = tf.where(behind > 0, between, 0.0)
    rank = tf.where(behind > first, tf.cast(first + behind - 1, tf.float64) / 2, tf.cast(below, tf.float64) + between)
    normal = tf.math.ndtri(rank / last)
    return tf.transpose(tf.clip_by_value(normal, -_FARTHEST, _FARTHEST))


def buckets(values: tf.Tensor, quantiles: tf.Tensor) -> tf.Tensor:
    """The bucket between quantiles of each value, int64 `[N, E]`; a value equal to a boundary is above it.

    >>> buckets(tf.constant([[-9.0], [2.0], [9.0]]), tf.constant([[0.0, 2.0, 4.0]])).numpy().tolist()
    [[0], [1], [1]]
    """
    boundaries = quantiles[:, 1:-1]
    return tf.cast(tf.transpose(tf.searchsorted(boundaries, tf.transpose(values), "right")), tf.int64)


def _or_one(scale: tf.Tensor) -> tf.Tensor:
    return tf.where(scale > 0, scale, tf.ones_like(scale))
