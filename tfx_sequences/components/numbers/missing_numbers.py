"""Numbers that are missing, element by element: which they are, and what stands in their place.

Values come as `[N, E]`: those of the steps of several records, one after another, and the number of steps of each.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfx_sequences.schemas.columns.names import MISSING_INT


def observed(values: tf.Tensor, missing_value: float | None = None) -> tf.Tensor:
    """Which numbers are not missing, bool of the shape of the values.

    Args:
        values: Numbers as records store them.
        missing_value: What says that one is missing, beside NaN and the least int64.

    >>> observed(tf.constant([1.0, float("nan"), -9999.0]), -9999).numpy().tolist()
    [True, False, False]
    """
    if values.dtype.is_floating:
        there = tf.logical_not(tf.math.is_nan(values))
        marker = missing_value
    else:
        there = values != MISSING_INT if values.dtype == tf.int64 else tf.ones_like(values, tf.bool)
        marker = None if missing_value is None or missing_value != int(missing_value) else int(missing_value)
    return there if marker is None else there & (values != tf.cast(tf.constant(marker), values.dtype))


class Neighbours:
    """For each element of each step, the steps of its record where that element is observed.

    Args:
        there: bool `[N, E]`, what is observed.
        lengths: int64 `[B]`, steps of each record; their sum is `N`.
    """

    def __init__(self, there: tf.Tensor, lengths: tf.Tensor) -> None:
        by_element = tf.transpose(there)
        self._shape = tf.shape(by_element, tf.int64)
        elements, steps = self._shape[0], self._shape[1]
        self._first_place = tf.range(elements)[:, None] * steps
        ends = tf.cumsum(tf.cast(lengths, tf.int64))
        self._starts = tf.repeat(ends - tf.cast(lengths, tf.int64), lengths)[None]
        self._ends = tf.repeat(ends, lengths)[None]
        flat = tf.reshape(by_element, [-1])
        # Places of what is observed, element by element, and how many of them there are up to each place.
        self._places = tf.where(flat)[:, 0]
        self._seen = tf.reshape(tf.cumsum(tf.cast(flat, tf.int64)), self._shape)
        self._there = tf.cast(by_element, tf.int64)

    def latest(self) -> tuple[tf.Tensor, tf.Tensor]:
        """The last observed step up to this one, int64 `[N, E]`, and whether there is one, bool `[N, E]`."""
        return self._at(self._seen - 1)

    def next(self) -> tuple[tf.Tensor, tf.Tensor]:
        """The first observed step from this one on, as `latest` has it."""
        return self._at(self._seen - self._there)

    def before(self) -> tuple[tf.Tensor, tf.Tensor]:
        """The last observed step before this one, as `latest` has it."""
        return self._at(self._seen - self._there - 1)

    def first(self) -> tuple[tf.Tensor, tf.Tensor]:
        """The first observed step of the record, as `latest` has it."""
        before = tf.gather(self._seen - self._there, tf.repeat(self._starts, self._shape[0], axis=0), batch_dims=1)
        return self._at(before)

    def last(self) -> tuple[tf.Tensor, tf.Tensor]:
        """The last observed step of the record, as `latest` has it."""
        return self._at(tf.gather(self._seen, tf.repeat(self._ends - 1, self._shape[0], axis=0), batch_dims=1) - 1)

    def _at(self, rank: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        known = tf.size(self._places, tf.int64)
        # One place more, so that there is one to take where nothing is observed.
        places = tf.concat([self._places, tf.zeros([1], tf.int64)], axis=0)
        steps = tf.gather(places, tf.clip_by_value(rank, 0, known)) - self._first_place
        there = (rank >= 0) & (rank < known) & (steps >= self._starts) & (steps < self._ends)
        return tf.transpose(tf.where(there, steps, 0)), tf.transpose(there)


def take_steps(values: tf.Tensor, steps: tf.Tensor) -> tf.Tensor:
    """The values `[N, E]` of other steps `[N, E]`, element by element.

    >>> take_steps(tf.constant([[1, 2], [3, 4]]), tf.constant([[1, 0], [0, 1]])).numpy().tolist()
    [[3, 2], [1, 4]]
    """
    return tf.transpose(tf.gather(tf.transpose(values), tf.transpose(steps), batch_dims=1))


def fill_missing(values: tf.Tensor, there: tf.Tensor, lengths: Any, how: str) -> tf.Tensor:
    """The values, with others of the same record in place of those that are missing.

    Args:
        values: `[N, E]`; where nothing of the record can be taken they stay as they are.
        there: bool `[N, E]`, what is not missing.
        lengths: int64 `[B]`, steps of each record.
        how: `previous`, the last value before; or `interpolate`, as `numpy.interp` does over the number of the step:
            after the last value that one, before the first value that one.

    >>> values = tf.constant([[1.0], [0.0], [4.0], [0.0]])
    >>> there = tf.constant([[True], [False], [True], [False]])
    >>> fill_missing(values, there, [4], "interpolate").numpy()[:, 0].tolist()
    [1.0, 2.5, 4.0, 4.0]
    >>> fill_missing(values, there, [1, 3], "previous").numpy()[:, 0].tolist()
    [1.0, 0.0, 4.0, 4.0]
    """
    neighbours = Neighbours(there, tf.convert_to_tensor(lengths))
    earlier, has_earlier = neighbours.latest()
    before = take_steps(values, earlier)
    if how == "previous":
        return tf.where(has_earlier, before, values)
    later, has_later = neighbours.next()
    after = take_steps(values, later)
    step = tf.range(tf.shape(values, tf.int64)[0])[:, None]
    share = tf.cast(step - earlier, values.dtype) / tf.cast(tf.maximum(later - earlier, 1), values.dtype)
    between = before + (after - before) * share
    found = tf.where(
        has_earlier & has_later, between, tf.where(has_earlier, before, tf.where(has_later, after, values))
    )
    return tf.where(there, values, found)
