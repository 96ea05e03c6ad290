"""Reads a column of times in the transform graph: durations, to be normalized later, and parts of the date."""

from __future__ import annotations

import dataclasses
from typing import Any

import tensorflow as tf

from tfx_sequences.components.batches.ragged_steps import steps_of
from tfx_sequences.components.numbers.missing_numbers import observed
from tfx_sequences.components.numbers.time_features import calendar, durations
from tfx_sequences.schemas.columns.time_columns import TimeColumn


@dataclasses.dataclass(frozen=True)
class ReadTimes:
    """The times of a column in one batch: `N` records, or `N` steps.

    Attributes:
        spans: Durations in seconds, float64 `[N, K]`.
        there: bool `[N, 1]`, whether each time is present.
        dates: Parts of the date, float32 `[N, D]`; zeros where the time is missing.
    """

    spans: tf.Tensor
    there: tf.Tensor
    dates: tf.Tensor


def read_times(raw: Any, column: TimeColumn) -> ReadTimes:
    """The times of a parsed feature, dense `[B]` or ragged `[B, T, values]`."""
    lengths = None
    if column.is_sequence:
        values, present = steps_of(raw, column.key, ())
        lengths = tf.cast(raw.row_lengths(), tf.int64)
    else:
        values, present = raw, tf.ones(tf.shape(raw), tf.bool)
    times = values[:, None]
    there = present[:, None] & observed(times, column.missing_value)
    # The marker of a missing time may be too large for a date.
    times = tf.where(there, times, tf.zeros([], times.dtype))
    rows = tf.shape(times)[0]
    spans = durations(times, there, lengths, column) if column.durations else tf.zeros([rows, 0], tf.float64)
    dates = calendar(times, column) if column.calendar_parts else tf.zeros([rows, 0])
    return ReadTimes(spans, there, tf.where(there, dates, 0.0))
