"""Values of rows: what each feature accepts, how it is stored, and the words for what it does not accept."""

import base64
import struct

import numpy as np
import pandas as pd
import pytest

from tfx_sequences.components.serving.request_values import GREATEST_FLOAT, RowFeature, as_texts, is_missing
from tfx_sequences.errors import DataError
from tfx_sequences.schemas.columns.byte_numbers import ByteLayout
from tfx_sequences.schemas.columns.names import MISSING_INT
from tfx_sequences.schemas.features.raw_features import RawFeature

NAN = float("nan")


def feature(dtype="float32", shape=(), **fields):
    given = {"key": "x", "is_sequence": True, "default": None, "role": "feature", **fields}
    return RowFeature(RawFeature(dtype=dtype, shape=shape, **given), "x", "Row 1")


@pytest.mark.parametrize("value", [None, NAN, np.float32("nan").item(), pd.NA, pd.NaT])
def test_missing_values(value):
    assert is_missing(value)
    assert feature().of_record(value) is None
    assert feature().of_steps([1.0, value]) == [[1.0], []]


@pytest.mark.parametrize("value", [0, "", [], False, b"", "nan"])
def test_values_that_are_there(value):
    assert not is_missing(value)


@pytest.mark.parametrize(
    ("made", "value", "expected"),
    [
        (feature(), 3, [3.0]),
        (feature(), np.float32(0.5), [0.5]),
        (feature(shape=(2, 2)), [[1, 2], [3, 4]], [1.0, 2.0, 3.0, 4.0]),
        (feature(shape=(2,)), np.array([1.0, 2.0]), [1.0, 2.0]),
        (feature(shape=(2,)), (1, 2), [1.0, 2.0]),
        (feature("int64"), 7.0, [7]),
        (feature("int64"), np.int32(-7), [-7]),
        (feature("int64"), 2**63 - 1, [2**63 - 1]),
        (feature("string"), "ä", ["ä".encode()]),
        (feature("string"), b"\xff", [b"\xff"]),
        (feature("string", multi_valued=True), ["a", "b"], [b"a", b"b"]),
        (feature("string", multi_valued=True), [], []),
        (feature("int64", shape=(2,)), [5, None], [5, MISSING_INT]),
    ],
)
def test_values_become_flat_and_of_the_records_type(made, value, expected):
    found = made.of_record(value)
    assert found == expected
    assert [type(x) for x in found] == [type(x) for x in expected]


def test_a_missing_number_of_a_vector_is_marked_only_in_features_and_labels():
    assert str(feature(shape=(2,)).of_record([1.0, None])) == "[1.0, nan]"
    with pytest.raises(DataError, match="each value a number"):
        feature(shape=(2,), role="known_future").of_record([1.0, None])


@pytest.mark.parametrize(
    ("made", "value", "words"),
    [
        (feature(), "1", "expected: a number\n  received: '1' (str)"),
        (feature(), True, "received: True (bool)"),
        (feature(), [1.0], "[1.0] (a list of 1)\n  fix:      Remove one level of lists."),
        (feature(), float("inf"), "expected: a finite number"),
        (feature(), 2 * GREATEST_FLOAT, "a number that a float32 can hold"),
        (feature(), 10**400, "a number that a float32 can hold"),
        (feature("int64"), 0.5, "expected: a whole number\n  received: 0.5 (float)"),
        (feature("int64"), 2**63, "a whole number that an int64 can hold"),
        (feature("int64"), MISSING_INT, "a whole number that an int64 can hold"),
        (feature("string"), 3, "Write it as a string, as in the training records."),
        (feature("string"), "\ud800", "text that UTF-8 can encode"),
        (feature("string", multi_valued=True), "a", "Write a list, even for a single value."),
        (feature(shape=(2,)), [1.0], "Give arrays of shape [2]."),
        (feature(shape=(2, 2)), [[1, 2], [3]], "received: [3] (a list of 1)"),
        (feature(), "x" * 99, "..."),
    ],
)
def test_other_values_are_errors_that_show_them(made, value, words):
    with pytest.raises(DataError) as caught:
        made.of_record(value)
    assert str(caught.value).startswith("Row 1: the feature 'x' cannot be used.")
    assert words in str(caught.value)


def test_errors_of_steps_have_the_step():
    with pytest.raises(DataError, match=r"received: '1' \(str\) of step 2"):
        feature().of_steps([1.0, None, "1"])
    with pytest.raises(DataError, match="a list of steps, each a number"):
        feature().of_steps(1.0)
    with pytest.raises(DataError, match="the feature 'x' is missing"):
        feature().missing()


LAYOUT = ByteLayout("int16", 2)
PACKED = struct.pack("<2h", 3, -4)


@pytest.mark.parametrize(
    "value", [PACKED, {"b64": base64.b64encode(PACKED).decode()}, [3, -4], np.array([3, -4]), [3.0, -4.0]]
)
def test_numbers_in_bytes_are_given_as_bytes_in_base64_or_as_numbers(value):
    assert feature("string", layout=LAYOUT).of_record(value) == [PACKED]


@pytest.mark.parametrize(
    ("value", "fix"),
    [
        (PACKED[:3], "Correct the row."),
        ({"b64": "%%"}, "Encode the bytes in base64."),
        ([3], "Give bytes, or 2 numbers that they can hold."),
        ([3, 40_000], "Give bytes, or 2 numbers"),
        ([3, 0.5], "Give bytes, or 2 numbers"),
        (["a", "b"], "Give bytes, or 2 numbers"),
        ([[3], [1, 2]], "Give bytes, or 2 numbers"),
    ],
)
def test_bytes_that_do_not_hold_the_numbers_are_errors(value, fix):
    with pytest.raises(DataError) as caught:
        feature("string", layout=LAYOUT).of_record(value)
    assert fix in str(caught.value) and str(LAYOUT) in str(caught.value)


def test_bytes_become_text_or_base64():
    assert as_texts([b"a", ["ä".encode(), b"\xff"], 3]) == ["a", ["ä", {"b64": "/w=="}], 3]
