"""Aligns lists at several rates with the steps of their records, for all records of a batch at once.

Times of values and of steps are replaced by their ranks among all times of the batch, and each rank is shifted by an
offset for its record. So one search in one sorted list finds the values before and after every step.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from tfx_sequences.components.batches.ragged_steps import like, steps_of
from tfx_sequences.components.features.runtime_checks import are_equal
from tfx_sequences.schemas.columns.alignment import Alignment
from tfx_sequences.schemas.columns.column_base import BaseColumn
from tfx_sequences.schemas.columns.names import raw_name
from tfx_sequences.schemas.features.raw_features import feature_of, features_at_clock


def column_inputs(inputs: Mapping[str, Any], column: BaseColumn) -> Mapping[str, Any]:
    """The parsed features by raw name; the column's features are aligned with the steps of the record.

    Args:
        inputs: The parsed features, from `parse_records` or from Transform's reader.
        column: A column of a spec; without `align`, nothing changes.

    Raises:
        tf.errors.InvalidArgumentError: Timestamps are missing, decrease, or differ in number from the values.
    """
    if column.align is None:
        return inputs
    times = _times(inputs[raw_name(str(column.timestamps), of_steps=True)], str(column.timestamps))
    steps = _times(inputs[raw_name(column.align.to, of_steps=True)], column.align.to)
    features = {
        f.tensor_name: _as_long_as(_nested(inputs[f.tensor_name], f.size), times, f.key, f.clock)
        for f in features_at_clock(column)
    }
    has_value = _has_value(features[feature_of(column).tensor_name])
    times = tf.ragged.boolean_mask(times, like(times, has_value))
    rows = {name: tf.ragged.boolean_mask(values.values, has_value) for name, values in features.items()}
    places = _Places.of(times, steps)
    if column.align.method == "collect":
        aligned = {name: _collected(values, places, column.align) for name, values in rows.items()}
    elif column.align.method == "interpolate":
        size = feature_of(column).size
        aligned = {name: _interpolated(values, size, places, column.align) for name, values in rows.items()}
    else:
        at, taken = _nearest(places, column.align)
        aligned = {name: _taken(values, at, taken) for name, values in rows.items()}
    return {**inputs, **{name: like(steps, values) for name, values in aligned.items()}}


@dataclasses.dataclass(frozen=True)
class _Places:
    """The positions of a batch's steps among its values, by time.

    Attributes:
        times: Times of the values, `[M]`; float64, or int64 if they are stored so.
        steps: Times of the steps, `[N]`.
        before: Index of the last value up to each step, `[N]`; without one, the index before its record's first.
        after: Index of the first value from each step's time on, `[N]`; without one, the index after its record's last.
        first: Index of the first value in the record of each step, `[N]`.
        end: Index after the last value in the record of each step, `[N]`.
        step_of_value: Index of the first step from the time of each value on, `[M]`.
        has_step: Whether there is such a step, bool `[M]`.
    """

    times: tf.Tensor
    steps: tf.Tensor
    before: tf.Tensor
    after: tf.Tensor
    first: tf.Tensor
    end: tf.Tensor
    step_of_value: tf.Tensor
    has_step: tf.Tensor

    @classmethod
    def of(cls, times: tf.RaggedTensor, steps: tf.RaggedTensor) -> _Places:
        every = tf.sort(tf.concat([times.values, steps.values], axis=0))
        spread = tf.size(every, tf.int64) + 1

        def ranked(ragged: tf.RaggedTensor) -> tf.Tensor:
            return ragged.value_rowids() * spread + _count_up_to(every, ragged.values)

        of_values, of_steps = ranked(times), ranked(steps)
        rows, rows_of_values = steps.value_rowids(), times.value_rowids()
        step_of_value = _count_up_to(of_steps, of_values - 1)
        return cls(
            times.values,
            steps.values,
            before=_count_up_to(of_values, of_steps) - 1,
            after=_count_up_to(of_values, of_steps - 1),
            first=tf.gather(times.row_starts(), rows),
            end=tf.gather(times.row_limits(), rows),
            step_of_value=step_of_value,
            has_step=step_of_value < tf.gather(steps.row_limits(), rows_of_values),
        )

    def apart(self, at: tf.Tensor, steps: tf.Tensor) -> tf.Tensor:
        """The time between steps and the values `at`, float64."""
        return tf.cast(tf.abs(_gathered(self.times, at) - steps), tf.float64)


def _count_up_to(rising: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """For each value, how many of the sorted numbers `[N]` are not greater, int64."""
    # The op in `tf.searchsorted`, because that function cannot search an empty list.
    return tf.raw_ops.UpperBound(sorted_inputs=rising[None], values=values[None], out_type=tf.int64)[0]


def _gathered(values: tf.Tensor, at: tf.Tensor) -> tf.Tensor:
    """`values` at indices that may be out of range by one, where the result is arbitrary; `values` may be empty."""
    one_more = tf.zeros(tf.concat([[1], tf.shape(values)[1:]], axis=0), values.dtype)
    longer = tf.concat([values, one_more], axis=0)
    return tf.gather(longer, tf.clip_by_value(at, 0, tf.shape(values, tf.int64)[0]))


def _nearest(places: _Places, align: Alignment) -> tuple[tf.Tensor, tf.Tensor]:
    """The index of the value for each step, `[N]`, and whether there is one."""
    at, taken = places.before, places.before >= places.first
    if align.method == "nearest":
        has_after = places.after < places.end
        sooner = places.apart(places.before, places.steps) <= places.apart(places.after, places.steps)
        takes_before = taken & (sooner | tf.logical_not(has_after))
        at, taken = tf.where(takes_before, places.before, places.after), taken | has_after
    if align.tolerance is not None:
        taken &= places.apart(at, places.steps) <= align.tolerance
    return at, taken


def _taken(values: tf.RaggedTensor, at: tf.Tensor, taken: tf.Tensor) -> tf.RaggedTensor:
    """Rows `[M, V]` at `[N]`; an empty row if there is no value for the step."""
    starts = _gathered(values.row_starts(), at)
    lengths = tf.where(taken, _gathered(values.row_lengths(), at), 0)
    flat = tf.gather(values.values, tf.ragged.range(starts, starts + lengths).values)
    return tf.RaggedTensor.from_row_lengths(flat, lengths, validate=False)


def _interpolated(values: tf.RaggedTensor, size: int, places: _Places, align: Alignment) -> tf.RaggedTensor:
    """Numbers `[M, size]`, linearly interpolated at the times of the steps, `[N, 0 or size]`."""
    numbers = tf.cast(tf.reshape(values.values, [-1, size]), tf.float64)
    has_before, has_after = places.before >= places.first, places.after < places.end
    before = tf.where(has_before, places.before, places.after)
    after = tf.where(has_after, places.after, places.before)
    passed, left = places.apart(before, places.steps), places.apart(after, places.steps)
    between = has_before & has_after
    share = tf.where(between, tf.math.divide_no_nan(passed, passed + left), 0.0)[:, None]
    low, high = _gathered(numbers, before), _gathered(numbers, after)
    found = low + (high - low) * share
    taken = has_before | has_after
    if align.tolerance is not None:
        taken &= tf.where(between, tf.minimum(passed, left), passed) <= align.tolerance
    dtype = tf.float32 if values.dtype == tf.float32 else tf.float64
    flat = tf.cast(tf.reshape(tf.boolean_mask(found, taken), [-1]), dtype)
    return tf.RaggedTensor.from_row_lengths(flat, tf.cast(taken, tf.int64) * size, validate=False)


def _collected(values: tf.RaggedTensor, places: _Places, align: Alignment) -> tf.RaggedTensor:
    """Rows `[M, V]` as `[N, V]`: a step gets all values that belong to it."""
    kept = places.has_step
    if align.tolerance is not None:
        kept &= tf.cast(_gathered(places.steps, places.step_of_value) - places.times, tf.float64) <= align.tolerance
    rows, steps = tf.ragged.boolean_mask(values, kept), tf.boolean_mask(places.step_of_value, kept)
    lengths = tf.math.unsorted_segment_sum(rows.row_lengths(), steps, tf.size(places.steps))
    return tf.RaggedTensor.from_row_lengths(rows.values, lengths, validate=False)


def _times(raw: tf.RaggedTensor, key: str) -> tf.RaggedTensor:
    """Timestamps `[B, T]`, after a check that none is missing and none decreases."""
    times, present = steps_of(raw, key, ())
    times = times if times.dtype == tf.int64 else tf.cast(times, tf.float64)
    finite = present if times.dtype == tf.int64 else present & tf.math.is_finite(times)
    ragged = like(raw, times)
    rows = ragged.value_rowids()
    rises = (times[1:] >= times[:-1]) | (rows[1:] != rows[:-1])
    checks = [
        tf.debugging.Assert(tf.reduce_all(finite), [f"Timestamps '{key}' are missing in a step."]),
        tf.debugging.Assert(tf.reduce_all(rises), [f"Timestamps '{key}' decrease within a record:", times]),
    ]
    with tf.control_dependencies(checks):
        return ragged.with_values(tf.identity(times))


def _nested(raw: tf.RaggedTensor, size: int) -> tf.RaggedTensor:
    """Values as `[B, M, values]`, also if they were parsed from flat lists."""
    if isinstance(raw.values, tf.RaggedTensor):
        return raw
    flat = tf.reshape(raw.values, [-1])
    inner = tf.RaggedTensor.from_row_splits(flat, tf.range(0, tf.size(flat, tf.int64) + 1, size), validate=False)
    return raw.with_values(inner)


def _has_value(raw: tf.RaggedTensor) -> tf.Tensor:
    """Whether each value of a batch is present and not entirely NaN, bool `[M]`."""
    inner = raw.values
    if not inner.dtype.is_floating:
        return inner.row_lengths() > 0
    there = tf.logical_not(tf.math.is_nan(inner.values))
    return tf.reduce_any(inner.with_values(there), axis=1)


def _as_long_as(values: tf.RaggedTensor, times: tf.RaggedTensor, key: str, clock: str) -> tf.RaggedTensor:
    check = tf.debugging.Assert(
        are_equal(values.row_splits, times.row_splits),
        [f"'{key}' and its timestamps '{clock}' have different numbers of values:", values.row_lengths()],
    )
    with tf.control_dependencies([check]):
        return values.with_flat_values(tf.identity(values.flat_values))
