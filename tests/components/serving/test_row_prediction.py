"""Answers for rows are those for the records that training would make of them."""

from __future__ import annotations

import numpy as np
import pytest

from tests.everything import analyzed, exported
from tests.rows import frame_of, spec_of
from tfx_sequences.components.records.framing import read_records
from tfx_sequences.components.rows.frames import records_from_rows
from tfx_sequences.components.rows.ingestion import ingest
from tfx_sequences.components.serving import row_prediction
from tfx_sequences.components.serving.loaded_model import load_model
from tfx_sequences.components.serving.names import EXAMPLES, SERVING_SIGNATURE
from tfx_sequences.errors import DataError, SpecError

ROWS = "{group_by: [user], order_by: ts, session_gap: 30m, window: {steps: 6, stride: 3}}"


def records_of(frame):
    """Context and sequence values of users, for the analysis."""
    for user, rows in frame.sort_values("ts").groupby("user"):
        last = rows.iloc[-1]
        context = {"user": user, "country": last.country, "age": int(last.age), "bought": last.bought}
        yield context, {name: rows[name].tolist() for name in ("page", "spent", "ts")}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder, spec = tmp_path_factory.mktemp("rows"), spec_of(ROWS)
    of = analyzed(spec, list(records_of(frame_of(300, users=30))), folder)
    return load_model(exported(of, folder / "model")[1])


def test_rows_and_ingested_records_have_the_same_answers(model, tmp_path, monkeypatch):
    monkeypatch.setattr(row_prediction, "_BATCH", 7)
    frame = frame_of(400, users=60, seed=1)
    frame.to_csv(tmp_path / "rows.csv", index=False)
    ingest(model.spec, tmp_path / "rows.csv", tmp_path / "records")
    stored = [record for path in (tmp_path / "records").iterdir() for record in read_records(path)]
    expected = dict(
        zip(stored, model.run(SERVING_SIGNATURE, {EXAMPLES: np.array(stored, object)})["scores"], strict=True)
    )
    found = model.predict_rows(frame)
    # The label is not read, but the records are otherwise those of training, in the same order.
    records = records_from_rows(frame, model.spec)
    assert len(found.outputs["scores"]) == len(records) == len(expected)
    for record, scores in zip(records, found.outputs["scores"], strict=True):
        np.testing.assert_allclose(scores, expected[record], rtol=1e-5)
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
    joined = row_prediction._joined([np.ones((1, 2)), np.ones((1, 3))])
    assert joined.tolist() == [[1, 1, 0], [1, 1, 1]]
    texts = row_prediction._joined([np.array([[b"a"]], object), np.array([[b"b", b"c"]], object)])
    assert texts.tolist() == [[b"a", b""], [b"b", b"c"]]


def test_a_model_without_rows_in_its_spec_refuses_them(model):
    with pytest.raises(SpecError, match="does not say how rows become records"):
        row_prediction.predict_rows(model.run, model.spec.model_copy(update={"rows": None}), [])
