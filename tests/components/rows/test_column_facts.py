"""What columns hold."""

from __future__ import annotations

import datetime

import numpy as np
import pyarrow as pa
import pytest

from tfx_sequences.components.rows.column_facts import ColumnFacts


@pytest.mark.parametrize(
    ("values", "kind", "unit"),
    [
        ([1, 2, None], "int64", None),
        (["1", "2", ""], "int64", None),
        ([1.5, 2], "float32", None),
        ([1.0, None], "int64", None),
        (["1.5", "x"] + ["2"] * 100, "float32", None),
        (["a", "1"], "string", None),
        ([True, False], "int64", None),
        (["2024-01-01", "2024-01-02 10:00"], "time", None),
        ([datetime.datetime(2024, 1, 1)], "time", None),
        ([1_700_000_000, 1_700_000_001], "time", "s"),
        (["1700000000000"], "time", "ms"),
        ([None, None], "nothing", None),
        (["", " "], "nothing", None),
    ],
)
def test_kinds(values, kind, unit):
    facts = ColumnFacts.of("x", pa.array(values))
    assert (facts.kind, facts.unit) == (kind, unit)


def test_lists():
    facts = ColumnFacts.of("x", pa.array([[1.0, 2.0], [3.0, 4.0], None]))
    assert (facts.kind, facts.size, facts.item, facts.filled) == ("list", 2, "float32", 2)
    facts = ColumnFacts.of("x", pa.array([["a"], ["b", "c"]]))
    assert (facts.size, facts.item) == (None, "string")


def test_counts():
    facts = ColumnFacts.of("x", pa.array(["one word more", "b", "b", "", None]))
    assert (facts.distinct, facts.filled) == (4, 3)
    assert facts.changes(np.array([0, 1, 1, 2, 2])) == 0.5
    assert facts.changes(np.array([0, 1, 2, 3, 4])) == 0.0
