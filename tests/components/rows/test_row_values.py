"""Columns as features: what a value becomes, and which do not fit."""

from __future__ import annotations

import datetime
import math

import pyarrow as pa
import pytest

from tfx_sequences.components.rows.row_values import StoredFeature, converted

STRING, INT, FLOAT = (StoredFeature("x", True, dtype) for dtype in ("string", "int64", "float32"))


def check(column, feature, expected, wrong=None, zone="UTC"):
    values, bad = converted(column, feature, zone)
    assert values.type == feature.arrow_type
    assert values.to_pylist() == expected
    assert bad.tolist() == (wrong or [False] * len(expected))


@pytest.mark.parametrize(
    ("column", "feature", "expected"),
    [
        (pa.array([1, None, -3], pa.int8()), INT, [1, None, -3]),
        (pa.array([True, False]), INT, [1, 0]),
        (pa.array([1.0, math.nan, 3.0]), INT, [1, None, 3]),
        (pa.array([1, 2], pa.uint64()), FLOAT, [1.0, 2.0]),
        (pa.array([0.5, None]), FLOAT, [0.5, None]),
        (pa.array([7, None]), STRING, [b"7", None]),
        (pa.array([True, None]), STRING, [b"true", None]),
        (pa.array(["a", None], pa.large_string()), STRING, [b"a", None]),
        (pa.array(["a", "", None]), STRING, [b"a", b"", None]),
        (pa.array(["a", "b", "a"]).dictionary_encode(), STRING, [b"a", b"b", b"a"]),
        (pa.array([None, None]), FLOAT, [None, None]),
        (pa.array(["9007199254740993", "3.0", ""]), INT, [9007199254740993, 3, None]),
        (pa.array([b"1.5", b"+2", b" 3 ", None]), FLOAT, [1.5, 2.0, 3.0, None]),
        (pa.array([[5], [], None]), INT, [5, None, None]),
        (pa.array([datetime.datetime(1970, 1, 1, 0, 1)]), INT, [60]),
        (pa.array(["1970-01-01 00:01:00"]), INT, [60]),
        (pa.array([datetime.date(2024, 5, 1)]), STRING, [b"2024-05-01"]),
        (pa.array([datetime.datetime(2024, 5, 1, 12, 30, 5, 7)]), STRING, [b"2024-05-01T12:30:05"]),
    ],
)
def test_values_become_those_of_the_feature(column, feature, expected):
    check(column, feature, expected)


@pytest.mark.parametrize(
    ("column", "feature", "expected", "wrong"),
    [
        (pa.array(["1", "x"]), INT, [1, None], [False, True]),
        (pa.array(["1.5"]), INT, [None], [True]),
        (pa.array([1.5, 2.0]), INT, [None, 2], [True, False]),
        (pa.array(["1970-02-30", "1970-01-02"]), INT, [None, 86400], [True, False]),
        (pa.array([[1, 2], [3]]), INT, [None, 3], [True, False]),
        (pa.array([{"a": 1}, None]), FLOAT, [None, None], [True, False]),
        (pa.array([b"\xff", b"2"]), FLOAT, [None, 2.0], [True, False]),
    ],
)
def test_what_does_not_fit_is_marked(column, feature, expected, wrong):
    check(column, feature, expected, wrong)


def test_lists_have_the_size_of_the_shape():
    feature = StoredFeature("x", True, "float32", size=2)
    check(pa.array([[1.0, 2.0], None, [3.0]]), feature, [[1.0, 2.0], [], []], [False, False, True])
    nested = pa.array([[[1.0], [2.0]], [[3.0], [4.0]]])
    check(nested, feature, [[1.0, 2.0], [3.0, 4.0]])
    check(nested.slice(1), feature, [[3.0, 4.0]])


def test_lists_of_any_length():
    feature = StoredFeature("x", True, "string", size=None)
    check(pa.array([["a", "b"], [], None]), feature, [[b"a", b"b"], [], []])
    check(pa.array(["a", None]), feature, [[b"a"], []])
    check(pa.array([["a", None], ["c"]]), feature, [[b"a", None], [b"c"]], [True, False])


def test_times_have_the_unit_of_the_feature():
    feature = StoredFeature("x", True, "int64", unit="ms")
    check(pa.array(["2024-01-01T01:00:00"]), feature, [1704067200000], zone="Europe/Oslo")
    # Numbers are stored as they are.
    check(pa.array(["5"]), feature, [5])
