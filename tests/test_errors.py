"""Errors say what, expected, received, fix; and survive the way between processes."""

import copy
import pickle

import pytest

from tfx_sequences.errors import DataError, SpecError, UserInputError, closest_name, shortened


@pytest.mark.parametrize("kind", [UserInputError, SpecError, DataError])
def test_an_error_that_was_pickled_is_the_same(kind):
    error = kind("What.", expected="a", received="b", fix="c")
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(again) is kind and str(again) == str(error) == "What.\n  expected: a\n  received: b\n  fix:      c"
        assert (again.what, again.expected, again.received, again.fix, again.exit_code) == ("What.", "a", "b", "c", 2)


def test_parts_that_are_not_given_are_left_out():
    assert str(DataError("What.", fix="c")) == "What.\n  fix:      c"


def test_the_closest_name_is_close():
    assert closest_name("lenght", ["length", "depth"]) == "length"
    assert closest_name("x", ["length", "depth"]) is None
    assert closest_name(7, [70, 8]) == "70"


def test_long_lists_are_counted():
    assert shortened(range(10), most=3) == "'0', '1', '2' and 7 more"
    assert shortened([]) == ""
