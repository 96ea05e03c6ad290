"""Ranges of lengths: every number has exactly one, and its name says which."""

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfx_sequences.schemas.spec.length_ranges import AUTOMATIC, Boundaries, name_of_range_with, range_of_name, ranges

BOUNDARIES = st.lists(st.integers(1, 500), min_size=1, max_size=8, unique=True).map(lambda x: tuple(sorted(x)))


@given(BOUNDARIES, st.integers(0, 1000))
def test_every_number_is_in_the_one_range_whose_name_it_gets(boundaries, number):
    among = ranges(boundaries)
    inside = [(first, end) for first, end in among if first <= number and (end is None or number < end)]
    assert [range_of_name(name_of_range_with(number, among))] == inside


def test_auto_doubles():
    assert AUTOMATIC == (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096)
    assert ranges("auto")[:3] == [(0, 1), (1, 2), (2, 4)]


@pytest.mark.parametrize("boundaries", [(3, 3), (5, 2), (0, 4), (-1,)])
def test_boundaries_that_do_not_increase_are_refused(boundaries):
    with pytest.raises(pydantic.ValidationError):
        pydantic.TypeAdapter(Boundaries).validate_python(boundaries)
