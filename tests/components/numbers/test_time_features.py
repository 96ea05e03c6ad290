"""Durations and dates, against Python's integers and `datetime`."""

import datetime
import zoneinfo

import numpy as np
import pytest
import tensorflow as tf

from tfx_sequences.components.numbers.time_features import calendar, calendar_ids, durations
from tfx_sequences.schemas.columns.time_columns import TimeColumn
from tfx_sequences.schemas.columns.time_units import TICKS

LENGTHS = [3, 0, 5]


def times(unit, number=8, seed=1):
    random = np.random.default_rng(seed)
    return 1528917632 * TICKS[unit] + np.cumsum(random.integers(0, 5 * TICKS[unit], number))


@pytest.mark.parametrize("unit", TICKS)
def test_durations_in_seconds(unit):
    stored = times(unit)
    there = np.array([True, True, False, True, True, True, False, True])
    column = TimeColumn(key="t", is_sequence=True, unit=unit, features=("since_first", "gap", "age"))
    found = durations(tf.constant(stored[:, None]), tf.constant(there[:, None]), tf.constant(LENGTHS), column).numpy()
    for record in (range(3), range(3, 8)):
        known = [int(stored[i]) for i in record if there[i]]
        for i in record:
            if there[i]:
                time = int(stored[i])
                earlier = [int(stored[j]) for j in record if there[j] and j < i]
                exact = [time - earlier[-1] if earlier else 0, known[-1] - time, time - known[0]]
                np.testing.assert_allclose(found[i], np.array(exact) / TICKS[unit], rtol=1e-12)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Oslo", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"])
@pytest.mark.parametrize("unit", ["s", "ns"])
def test_dates_are_those_of_datetime(zone, unit):
    random = np.random.default_rng(3)
    seconds = np.concatenate([random.integers(-(10**9), 4 * 10**9, 500), random.integers(0, 4, 9) - 2])
    # Around the hours when summer time begins and ends.
    for year, month, day in ((2024, 3, 31), (2024, 10, 27), (2030, 3, 10), (2030, 11, 3), (2026, 4, 4)):
        noon = int(datetime.datetime(year, month, day, tzinfo=datetime.timezone.utc).timestamp())
        seconds = np.concatenate([seconds, noon + np.arange(-86400, 86400, 1799)])
    column = TimeColumn(key="t", unit=unit, time_zone=zone)
    ticks = TICKS[unit]
    found = calendar_ids(tf.constant(seconds * ticks + (ticks - 1)), column)
    dates = [datetime.datetime.fromtimestamp(int(s), zoneinfo.ZoneInfo(zone)) for s in seconds]
    np.testing.assert_array_equal(found["hour"], [d.hour for d in dates])
    np.testing.assert_array_equal(found["weekday"], [d.weekday() for d in dates])
    np.testing.assert_array_equal(found["month"], [d.month - 1 for d in dates])


def test_parts_of_dates_as_vectors():
    stored = tf.constant(times("s", 40)[:, None] * 1000)
    waves = TimeColumn(key="t", unit="ms", features=("hour", "month"))
    ids = calendar_ids(stored[:, 0], waves)
    expected = [
        f(2 * np.pi * ids[part].numpy() / period)
        for part, period in (("hour", 24), ("month", 12))
        for f in (np.sin, np.cos)
    ]
    np.testing.assert_allclose(calendar(stored, waves), np.stack(expected, axis=1), atol=1e-6)
    hot = TimeColumn(key="t", unit="ms", features=("month", "hour"), calendar="ids")
    expected = np.concatenate([np.eye(24)[ids["hour"]], np.eye(12)[ids["month"]]], axis=1)
    np.testing.assert_array_equal(calendar(stored, hot), expected)
    assert (waves.size, hot.size) == (4, 36)


def test_fractions_of_seconds_are_floats_too():
    column = TimeColumn(key="t", dtype="float32", features=("hour",))
    assert calendar_ids(tf.constant([3599.5, -0.5, 7200.0]), column)["hour"].numpy().tolist() == [0, 23, 2]
