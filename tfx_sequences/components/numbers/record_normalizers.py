"""Normalizes numbers by their own record, each element separately.

Inputs are values `[B, T, E]` and `counts`, bool `[B, T, E]`: real steps that are not missing. Statistics use only
values that count, in float64, so they do not depend on padding, other records, or the size of the numbers. Causal
statistics of a step use the record up to and including that step.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from tfx_sequences.schemas.columns.numeric_columns import RecordNormalizer

_QUARTILES = (0.25, 0.5, 0.75)


@dataclasses.dataclass(frozen=True)
class NormalizedRecords:
    """The result of `normalize_records`, float64.

    Attributes:
        values: `(x - location) / scale`, `[B, T, E]`; 0 if the scale is 0, or if the value does not count.
        location: `[B, 1, E]`, for causal statistics `[B, T, E]`.
        scale: The same shape; 0 if all values that count are equal, or no value counts.
    """

    values: tf.Tensor
    location: tf.Tensor
    scale: tf.Tensor


def normalize_records(
    values: tf.Tensor, counts: tf.Tensor, normalizer: RecordNormalizer, *, causal: bool
) -> NormalizedRecords:
    """Normalizes each record by its own values.

    Args:
        values: `[B, T, E]` numbers.
        counts: bool `[B, T, E]`.
        normalizer: `per_record`: mean and standard deviation; `per_record_robust`: median and interquartile range,
            or the standard deviation if that is 0; `per_record_min_max`: minimum and range.
        causal: Use only the steps up to each one.

    >>> waves = tf.constant([[[1.0], [3.0], [9.0]], [[1e6], [3e6], [0.0]]])
    >>> counts = tf.constant([[[True], [True], [False]], [[True], [True], [False]]])
    >>> normalize_records(waves, counts, "per_record", causal=False).values.numpy()[..., 0].tolist()
    [[-1.0, 1.0, 0.0], [-1.0, 1.0, 0.0]]
    """
    values = tf.where(counts, tf.cast(values, tf.float64), tf.zeros([], tf.float64))
    # Relative to a value of the record, so that equal values have a deviation of exactly 0, whatever their size.
    seen = tf.cumsum(tf.cast(counts, tf.int32), axis=1)
    about = _first(values, counts & (seen == 1))
    near = tf.where(counts, values - about, tf.zeros([], tf.float64))
    location, scale = _STATISTICS[normalizer](near, counts, causal)
    there = counts & (scale > 0)
    normalized = tf.where(there, (near - location) / tf.where(scale > 0, scale, tf.ones_like(scale)), 0.0)
    location += about
    if causal:
        # Before its first value a record does not have a location, not even from a later value.
        location = tf.where(seen > 0, location, 0.0)
    return NormalizedRecords(normalized, location, scale)


def _first(values: tf.Tensor, is_first: tf.Tensor) -> tf.Tensor:
    """The value of the first step, `[B, 1, E]`; 0 if there is no first step."""
    return tf.reduce_sum(tf.where(is_first, values, tf.zeros([], values.dtype)), axis=1, keepdims=True)


def _mean_and_std(values: tf.Tensor, counts: tf.Tensor, causal: bool) -> tuple[tf.Tensor, tf.Tensor]:
    total: Callable[[tf.Tensor], tf.Tensor] = (
        (lambda x: tf.cumsum(x, axis=1)) if causal else (lambda x: tf.reduce_sum(x, axis=1, keepdims=True))
    )
    count = tf.maximum(total(tf.cast(counts, tf.float64)), 1)
    mean = total(values) / count
    if causal:
        variance = total(values * values) / count - mean * mean
        # Exactly 0 for equal values; for others, rounding of large squares can make it negative.
        variance = tf.maximum(variance, 0)
    else:
        deviations = tf.where(counts, values - mean, tf.zeros([], tf.float64))
        variance = total(deviations * deviations) / count
    # The square root has no gradient at 0.
    return mean, tf.where(variance > 0, tf.sqrt(tf.where(variance > 0, variance, 1.0)), 0.0)


def _median_and_quartiles(values: tf.Tensor, counts: tf.Tensor, causal: bool) -> tuple[tf.Tensor, tf.Tensor]:
    find = _running_quantiles if causal else _quantiles
    low, median, high = find(values, counts)
    apart = high - low
    return median, tf.where(apart > 0, apart, _mean_and_std(values, counts, causal)[1])


def _least_and_range(values: tf.Tensor, counts: tf.Tensor, causal: bool) -> tuple[tf.Tensor, tf.Tensor]:
    above = tf.where(counts, values, tf.constant(np.inf, tf.float64))
    below = tf.where(counts, values, tf.constant(-np.inf, tf.float64))
    if causal:
        least, greatest = _running(tf.minimum, above, np.inf), _running(tf.maximum, below, -np.inf)
    else:
        least = tf.reduce_min(above, axis=1, keepdims=True)
        greatest = tf.reduce_max(below, axis=1, keepdims=True)
    known = greatest >= least
    least = tf.where(known, least, 0.0)
    return least, tf.where(known, tf.where(known, greatest, 0.0) - least, 0.0)


_STATISTICS: dict[str, Callable[[tf.Tensor, tf.Tensor, bool], tuple[tf.Tensor, tf.Tensor]]] = {
    "per_record": _mean_and_std,
    "per_record_robust": _median_and_quartiles,
    "per_record_min_max": _least_and_range,
}


def _quantiles(values: tf.Tensor, counts: tf.Tensor) -> list[tf.Tensor]:
    """The quartiles of each record, `[B, 1, E]` each; interpolated linearly, like in `numpy.quantile`."""
    rising = tf.sort(tf.where(counts, values, tf.constant(np.inf, tf.float64)), axis=1)
    count = tf.reduce_sum(tf.cast(counts, tf.int32), axis=1)
    return [found[:, None] for found in _at_shares(tf.transpose(rising, [0, 2, 1]), count)]


def _running_quantiles(values: tf.Tensor, counts: tf.Tensor) -> list[tf.Tensor]:
    """The quartiles of the steps up to each one, `[B, T, E]` each; inserts values in order, step by step."""
    batch, steps, elements = tf.unstack(tf.shape(values))
    places = tf.range(steps)

    def insert(state: tuple[tf.Tensor, ...], step: tuple[tf.Tensor, tf.Tensor]) -> tuple[tf.Tensor, ...]:
        rising, count = state[:2]
        value, there = step
        at = tf.reduce_sum(tf.cast(rising <= value[..., None], tf.int32), axis=2)[..., None]
        moved = tf.concat([rising[..., :1], rising[..., :-1]], axis=2)
        inserted = tf.where(places < at, rising, tf.where(places == at, value[..., None], moved))
        rising = tf.where(there[..., None], inserted, rising)
        count += tf.cast(there, tf.int32)
        return rising, count, *_at_shares(rising, count)

    nothing = tf.zeros([batch, elements], tf.float64)
    empty = tf.fill([batch, elements, steps], tf.constant(np.inf, tf.float64))
    start = (empty, tf.zeros([batch, elements], tf.int32), nothing, nothing, nothing)
    by_step = (tf.transpose(values, [1, 0, 2]), tf.transpose(counts, [1, 0, 2]))
    found = _scanned(insert, by_step, start)
    return [tf.transpose(quantile, [1, 0, 2]) for quantile in found]


def _scanned(insert: Any, by_step: tuple[tf.Tensor, tf.Tensor], start: tuple[tf.Tensor, ...]) -> list[tf.Tensor]:
    """The quartiles of each step, `[T, B, E]` each; `tf.scan` would also keep the sorted values of all steps."""
    steps = tf.shape(by_step[0])[0]
    kept = [tf.TensorArray(tf.float64, steps, element_shape=[None, by_step[0].shape[2]]) for _ in _QUARTILES]

    def body(at: tf.Tensor, rising: tf.Tensor, count: tf.Tensor, *arrays: Any) -> tuple[Any, ...]:
        rising, count, *quantiles = insert((rising, count), (by_step[0][at], by_step[1][at]))
        return at + 1, rising, count, *(a.write(at, q) for a, q in zip(arrays, quantiles, strict=True))

    _, _, _, *arrays = tf.while_loop(lambda at, *_: at < steps, body, (tf.constant(0), *start[:2], *kept))
    return [array.stack() for array in arrays]


def _at_shares(rising: tf.Tensor, count: tf.Tensor) -> list[tf.Tensor]:
    """Quartiles `[B, E]` of sorted values `[B, E, T]`, of which `count` `[B, E]` are present; 0 without values."""
    last = tf.maximum(count - 1, 0)
    found = []
    for share in _QUARTILES:
        position = tf.cast(last, tf.float64) * share
        below = tf.cast(tf.floor(position), tf.int32)
        ends = (below, tf.minimum(below + 1, last))
        low, high = (tf.gather(rising, end[..., None], batch_dims=2)[..., 0] for end in ends)
        low, high = (tf.where(count > 0, end, 0.0) for end in (low, high))
        found.append(low + (high - low) * (position - tf.cast(below, tf.float64)))
    return found


def _running(combine: Callable[[tf.Tensor, tf.Tensor], tf.Tensor], values: tf.Tensor, nothing: float) -> tf.Tensor:
    """The minimum or maximum of the steps up to each one, in `log2(T)` rounds."""
    steps = tf.shape(values)[1]

    def round_of(distance: tf.Tensor, found: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        earlier = tf.pad(found, [[0, 0], [distance, 0], [0, 0]], constant_values=tf.constant(nothing, found.dtype))
        return 2 * distance, combine(found, earlier[:, :steps])

    shapes = (tf.TensorShape([]), tf.TensorShape([None, None, values.shape[2]]))
    return tf.while_loop(lambda d, _: d < steps, round_of, (tf.constant(1), values), shapes)[1]
