"""JSON lines against Python's own json."""

from __future__ import annotations

import gzip
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfx_sequences.components.rows.json_rows import read_json_lines
from tfx_sequences.components.rows.row_files import RowFile


def rows_of(path, columns, **options):
    found, broken = {}, {}
    for some in read_json_lines(RowFile(path, "jsonl"), columns, **options):
        assert some.table.num_rows == len(some.places)
        found |= dict(zip(some.places.tolist(), some.table.to_pylist(), strict=True))
        broken |= {place: reason for place, reason, _ in some.broken}
    return found, broken


VALUES = {"a": st.none() | st.integers(-(2**31), 2**31), "b": st.none() | st.text(), "c": st.lists(st.floats(-1, 1))}


@settings(deadline=None, max_examples=40)
@given(st.lists(st.fixed_dictionaries(VALUES), min_size=1, max_size=20), st.sampled_from([50, 1 << 20]))
def test_any_rows_are_read_as_python_writes_them(tmp_path_factory, rows, block):
    path = tmp_path_factory.mktemp("json") / "a.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found, broken = rows_of(path, ["a", "b", "c"], block=block)
    assert list(found) == [*range(len(rows))] and not broken
    assert [found[n]["a"] for n in found] == [row["a"] for row in rows]
    assert [found[n]["b"] for n in found] == [row["b"] for row in rows]
    assert [found[n]["c"] for n in found] == [row["c"] for row in rows]


@pytest.mark.parametrize("block", [30, 1 << 20])
def test_faulty_lines_are_named_and_the_others_are_read(tmp_path, block):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"a": 1}\n\n{"a": 2\n[3]\n  \r\n{"a": 4}\r\n7\n{"a": 5}')
    found, broken = rows_of(path, ["a"], block=block)
    assert found == {0: {"a": 1}, 5: {"a": 4}, 7: {"a": 5}}
    assert broken == {2: "not JSON", 3: "JSON that is not an object", 6: "JSON that is not an object"}


def test_values_of_several_types_become_text(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": 1, "b": {"c": 1}}\n{"a": "2"}\n{"a": null}\n')
    found, broken = rows_of(path, ["a", "b.c"])
    assert [row["a"] for row in found.values()] == [b"1", b"2", None] and not broken
    assert [row["b.c"] for row in found.values()] == [1, None, None]


def test_text_that_looks_like_a_time_stays_text(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": "2024-01-01"}\n')
    assert rows_of(path, ["a"]) == ({0: {"a": "2024-01-01"}}, {})


def test_members_of_members(tmp_path):
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"a": {"b": {"c": 1}, "d": 2}}\n'))
    assert rows_of(path, ["a.b.c", "x"]) == ({0: {"a.b.c": 1}}, {})


def test_an_empty_file_has_no_rows(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text("\n")
    assert rows_of(path, ["a"]) == ({}, {})
