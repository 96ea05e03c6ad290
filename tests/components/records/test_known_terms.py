"""Values that are not known terms."""

import numpy as np
import pytest

from tfx_sequences.components.records.known_terms import KnownTerms


@pytest.mark.parametrize(
    ("values", "strangers"),
    [
        ([b"b", b"x", b"a", b"w", b"x"], [b"x", b"w"]),
        ([b"a\0", b"a"], [b"a\0"]),  # a zero byte at the end is part of the term
        ([], []),
        (["ä".encode()], []),
    ],
)
def test_strings_come_once_and_in_the_order_of_the_data(values, strangers):
    assert KnownTerms("string", ["a", "b", "ä"]).strangers(np.array([*values, None], object)[:-1]) == strangers


def test_integers_are_compared_as_numbers():
    known = KnownTerms("int64", ["7", "-5"])
    assert known.strangers(np.array([7, -5, 9, -(2**63), 9])) == [-(2**63), 9]
    assert known.strangers(np.array([], np.int64)) == []
