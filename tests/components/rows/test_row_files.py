"""Which files have rows, of which split and format."""

from __future__ import annotations

import gzip

import pytest
import tensorflow as tf

from tfx_sequences.components.records.paths import path_of
from tfx_sequences.components.rows.row_files import find_row_files, opened_rows
from tfx_sequences.errors import DataError
from tfx_sequences.schemas.spec.splits import Splits


def found(folder, **options):
    files = find_row_files(folder, options.pop("splits", Splits()), **options)
    return {str(file.path.relative_to(folder)): (file.format, file.split, file.delimiter) for file in files}


def test_files_by_their_names(tmp_path):
    for name in ("b.csv.gz", "a/x.parquet", "t.TSV", "test.jsonl", "val-1.csv", "notes.md", "_SUCCESS", ".hidden.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("a\n")
    assert found(tmp_path) == {
        "a/x.parquet": ("parquet", "train", ","),
        "b.csv.gz": ("csv", "train", ","),
        "t.TSV": ("csv", "train", "\t"),
        "test.jsonl": ("jsonl", "test", ","),
        "val-1.csv": ("csv", "valid", ","),
    }


def test_the_spec_may_say_format_delimiter_and_patterns(tmp_path):
    for name in ("x.log", "last.log"):
        (tmp_path / name).write_text("a\n")
    splits = Splits(test="last*")
    assert found(tmp_path, format="csv", delimiter=";", splits=splits) == {
        "last.log": ("csv", "test", ";"),
        "x.log": ("csv", "train", ";"),
    }


def test_one_file_is_of_train_whatever_its_name(tmp_path):
    path = tmp_path / "test.csv"
    path.write_text("a\n")
    [file] = find_row_files(path, Splits())
    assert (file.split, file.size) == ("train", 2)


@pytest.mark.parametrize("names", [(), ("a.tfrecord",)])
def test_a_folder_without_rows_is_an_error(tmp_path, names):
    for name in names:
        (tmp_path / name).write_text("")
    with pytest.raises(DataError, match="No file of rows was found in"):
        find_row_files(tmp_path, Splits())
    with pytest.raises(DataError, match="neither a file nor a folder"):
        find_row_files(tmp_path / "no", Splits())


@pytest.mark.parametrize("scheme", ["", "ram://"])
def test_files_are_decompressed_by_what_they_hold(tmp_path, scheme):
    path = path_of(f"{scheme}{tmp_path}/misnamed.csv")
    tf.io.gfile.makedirs(str(path.parent))
    with tf.io.gfile.GFile(str(path), "wb") as file:
        file.write(gzip.compress(b"one") + gzip.compress(b"two"))
    with opened_rows(path) as stream:
        assert stream.read() == b"onetwo"
