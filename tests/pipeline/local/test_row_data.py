"""A run that begins with rows."""

from __future__ import annotations

import os

import pytest

from tests.records import sequence_example, write_records
from tests.rows import frame_of, spec_of
from tfx_sequences.components.records.framing import check_framing
from tfx_sequences.errors import DataError
from tfx_sequences.pipeline.local.row_data import has_rows, records_of_rows


@pytest.fixture
def rows(tmp_path):
    (tmp_path / "rows").mkdir()
    frame_of(600, users=60).to_csv(tmp_path / "rows" / "a.csv", index=False)
    return tmp_path / "rows"


def test_rows_are_read_once_and_again_after_an_edit(tmp_path, rows):
    folder, counts = records_of_rows(spec_of(), rows, tmp_path / "records")
    written = sum(check_framing(path) for path in folder.iterdir())
    assert (counts.read, counts.records.total()) == (600, written)
    assert records_of_rows(spec_of(), rows, tmp_path / "records") == (folder, None)
    # The model does not matter for records; sessions and the rows do.
    other, counts = records_of_rows(spec_of(more="model: {units: [3]}"), rows, tmp_path / "records")
    assert (other, counts) == (folder, None)
    cut, counts = records_of_rows(
        spec_of("{group_by: [user], order_by: ts, session_gap: 1h}"), rows, tmp_path / "records"
    )
    assert cut != folder and counts.records.total() > written
    os.utime(rows / "a.csv", ns=(1, 1))
    assert records_of_rows(spec_of(), rows, tmp_path / "records")[1].read == 600


def test_a_single_file_is_enough(tmp_path, rows):
    assert records_of_rows(spec_of(), rows / "a.csv", tmp_path / "records")[1].read == 600


def test_records_stay_as_they_are(tmp_path, rows):
    write_records(tmp_path / "data" / "train.tfrecord", [sequence_example({"a": 1})])
    assert records_of_rows(spec_of(), tmp_path / "data", tmp_path / "records") == (tmp_path / "data", None)
    assert not has_rows(spec_of().model_copy(update={"rows": None}), rows)
    assert not has_rows(spec_of(), tmp_path / "nothing")
    assert not (tmp_path / "records").exists()


def test_rows_that_cannot_be_used_write_nothing(tmp_path, rows):
    (rows / "a.csv").write_text("user,ts\n,1\n")
    with pytest.raises(DataError):
        records_of_rows(spec_of(), rows, tmp_path / "records")
    assert not any((tmp_path / "records").rglob("*.tfrecord"))
