"""Columns of times: which features they give, in which order, and what is refused."""

import pydantic
import pytest

from tfx_sequences.schemas.columns.time_columns import PERIODS, TimeColumn


def test_a_sequence_gives_durations_and_a_record_its_date_unless_said_otherwise():
    assert TimeColumn(key="t", is_sequence=True).features == ("gap", "since_first")
    assert TimeColumn(key="t").features == ("hour", "weekday", "month")


def test_the_vector_has_durations_first_each_in_a_fixed_order():
    column = TimeColumn(key="t", is_sequence=True, features=("month", "since_first", "hour", "gap"))
    assert (column.durations, column.calendar_parts) == (("gap", "since_first"), ("hour", "month"))
    # A sine and a cosine for each part of the date.
    assert (column.size, column.shape) == (2 + 2 * 2, (6,))


def test_ids_of_parts_are_one_hot():
    assert TimeColumn(key="t", calendar="ids").size == sum(PERIODS.values()) == 24 + 7 + 12


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"features": ("hour", "hour")}, "features names one twice"),
        ({"features": ()}, "at least 1"),
        ({"features": ("gap",)}, "gap needs the steps of a record"),
        ({"time_zone": "Europe/Atlantis"}, "time_zone 'Europe/Atlantis' is not known"),
        ({"time_zone": "../etc/passwd"}, "is not known"),
        ({"unit": "h"}, "unit"),
        ({"normalizer": "per_record"}, "normalizer"),
    ],
)
def test_what_no_time_can_be_is_refused(fields, message):
    with pytest.raises(pydantic.ValidationError, match=message):
        TimeColumn(key="t", **fields)
