"""Answers for rows are those for the records that training would make of them."""

from __future__ import annotations

import numpy as np
import pytest

from tests.rows import frame_of
from tfx_sequences.components.records.framing import read_records
from tfx_sequences.components.rows.frames import records_from_rows
from tfx_sequences.components.rows.ingestion import ingest
from tfx_sequences.components.serving import row_prediction
from tfx_sequences.components.serving.loaded_model import load_model
from tfx_sequences.components.serving.names import EXAMPLES, SERVING_SIGNATURE
from tfx_sequences.errors import DataError, SpecError

pytestmark = pytest.mark.tfx


@pytest.fixture(scope="module")
def model(rows_model):
    return load_model(rows_model)


def test_rows_and_ingested_records_have_the_same_answers(model, tmp_path, monkeypatch):
    monkeypatch.setattr(row_prediction, "_BATCH", 7)
    frame = frame_of(400, users=60, seed=1)
    frame.to_csv(tmp_path / "rows.csv", index=False)
    ingest(model.spec, tmp_path / "rows.csv", tmp_path / "records")
    stored = [record for path in (tmp_path / "records").iterdir() for record in read_records(path)]
    found = model.predict_rows(frame)
    # The label is not read, but the records are otherwise those of training, in the same order.
    records = list(records_from_rows(frame, model.spec))
    assert sorted(records) == sorted(stored)
    # In equal batches, so that every bit is the same.
    batches = [np.array(records[first : first + 7], object) for first in range(0, len(records), 7)]
    expected = np.concatenate([model.run(SERVING_SIGNATURE, {EXAMPLES: batch})["scores"] for batch in batches])
    np.testing.assert_array_equal(found.outputs["scores"], expected)
    assert found.counts.in_records == 400


def test_each_answer_names_its_rows(model):
    frame = frame_of(50, users=5, seed=2)
    found = model.predict_rows(frame)
    for rows in found.rows:
        part = frame.iloc[rows]
        assert part.user.nunique() == 1 and part.ts.is_monotonic_increasing and len(part) <= 6
    assert {*np.concatenate(found.rows)} == {*range(50)}


def test_labels_and_ids_are_not_needed_and_features_are(model):
    frame = frame_of(50, seed=2)
    expected = model.predict_rows(frame).outputs["scores"]
    np.testing.assert_array_equal(model.predict_rows(frame.drop(columns="bought")).outputs["scores"], expected)
    np.testing.assert_array_equal(model.predict_rows(frame.assign(bought=None)).outputs["scores"], expected)
    with pytest.raises(DataError, match="No row has the column 'page'"):
        model.predict_rows(frame.drop(columns="page"))


def test_no_rows_have_no_answers(model):
    found = model.predict_rows([])
    assert (found.outputs, found.rows) == ({}, [])


def test_steps_are_padded_to_the_longest_record():
    joined = row_prediction._stacked([np.ones((1, 2)), np.ones((1, 3))])
    assert joined.tolist() == [[1, 1, 0], [1, 1, 1]]
    texts = row_prediction._stacked([np.array([[b"a"]], object), np.array([[b"b", b"c"]], object)])
    assert texts.tolist() == [[b"a", b""], [b"b", b"c"]]


def test_a_model_without_rows_in_its_spec_refuses_them(model):
    with pytest.raises(SpecError, match="does not say how rows become records"):
        row_prediction.predict_rows(model.run, model.spec.model_copy(update={"rows": None}), [])


@pytest.mark.parametrize("join", ["mean", "max", "vote"])
def test_windows_of_a_session_are_joined(model, join):
    frame = frame_of(200, users=2, seed=3)
    windows, found = model.predict_rows(frame), model.predict_rows(frame, join=join)
    classes = windows.outputs["classes"][0]
    ordered = frame.sort_values(["user", "ts"])
    session = ((ordered.user != ordered.user.shift()) | (ordered.ts.diff() > 1800)).cumsum().sort_index()
    of_windows = session.to_numpy()[[rows[0] for rows in windows.rows]]
    assert len(found.rows) == session.nunique() < len(windows.rows)
    for place, rows in enumerate(found.rows):
        number = session[rows[0]]
        assert rows.tolist() == ordered.index[session[ordered.index] == number].tolist()
        scores = windows.outputs["scores"][of_windows == number]
        if join == "vote":
            scores = np.eye(len(classes))[scores.argmax(1)]
        expected = scores.max(0) if join == "max" else scores.mean(0)
        np.testing.assert_allclose(found.outputs["scores"][place], expected, rtol=1e-6)
        assert found.outputs["predicted_class"][place] == classes[found.outputs["scores"][place].argmax()]
