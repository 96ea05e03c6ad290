"""Answers to bodies, without HTTP."""

import json

import pytest

from tests.everything import plain_records
from tfx_sequences.components.serving.loaded_model import load_model
from tfx_sequences.components.serving.requests import make_rest_body
from tfx_sequences.pipeline.rest.rest_answers import Answers, check_model, metadata_of, status_of
from tfx_sequences.pipeline.rest.rest_limits import Limits, RestError

CONTEXT, SEQUENCE = plain_records()[5]


@pytest.fixture(scope="module")
def model(exported_everything):
    return load_model(exported_everything[1])


def test_an_answer_is_the_models_and_its_work_is_counted(model):
    found = []
    row = {**CONTEXT, **SEQUENCE}
    body = json.dumps(make_rest_body(row, model.spec)).encode()
    answer = json.loads(Answers(model, Limits(), found.append).of("predict", body))
    assert answer["outputs"]["scores"] == model.predict(row)["scores"].tolist()
    assert [(work.rows, work.steps) for work in found] == [(1, 5)]


def test_a_refused_request_is_not_counted(model):
    found = []
    with pytest.raises(RestError, match="1 rows; at most 0"):
        Answers(model, Limits(rows=0), found.append).of("predict", b'{"instances": ["x"]}')
    assert found == []


def test_the_model_is_the_one_that_is_served(model):
    check_model(model, "m", "m", None)
    check_model(model, "m", "m", "7")
    for name, version in (("n", None), ("m", "8")):
        with pytest.raises(RestError) as caught:
            check_model(model, "m", name, version)
        assert caught.value.status == 404
    assert status_of(model)["model_version_status"][0]["version"] == "7"
    metadata = metadata_of(model, "m")
    assert metadata["model_spec"]["name"] == "m"
    assert set(metadata["metadata"]["signature_def"]["signature_def"]) == set(model.signatures)
