"""Requests of flat rows have the answers of `predict_rows`, exactly, and bad ones have their error."""

from __future__ import annotations

import http.client
import json

import numpy as np
import pytest

from tests.rows import frame_of
from tfx_sequences.components.serving.loaded_model import load_model
from tfx_sequences.pipeline.rest.rest_limits import Limits
from tfx_sequences.pipeline.rest.rest_server import RestServer

pytestmark = pytest.mark.tfx

LIMITS = Limits(rows=60, steps=5, padded_steps=150)
ROW = {"user": "ann", "ts": 1_700_000_000, "page": "home", "spent": 1.5, "country": "NO", "age": 30}


@pytest.fixture(scope="module")
def model(rows_model):
    return load_model(rows_model)


def call(model, body, limits=None):
    with RestServer(model, "visits", limits=limits) as server:
        connection = http.client.HTTPConnection(*server.address, timeout=120)
        connection.request("POST", "/v1/models/visits:predictRows", json.dumps(body))
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


@pytest.mark.parametrize("join", [None, "mean"])
def test_the_answers_are_those_for_rows_in_memory(model, join):
    frame = frame_of(120, users=3, seed=7).drop(columns="bought")
    # A float32 as JSON has it: the number that is written, as a float64.
    rows = json.loads(frame.to_json(orient="records", double_precision=15))
    expected = model.predict_rows(rows, join=join)
    status, answer = call(model, {"rows": rows} | ({"join": join} if join else {}))
    assert status == 200, answer
    found = answer["predictions"]
    assert [line["rows"] for line in found] == [its.tolist() for its in expected.rows]
    scores = [[line["scores"][name.decode()] for name in expected.outputs["classes"][0]] for line in found]
    np.testing.assert_array_equal(np.array(scores, np.float32), expected.outputs["scores"])
    for line in found:
        assert line["group"] == {"user": frame.user[line["rows"][0]]} and line["steps"] == len(line["rows"])
        assert (line["first"], line["last"]) == (frame.ts[line["rows"][0]], frame.ts[line["rows"][-1]])


BAD = {
    "no rows": ({}, 400, "Expected 'rows'"),
    "an empty list": ({"rows": []}, 400, "Expected 'rows'"),
    "another key": ({"rows": [ROW], "joins": "mean"}, 400, "Unknown key 'joins'. Did you mean 'join'?"),
    "a row that is a list": ({"rows": [ROW, [1]]}, 400, "rows[1] is not an object"),
    "another join": ({"rows": [ROW], "join": "median"}, 400, "'join' is 'median'"),
    "a row without a group": ({"rows": [{**ROW, "user": None}]}, 400, "no value in 'user'"),
    "a row without a feature": ({"rows": [{k: v for k, v in ROW.items() if k != "page"}]}, 400, "'page'"),
    "a value of another type": ({"rows": [{**ROW, "age": "old"}]}, 400, "'age' that is not int64"),
    "too many rows": ({"rows": [ROW] * 151}, 413, "151 rows; at most 150"),
    "too many records": ({"rows": [{**ROW, "user": f"u{n}"} for n in range(61)]}, 413, "more than 60 records"),
    "a long record": ({"rows": [ROW] * 6}, 400, "6 steps; at most 5"),
    "too much padding": ({"rows": [{**ROW, "user": f"u{max(n, 4)}"} for n in range(60)]}, 413, "steps with padding"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_request_has_its_error(model, name):
    body, status, words = BAD[name]
    received, answer = call(model, body, LIMITS)
    assert (received, list(answer)) == (status, ["error"]) and words in answer["error"], answer
