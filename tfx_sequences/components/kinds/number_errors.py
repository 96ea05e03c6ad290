"""Further errors of numbers: root mean squared, in percent, and the coefficient of determination."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from tfx_sequences.components.kinds.measures import Sums, WeightedMeans

Numbers = Callable[[Any], tf.Tensor]
"""Maps targets to the numbers that outputs are compared with, `[..., D]`."""


class RootMeanSquaredError(WeightedMeans):
    """The root of the mean squared error over all numbers, `root_mean_squared_error`."""

    def __init__(self, numbers: Numbers, *, per_step: bool) -> None:
        super().__init__(("root_mean_squared_error",), functools.partial(_squares, numbers), per_step=per_step)

    def figures(self, total: tf.Tensor) -> dict[str, tf.Tensor]:
        return {name: tf.sqrt(value) for name, value in super().figures(total).items()}


class PercentageErrors(Sums):
    """Errors in percent of the values: `mean_absolute_percentage_error` is the mean of each number's, over the numbers
    that are not 0; `weighted_absolute_percentage_error` is the sum of all errors in percent of the sum of all values.
    """

    size = 4

    def __init__(self, numbers: Numbers) -> None:
        self._numbers = numbers

    def sums(self, targets: Any, outputs: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        values, weights = tf.abs(self._numbers(targets)), weights[..., None]
        errors = tf.abs(self._numbers(targets) - outputs)
        parts = [
            (values > 0) & (weights > 0),
            tf.math.divide_no_nan(errors, values),
            values,
            errors,
        ]
        summed = [tf.where(weights > 0, weights * tf.cast(x, tf.float32), 0.0) for x in parts]
        return tf.stack([tf.reduce_sum(x, axis=[*range(1, x.shape.rank)]) for x in summed], axis=1)

    def figures(self, total: tf.Tensor) -> dict[str, tf.Tensor]:
        count, of_value, values, errors = (total[i] for i in range(self.size))
        return {
            "mean_absolute_percentage_error": 100 * tf.math.divide_no_nan(of_value, count),
            "weighted_absolute_percentage_error": 100 * tf.math.divide_no_nan(errors, values),
        }


class Determination(Sums):
    """`r_squared`: the share of the targets' variance that predictions explain, the mean over a vector's numbers.

    Sums of squares lose the digits in which large values differ. So each is kept as two float32 numbers, the second of
    which is what the first one rounds off.

    Args:
        numbers: See `Numbers`.
        size: `D`.
    """

    def __init__(self, numbers: Numbers, size: int) -> None:
        self._numbers = numbers
        self._depth = size
        self.size = 1 + 6 * size

    def sums(self, targets: Any, outputs: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        value, weight = (tf.cast(x, tf.float64) for x in (self._numbers(targets), weights))
        error = value - tf.cast(outputs, tf.float64)
        there = weight[..., None] > 0
        parts = [tf.where(there, weight[..., None] * x, 0.0) for x in (value, value**2, error**2)]
        if weights.shape.rank == 2:
            parts, weight = [tf.reduce_sum(x, axis=1) for x in parts], tf.reduce_sum(weight, axis=1)
        rounded = [tf.cast(x, tf.float32) for x in parts]
        rest = [tf.cast(x - tf.cast(r, tf.float64), tf.float32) for x, r in zip(parts, rounded, strict=True)]
        return tf.concat([tf.cast(weight, tf.float32)[:, None], *rounded, *rest], axis=1)

    def figures(self, total: tf.Tensor) -> dict[str, tf.Tensor]:
        weight, sums = total[0], tf.reshape(total[1:], [2, 3, self._depth])
        value, square, error = tf.unstack(tf.reduce_sum(sums, axis=0))
        spread = square - tf.math.divide_no_nan(value**2, weight)
        return {"r_squared": tf.reduce_mean(1.0 - tf.math.divide_no_nan(error, spread))}

    def undefined(self, total: Any, found: dict[str, float]) -> set[str]:
        """It is undefined if a number of the targets is always the same."""
        del found
        value, square, _ = total[1:].reshape(2, 3, self._depth).sum(axis=0)
        # Less than what float64 rounds off.
        return {"r_squared"} if (square - value**2 / total[0] <= 1e-12 * square).any() else set()


def _squares(numbers: Numbers, targets: Any, outputs: tf.Tensor) -> list[tf.Tensor]:
    return [tf.reduce_mean(tf.square(numbers(targets) - outputs), axis=-1)]


def of_numbers(names: Sequence[str], numbers: Numbers, size: int, *, per_step: bool) -> list[Sums]:
    """The sums of further metrics of numbers.

    Args:
        names: Names of the metrics.
        numbers: See `Numbers`.
        size: Number of values in a target.
        per_step: Whether targets belong to steps.
    """
    parts: list[Sums] = []
    if "root_mean_squared_error" in names:
        parts.append(RootMeanSquaredError(numbers, per_step=per_step))
    if any(name.endswith("absolute_percentage_error") for name in names):
        parts.append(PercentageErrors(numbers))
    if "r_squared" in names:
        parts.append(Determination(numbers, size))
    return parts
