"""Predictions for files of rows are those for the rows in memory, with their keys."""

from __future__ import annotations

import numpy as np
import pytest

from tests.rows import frame_of
from tfx_sequences.components.rows.row_counts import RowCounts
from tfx_sequences.components.serving.loaded_model import load_model
from tfx_sequences.components.serving.row_file_prediction import predict_row_files
from tfx_sequences.errors import DataError

pytestmark = pytest.mark.tfx


@pytest.fixture(scope="module")
def model(rows_model):
    return load_model(rows_model)


@pytest.fixture
def files(tmp_path):
    frame = frame_of(300, users=20, seed=5)
    (tmp_path / "rows").mkdir()
    frame[:100].to_csv(tmp_path / "rows" / "a.csv", index=False)
    frame[100:].to_parquet(tmp_path / "rows" / "test.parquet")
    return frame, tmp_path / "rows"


def test_files_have_the_answers_of_frames(model, files):
    frame, folder = files
    expected, counts = model.predict_rows(frame), RowCounts()
    found = list(predict_row_files(model, folder, counts=counts))
    np.testing.assert_array_equal([record.outputs["scores"] for record in found], expected.outputs["scores"])
    for record, rows in zip(found, expected.rows, strict=True):
        part = frame.iloc[rows]
        assert record.group == {"user": part.user.iloc[0]} and record.times == part.ts.tolist()
    assert (counts.read, counts.files) == (300, 2)


@pytest.mark.parametrize("join", [None, "mean"])
def test_rows_that_do_not_fit_into_memory_have_the_same_answers(model, files, join, tmp_path):
    def plain(budget):
        answers = predict_row_files(model, files[1], tmp_path, join=join, budget=budget)
        return sorted((str(its.group), its.times[0], its.times[-1], its.outputs["scores"].tolist()) for its in answers)

    few, many = plain(2_000), plain(64 << 20)
    assert [line[:3] for line in few] == [line[:3] for line in many]
    # Batches of other sizes round otherwise.
    np.testing.assert_allclose([line[3] for line in few], [line[3] for line in many], rtol=1e-5)
    assert [path.name for path in tmp_path.iterdir()] == ["rows"]


def test_without_times_lines_name_the_file_and_row(model, files):
    rows = model.spec.rows.model_copy(update={"order_by": None, "session_gap": None})
    model = load_model(model.folder)
    model.spec = model.spec.model_copy(update={"rows": rows})
    first = next(predict_row_files(model, files[1]))
    assert all(time.startswith(("a.csv:", "test.parquet:")) for time in first.times)


def test_a_row_that_cannot_be_used_is_an_error(model, files, tmp_path):
    (files[1] / "b.csv").write_text("user,ts,page,spent,country,age\n" + "u1,,home,1,NO,3\n" * 5)
    with pytest.raises(DataError, match=r"5 of 305 rows(.|\n)*b.csv, line 2: no time in 'ts'"):
        list(predict_row_files(model, files[1]))
