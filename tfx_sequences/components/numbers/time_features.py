"""What the network gets of times: durations within the record, and parts of the date, in any time zone."""

from __future__ import annotations

import datetime
import functools
import math
import zoneinfo
from typing import Any

import numpy as np
import tensorflow as tf

from tfx_sequences.components.numbers.reduction import reduced
from tfx_sequences.schemas.columns.numeric_columns import Scaling
from tfx_sequences.schemas.columns.time_columns import PERIODS, TimeColumn
from tfx_sequences.schemas.columns.time_units import TICKS

_DAY = 86_400
# Offsets from UTC are known for these years; before and after them, the first and the last one hold.
_YEARS = (1900, 2100)


def durations(times: tf.Tensor, there: tf.Tensor, lengths: Any, column: TimeColumn) -> tf.Tensor:
    """Durations in seconds, float64 `[N, K]`, in the order of `column.durations`.

    Args:
        times: `[N, 1]` as records store them.
        there: bool `[N, 1]`, what is not missing.
        lengths: int64 `[B]`, steps of each record.
        column: The column.

    >>> column = TimeColumn(key="t", is_sequence=True, unit="ms", features=("gap", "age"))
    >>> times = tf.constant([[1528917632000], [1528917632250], [1528917640000]], tf.int64)
    >>> durations(times, tf.ones([3, 1], tf.bool), [3], column).numpy().tolist()
    [[0.0, 8.0], [0.25, 7.75], [7.75, 0.0]]
    """
    second = 1 / TICKS[column.unit]
    scalings = {
        "gap": Scaling(offset="previous", scale=second),
        "age": Scaling(offset="last", scale=-second),
        "since_first": Scaling(offset="first", scale=second),
    }
    # Without the sign of a zero that was subtracted from itself.
    return tf.concat([reduced(times, there, lengths, scalings[n])[0] + 0.0 for n in column.durations], axis=1)


def calendar(times: tf.Tensor, column: TimeColumn) -> tf.Tensor:
    """Parts of the date, float32 `[N, D]`: for each part its sine and cosine, or a one-hot vector.

    Args:
        times: `[N, 1]` as records store them.
        column: The column.
    """
    parts = [_as_vector(ids, PERIODS[part], column) for part, ids in calendar_ids(times[:, 0], column).items()]
    return tf.concat(parts, axis=1)


def calendar_ids(times: tf.Tensor, column: TimeColumn) -> dict[str, tf.Tensor]:
    """Hour, weekday (Monday is 0) and month (January is 0), as far as the column has them, int64 `[N]`.

    >>> column = TimeColumn(key="t", time_zone="America/New_York")
    >>> ids = calendar_ids(tf.constant([1528917632], tf.int64), column)
    >>> {part: its.numpy().tolist() for part, its in ids.items()}  # 13 June 2018, a Wednesday, 15:20 there
    {'hour': [15], 'weekday': [2], 'month': [5]}
    """
    ticks = TICKS[column.unit]
    if times.dtype.is_integer:
        seconds = tf.math.floordiv(tf.cast(times, tf.int64), ticks)
    else:
        seconds = tf.cast(tf.floor(tf.cast(times, tf.float64) / ticks), tf.int64)
    starts, offsets = utc_offsets(column.time_zone)
    at = tf.searchsorted(tf.constant(starts), seconds, side="right") - 1
    local = seconds + tf.gather(tf.constant(offsets), tf.maximum(at, 0))
    days = tf.math.floordiv(local, _DAY)
    ids = {
        "hour": tf.math.floordiv(local - days * _DAY, 3600),
        "weekday": tf.math.floormod(days + 3, 7),  # 1 January 1970 was a Thursday
        "month": _month(days),
    }
    return {part: ids[part] for part in column.calendar_parts}


@functools.cache
def utc_offsets(time_zone: str) -> tuple[np.ndarray, np.ndarray]:
    """From which second on a time zone has which offset from UTC, in seconds: two int64 arrays.

    >>> starts, offsets = utc_offsets("Europe/Oslo")
    >>> offsets[np.searchsorted(starts, [1528917632, 1544000000], side="right") - 1].tolist()
    [7200, 3600]
    """
    zone = zoneinfo.ZoneInfo(time_zone)
    first, last = (int(datetime.datetime(year, 1, 1, tzinfo=datetime.timezone.utc).timestamp()) for year in _YEARS)

    def offset(second: int) -> int:
        date = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc) + datetime.timedelta(seconds=second)
        found = date.astimezone(zone).utcoffset()
        return int(found.total_seconds()) if found else 0

    starts, offsets = [first], [offset(first)]
    for day in range(first, last, _DAY):
        if offset(day + _DAY) == offsets[-1]:
            continue
        low, high = day, day + _DAY
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if offset(middle) == offsets[-1] else (low, middle)
        starts.append(high)
        offsets.append(offset(high))
    return np.array(starts, np.int64), np.array(offsets, np.int64)


def _month(days: tf.Tensor) -> tf.Tensor:
    """The month of days since 1970, January is 0: Hinnant's algorithm, on years that begin in March."""
    since = days + 719_468
    of_era = since - tf.math.floordiv(since, 146_097) * 146_097
    year = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    return tf.math.floormod((5 * of_year + 2) // 153 + 2, 12)


def _as_vector(ids: tf.Tensor, period: int, column: TimeColumn) -> tf.Tensor:
    if column.calendar == "ids":
        return tf.one_hot(ids, period)
    angle = tf.cast(ids, tf.float64) * (2 * math.pi / period)
    return tf.cast(tf.stack([tf.sin(angle), tf.cos(angle)], axis=1), tf.float32)
