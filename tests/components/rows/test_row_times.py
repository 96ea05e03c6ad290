"""Times in rows against Python's datetime and zoneinfo."""

from __future__ import annotations

import datetime
import zoneinfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfx_sequences.components.rows.row_times import nanoseconds, order_kind, order_values

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
TIMES = st.datetimes(datetime.datetime(1990, 1, 1), datetime.datetime(2100, 1, 1))
OFFSETS = st.sampled_from(["", "Z", "+01:00", "-0530"])


def micros(moment):
    return (moment - EPOCH) // datetime.timedelta(microseconds=1)


@given(st.lists(st.tuples(TIMES, OFFSETS), min_size=1))
def test_iso_text_with_and_without_a_zone(given_times):
    text = [moment.isoformat() + zone for moment, zone in given_times]
    found, there = nanoseconds(pa.array(text), "UTC")
    expected = [
        micros(datetime.datetime.fromisoformat(f"{moment.isoformat()}{zone.replace('Z', '') or '+00:00'}"))
        for moment, zone in ((m, z[:3] + ":" + z[3:] if z == "-0530" else z) for m, z in given_times)
    ]
    assert there.all()
    np.testing.assert_array_equal(found, np.array(expected) * 1000)


def test_times_without_a_zone_are_in_the_zone_of_the_spec():
    zone = zoneinfo.ZoneInfo("Europe/Oslo")
    moments = [datetime.datetime(2024, month, 5, 12, 30) for month in (1, 7)]
    expected = [micros(m.replace(tzinfo=zone)) * 1000 for m in moments]
    text = pa.array([f"{m:%Y-%m-%d %H:%M:%S}" for m in moments])
    for column in (text, pa.array(moments, pa.timestamp("ms"))):
        assert nanoseconds(column, "Europe/Oslo")[0].tolist() == expected


def test_hours_that_are_twice_or_never_do_not_end_the_reading():
    found, there = nanoseconds(pa.array(["2024-10-27 02:30", "2024-03-31 02:30"]), "Europe/Oslo")
    assert there.all()
    # The first of the two hours is summer time; after the missing hour it is 03:00 summer time.
    assert found.tolist() == [1729989000 * 10**9, 1711846800 * 10**9]


@pytest.mark.parametrize("text", ["2024-02-30", "soon", "", "12:00", "2024-13-01"])
def test_what_is_not_a_time_is_marked(text):
    _, there = nanoseconds(pa.array([text, "2024-02-28"]), "UTC")
    assert there.tolist() == [False, True]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_timestamps_of_any_unit(unit):
    column = pa.array([np.datetime64("2024-05-01T10:00:00", unit), None], pa.timestamp(unit))
    found, there = nanoseconds(column, "UTC")
    assert there.tolist() == [True, False] and found[0] == 1714557600 * 10**9


def test_dates():
    found, _ = nanoseconds(pa.array([datetime.date(1970, 1, 2)]), "UTC")
    assert found.tolist() == [86400 * 10**9]


@pytest.mark.parametrize(
    ("values", "kind"),
    [(["1", "2"], "int64"), (["1.5", "2"], "float64"), (["2024-01-01"], "time"), (["x"], None), ([None], None)],
)
def test_the_kind_of_the_order(values, kind):
    assert order_kind(pa.array(values, pa.string())) == kind


def test_text_that_is_not_a_number_has_no_place_in_the_order():
    values, there = order_values(pa.array([" 7", "+8", "x", "", None, "9" * 19]), "int64", "UTC")
    assert there.tolist() == [True, True, False, False, False, False]
    assert values[:2].tolist() == [7, 8]
    values, there = order_values(pa.array(["1e3", "nan", ".5"]), "float64", "UTC")
    assert there.tolist() == [True, False, True] and values[[0, 2]].tolist() == [1000.0, 0.5]
