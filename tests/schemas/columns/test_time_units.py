"""The unit of times, from values whose dates are known."""

import datetime

import numpy as np
import pytest

from tfx_sequences.schemas.columns.time_units import TICKS, guess_time_unit


def ticks(year, unit):
    return int(datetime.datetime(year, 7, 1, tzinfo=datetime.timezone.utc).timestamp()) * TICKS[unit]


@pytest.mark.parametrize("unit", TICKS)
@pytest.mark.parametrize("year", [1981, 2001, 2026, 2099])
def test_times_of_dates(unit, year):
    assert guess_time_unit([ticks(year, unit), ticks(year, unit) + 12345]) == unit
    assert guess_time_unit(np.array([ticks(year, unit)])) == unit


@pytest.mark.parametrize(
    "values", [[], [0, 40_000], [1.5], [-(10**9)], [ticks(2020, "s"), ticks(2020, "ms")], [3, ticks(2020, "s")]]
)
def test_other_numbers_are_no_times(values):
    assert guess_time_unit(values) is None
