"""Rows to records with Beam: the records of `ingest`, in any order, and its errors."""

from __future__ import annotations

import apache_beam as beam
import pytest
from apache_beam.testing.util import assert_that, equal_to

from tests.components.rows.test_ingestion import records_in
from tests.rows import WINDOWS, frame_of, parts_of, spec_of
from tfx_sequences.components.rows.ingestion import ingest
from tfx_sequences.components.rows.row_files import find_row_files
from tfx_sequences.components.rows.row_plan import RowPlan
from tfx_sequences.components.stages.rows_transform import (
    ReadRows,
    RecordsOfRowFiles,
    RecordsOfRows,
    RowsOfQuery,
    kinds_of,
    shards_of,
)
from tfx_sequences.errors import DataError

BY_TIME = "splits: {time: ts, valid_from: 1700100000, test_from: 1700150000}"


def write(frame, folder):
    """Rows in files of two formats, each with rows of every user."""
    folder.mkdir()
    frame[::2].to_csv(folder / "a.csv.gz", index=False)
    frame[1::2].to_parquet(folder / "b.parquet")
    return folder


def compare(spec, expected, make):
    """Runs `make(pipeline)`, and compares its records with those of each split."""
    with beam.Pipeline("FnApiRunner") as pipeline:
        records = make(pipeline)
        assert {*records} == {*expected}
        for split, its in records.items():
            assert_that(its, equal_to(expected[split]), label=split)


def of_files(spec, folder, with_files=("train",)):
    plan = RowPlan.of(spec)
    files = find_row_files(folder, spec.splits)
    transform = RecordsOfRows(spec, with_files, kinds_of(files, plan), shards=5)
    return lambda pipeline: pipeline | ReadRows(files, plan) | transform


@pytest.mark.parametrize("splits", ["", BY_TIME, "splits: {group: age}"])
def test_the_records_are_those_without_beam(tmp_path, splits):
    frame, spec = frame_of(700, users=40), spec_of(WINDOWS, splits)
    ingest(spec, write(frame, tmp_path / "rows"), tmp_path / "out")
    compare(spec, records_in(tmp_path / "out"), of_files(spec, tmp_path / "rows"))


def test_files_of_splits_are_not_divided(tmp_path):
    frame, spec = frame_of(300), spec_of(WINDOWS)
    (tmp_path / "rows").mkdir()
    for name, part in zip(("train", "valid", "test"), parts_of(frame, 3), strict=True):
        part.to_json(tmp_path / "rows" / f"{name}.jsonl", orient="records", lines=True)
    ingest(spec, tmp_path / "rows", tmp_path / "out")
    compare(spec, records_in(tmp_path / "out"), of_files(spec, tmp_path / "rows", ("train", "valid", "test")))


def test_a_folder_alone_is_enough(tmp_path):
    frame, spec = frame_of(300, users=40), spec_of()
    ingest(spec, write(frame, tmp_path / "rows"), tmp_path / "out")
    transform = RecordsOfRowFiles(spec, tmp_path / "rows")
    assert transform.splits_with_files == {"train"}
    compare(spec, records_in(tmp_path / "out"), lambda pipeline: pipeline | transform)


def test_rows_of_a_query_give_the_same_records(tmp_path):
    # The times are distinct: rows of a query do not have an order of their own.
    frame, spec = frame_of(500, users=40), spec_of(WINDOWS)
    frame.to_parquet(tmp_path / "rows.parquet")
    ingest(spec, tmp_path / "rows.parquet", tmp_path / "out")
    rows = frame.to_dict("records")
    compare(
        spec,
        records_in(tmp_path / "out"),
        lambda pipeline: pipeline | beam.Create(rows) | RowsOfQuery() | RecordsOfRows(spec),
    )


BAD = {
    "too many rows that cannot be used": (lambda frame: frame.assign(user=None), "300 of 300 rows cannot be used"),
    "a missing column": (lambda frame: frame.drop(columns="page"), "No row has the column 'page'"),
    "a split without records": (lambda frame: frame.assign(user="u1"), "The split '(valid|test)'"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_an_error_without_beam_is_one_here(tmp_path, name):
    change, words = BAD[name]
    spec = spec_of()
    write(change(frame_of(300)), tmp_path / "rows")
    with pytest.raises(DataError, match=words):
        ingest(spec, tmp_path / "rows", tmp_path / "out")
    with pytest.raises(Exception, match=words), beam.Pipeline("FnApiRunner") as pipeline:
        of_files(spec, tmp_path / "rows")(pipeline)


def test_some_bad_rows_are_left_out(tmp_path):
    frame, spec = frame_of(600, users=40), spec_of()
    frame.loc[3, "user"] = None
    ingest(spec, write(frame, tmp_path / "rows"), tmp_path / "out")
    compare(spec, records_in(tmp_path / "out"), of_files(spec, tmp_path / "rows"))


def test_the_number_of_parts_follows_the_size(tmp_path):
    files = find_row_files(write(frame_of(50), tmp_path / "rows"), spec_of().splits)
    assert shards_of(files) == 16 and shards_of(files * 10**5) > 16
