"""CSV files against Python's own csv."""

from __future__ import annotations

import bz2
import csv
import gzip

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfx_sequences.components.rows.csv_rows import line_of, read_csv, read_header
from tfx_sequences.components.rows.row_files import RowFile
from tfx_sequences.errors import DataError


def rows_of(path, columns, **options):
    file = RowFile(path, "csv", delimiter=options.pop("delimiter", ","))
    found, broken = {}, {}
    for some in read_csv(file, columns, **options):
        for place, row in zip(some.places.tolist(), some.table.to_pylist(), strict=True):
            found[place] = {name: value and value.decode() for name, value in row.items()}
        broken |= {place: reason for place, reason, _ in some.broken}
    return found, broken


def test_what_is_usual_in_csv(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b'\xef\xbb\xbfa,b,c\r\n1,,3\r\n\r\n"x\r\ny","say ""so""","1,5"\r\n')
    found, broken = rows_of(path, ["b", "a", "c", "z"])
    assert found == {0: {"a": "1", "b": None, "c": "3"}, 1: {"a": "x\r\ny", "b": 'say "so"', "c": "1,5"}}
    assert broken == {}


@pytest.mark.parametrize("block", [80, 1 << 20])
def test_rows_with_another_number_of_values_are_named_by_line(tmp_path, block):
    path = tmp_path / "a.csv"
    text = "a,b\n" + "".join(f"{n}\n" if n % 7 == 3 else f'{n},"two\nlines"\n' for n in range(60))
    path.write_text(text)
    found, broken = rows_of(path, ["a", "b"], block=block)
    assert broken == {n: "1 values, where the header has 2" for n in range(60) if n % 7 == 3}
    assert found == {n: {"a": str(n), "b": "two\nlines"} for n in range(60) if n % 7 != 3}
    lines = text.split("\n")
    for place in (0, 3, 4, 59):
        line = line_of(RowFile(path, "csv"), place)
        assert lines[line - 1].partition(",")[0] == str(place)
    assert line_of(RowFile(path, "csv"), 60) is None


@settings(deadline=None, max_examples=40)
@given(
    st.lists(
        st.tuples(*[st.text(st.characters(codec="utf-8", exclude_characters="\x00\r"), min_size=1)] * 2), min_size=1
    )
)
def test_any_text_is_read_as_python_writes_it(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        writer.writerows([("a", "b"), *rows])
    found, broken = rows_of(path, ["a", "b"])
    assert [(row["a"], row["b"]) for row in found.values()] == rows and not broken


@pytest.mark.parametrize(("suffix", "pack"), [(".gz", gzip.compress), (".bz2", bz2.compress), ("", bytes)])
def test_compressions(tmp_path, suffix, pack):
    path = tmp_path / f"a.csv{suffix}"
    path.write_bytes(pack(b"a\tb\n1\t2\n"))
    assert rows_of(path, ["b"], delimiter="\t") == ({0: {"b": "2"}}, {})


@pytest.mark.parametrize("text", ["", "\n", "a,b", "a,b\n"])
def test_empty_files_have_no_rows(tmp_path, text):
    path = tmp_path / "a.csv"
    path.write_text(text)
    assert rows_of(path, ["a"]) == ({}, {})


def test_a_file_without_any_of_the_columns_still_has_its_rows(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("x\n1\n2\n")
    [some] = read_csv(RowFile(path, "csv"), ["a"])
    assert some.places.tolist() == [0, 1] and some.table.num_columns == 0


def test_two_columns_of_one_name_are_refused(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a,a\n1,2\n")
    with pytest.raises(DataError, match="two columns with the name 'a'"):
        read_header(RowFile(path, "csv"))


def test_a_damaged_file_is_refused(tmp_path):
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"a\n" + b"1\n" * 10_000)[:30])
    with pytest.raises(DataError, match="cannot be read"):
        rows_of(path, ["a"])


def test_bytes_that_are_not_text_are_kept(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"a\n\xff\n")
    [some] = read_csv(RowFile(path, "csv"), ["a"])
    assert some.table.to_pydict() == {"a": [b"\xff"]}
