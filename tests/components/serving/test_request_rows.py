"""Rows come out of whatever holds them, and what is no row is told with its place."""

import json

import pandas as pd
import pytest

from tfx_sequences.components.serving.request_rows import read_rows
from tfx_sequences.errors import DataError, UserInputError

ROWS = [{"age": 3.0, "token": ["a", "é"]}, {"age": 4.5, "token": []}]


def test_rows_are_read_one_by_one_in_their_order(tmp_path):
    lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS)
    (tmp_path / "rows.jsonl").write_text(f"{lines}\n\n", "utf-8")
    for source in (ROWS, iter(ROWS), tuple(ROWS), lines, tmp_path / "rows.jsonl", str(tmp_path / "rows.jsonl")):
        assert list(read_rows(source)) == ROWS
    assert list(read_rows(pd.DataFrame(ROWS))) == ROWS
    assert list(read_rows(ROWS[0])) == ROWS[:1]
    assert list(read_rows("")) == list(read_rows([])) == list(read_rows(pd.DataFrame())) == []


def test_rows_are_not_read_ahead():
    taken = []

    def source():
        for row in ROWS:
            taken.append(row)
            yield row

    assert next(read_rows(source())) == ROWS[0]
    assert taken == ROWS[:1]


@pytest.mark.parametrize(
    ("source", "error", "words"),
    [
        ('{"a": 1}\n[2]', DataError, r"Line 2 is not a JSON object\.[\s\S]*received: '\[2\]': not an object"),
        ('{"a": 1}\n\n{"b": ', DataError, r"Line 3 is not a JSON object\."),
        ('{"a": ' + "[" * 100_000, DataError, r"Line 1 is not a JSON object\."),
        ([{}, 3], DataError, r"Row 1 is not a mapping\.[\s\S]*received: 3 \(int\)"),
        ([ROWS], DataError, r"Row 0 is not a mapping\.[\s\S]*\(list\)"),
        (7, UserInputError, r"Rows cannot be read from this object\.[\s\S]*received: int"),
        (b'{"a": 1}', UserInputError, r"Rows cannot be read from this object\.[\s\S]*received: bytes"),
        (None, UserInputError, r"Rows cannot be read from this object\."),
        ("nowhere.jsonl", UserInputError, r"The rows cannot be read\.[\s\S]*nowhere\.jsonl"),
    ],
)
def test_what_is_no_row_is_told(source, error, words):
    with pytest.raises(error, match=words):
        list(read_rows(source))


def test_a_file_of_another_encoding_is_told(tmp_path):
    (tmp_path / "rows.jsonl").write_bytes('{"a": "é"}'.encode("latin-1"))
    with pytest.raises(UserInputError, match=r"cannot be read\.[\s\S]*JSON lines in UTF-8"):
        list(read_rows(tmp_path / "rows.jsonl"))
