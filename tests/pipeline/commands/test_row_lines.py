"""`tfx-sequences predict` with files of rows."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from tests.rows import frame_of
from tfx_sequences.components.serving.loaded_model import load_model
from tfx_sequences.errors import UserInputError
from tfx_sequences.pipeline.commands.cli import main
from tfx_sequences.pipeline.commands.row_lines import Join, check_row_options

pytestmark = pytest.mark.tfx


@pytest.fixture
def rows(tmp_path):
    frame = frame_of(300, users=20, seed=9)
    frame.iloc[:1] = frame.iloc[:1].assign(user=None)
    frame.to_parquet(tmp_path / "rows.parquet")
    return frame


@pytest.mark.parametrize("name", ["out.jsonl", "out.parquet"])
@pytest.mark.parametrize("join", [[], ["--join", "max"]])
def test_lines_have_keys_and_the_answers_of_rows_in_memory(rows_model, rows, tmp_path, capfd, name, join):
    words = ["predict", str(rows_model), str(tmp_path / "rows.parquet"), "-o", str(tmp_path / name), *join]
    assert main(words) == 0, capfd.readouterr().err
    said = capfd.readouterr().err
    assert "1 of 300 rows are not in records: no value in 'user' (1)" in said and "row 0: no value in 'user'" in said
    expected = load_model(rows_model).predict_rows(rows, join=join[-1] if join else None)
    if name.endswith("jsonl"):
        found = [json.loads(line) for line in (tmp_path / name).read_text().splitlines()]
    else:
        found = pd.read_parquet(tmp_path / name).to_dict("records")
        found = [{**line, "scores": {each["class"]: each["score"] for each in line["scores"]}} for line in found]
    scores = [[line["scores"][n.decode()] for n in expected.outputs["classes"][0]] for line in found]
    np.testing.assert_array_equal(np.array(scores, np.float32), expected.outputs["scores"])
    assert [(line["group"]["user"], line["first"], line["last"], line["steps"]) for line in found] == [
        (rows.user[its[0]], rows.ts[its[0]], rows.ts[its[-1]], len(its)) for its in expected.rows
    ]


@pytest.mark.parametrize("option", [["--top-k", "1"], ["--no-scores"]])
def test_lines_have_fewer_scores_on_request(rows_model, rows, tmp_path, capfd, option):
    words = ["predict", str(rows_model), str(tmp_path / "rows.parquet")]
    assert main(words) == 0
    whole = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert main([*words, *option]) == 0
    found = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    for line in whole:
        best = {line["predicted_class"]: max(line.pop("scores").values())}
        if option == ["--top-k", "1"]:
            line["scores"] = best
    assert found == whole and len(found) > 10


def test_scores_are_not_both_asked_for_and_left_out(rows_model, rows, tmp_path, capfd):
    words = ["predict", str(rows_model), str(tmp_path / "rows.parquet"), "--top-k", "2", "--no-scores"]
    assert main(words) == 2
    assert "use one of them" in capfd.readouterr().err


def test_a_limit_is_a_number_of_records(rows_model, rows, tmp_path, capfd):
    assert main(["predict", str(rows_model), str(tmp_path / "rows.parquet"), "--limit", "3"]) == 0
    assert len(capfd.readouterr().out.splitlines()) == 3


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((False, None, Join.mean, False), "only if the data are rows"),
        ((True, None, None, True), "Beam predicts records, not rows"),
    ],
)
def test_options_that_do_not_fit(options, words):
    with pytest.raises(UserInputError, match=words):
        check_row_options(*options)


def test_rows_are_not_written_as_records(tmp_path):
    check_row_options(True, tmp_path / "a.parquet", Join.vote, False)
    with pytest.raises(UserInputError, match=r"received: a\.tfrecord\.gz"):
        check_row_options(True, tmp_path / "a.tfrecord.gz", None, False)
