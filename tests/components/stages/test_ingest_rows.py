"""SequenceRowsGen writes the records of `ingest`, split by split, and in the same order in every run."""

from __future__ import annotations

import pytest
from apache_beam.io.gcp.bigquery import ReadFromBigQuery

from tests.components.rows.test_ingestion import records_in
from tests.components.stages.ingested import ingest_rows
from tests.rows import WINDOWS, frame_of, spec_of
from tfx_sequences.components.rows.ingestion import ingest
from tfx_sequences.components.stages.ingest_rows import check_splits, query_source, rows_gen
from tfx_sequences.errors import DataError


def test_its_splits_are_those_of_ingest(tmp_path):
    frame, spec = frame_of(700, users=40), spec_of(WINDOWS)
    (tmp_path / "rows" / "more").mkdir(parents=True)
    frame[:300].to_csv(tmp_path / "rows" / "a.csv", index=False)
    frame[300:].to_parquet(tmp_path / "rows" / "more" / "b.parquet")
    ingest(spec, tmp_path / "rows", tmp_path / "out")
    first = ingest_rows(tmp_path / "rows", spec, tmp_path / "one")
    assert {name: sorted(its) for name, its in first.items()} == records_in(tmp_path / "out")
    assert ingest_rows(tmp_path / "rows", spec, tmp_path / "two") == first


def test_other_files_than_expected_are_an_error():
    check_splits(("train", "test"), {"test", "train"})
    with pytest.raises(DataError, match=r"expected: test, train(.|\n)*received: train"):
        check_splits(("train", "test"), {"train"})


def test_bigquery_is_read_by_beams_own_source():
    spec = spec_of("{group_by: [user], order_by: ts, format: bigquery}")
    component = rows_gen("project.dataset.visits", spec, ("train",), "")
    assert component.id == "SequenceRowsGen"
    assert isinstance(query_source("project.dataset.visits"), ReadFromBigQuery)
    # What reads is not built before the pipeline is: that needs a project.


def test_bigquery_is_an_error_on_this_machine(tmp_path):
    with pytest.raises(DataError, match="Rows of BigQuery are not read on this machine"):
        ingest(spec_of("{group_by: [user], order_by: ts, format: bigquery}"), "p.d.t", tmp_path / "out")
