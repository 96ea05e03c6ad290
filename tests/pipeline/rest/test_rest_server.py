"""The server for development: answers as the model, and every bad request has its error."""

import base64
import concurrent.futures
import http.client
import json

import numpy as np
import pytest

from tests.everything import everything_spec, plain_records
from tests.records import example, sequence_example
from tfx_sequences.components.serving.loaded_model import load_model
from tfx_sequences.components.serving.requests import make_rest_body, serialize_rows
from tfx_sequences.pipeline.rest.rest_limits import Limits
from tfx_sequences.pipeline.rest.rest_server import RestServer

MODEL = "/v1/models/everything"
LIMITS = Limits(body_bytes=1 << 20, rows=50, steps=20, padded_steps=800)
SPEC = everything_spec()
ROWS = [{**context, **sequence} for context, sequence in plain_records()]


@pytest.fixture(scope="module")
def model(exported_everything):
    # The folder of versions: the newest is meant.
    return load_model(exported_everything[1].parent)


@pytest.fixture(scope="module")
def server(model):
    with RestServer(model, "everything", limits=LIMITS) as running:
        yield running


def call(server, body, path=f"{MODEL}:predict", method="POST", **headers):
    connection = http.client.HTTPConnection(*server.address, timeout=120)
    try:
        data = body if body is None or isinstance(body, bytes) or hasattr(body, "__next__") else json.dumps(body)
        connection.request(method, path, data, headers, encode_chunked=hasattr(body, "__next__"))
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def record(**changes):
    return in_base64(serialize_rows({**ROWS[5], **changes}, SPEC)[0])


def in_base64(data):
    return {"b64": base64.b64encode(data).decode()}


@pytest.mark.parametrize("signature_name", ["serving_default", "serving_tensors", "transform_features"])
def test_outputs_are_those_of_the_model(server, model, signature_name):
    status, answer = call(server, make_rest_body(ROWS, model.spec, signature_name=signature_name))
    assert status == 200, answer
    for name, expected in model.predict(ROWS, signature_name=signature_name).items():
        texts = expected.dtype == object
        np.testing.assert_array_equal(
            answer["outputs"][name], np.char.decode(expected.astype(bytes)) if texts else expected
        )


def test_rows_are_answered_by_row_under_a_name_or_without(server, model):
    expected = model.predict(ROWS[5])
    for instance in (record(), {"examples": record()}):
        status, answer = call(server, {"instances": [instance]}, f"{MODEL}/versions/7:predict")
        assert status == 200, answer
        [row] = answer["predictions"]
        assert row["scores"] == expected["scores"][0].tolist() and row["classes"] == ["good", "bad"]
    columns = make_rest_body(ROWS[5], model.spec, signature_name="serving_tensors")["inputs"]
    instance = {name: column[0] for name, column in columns.items()}
    status, answer = call(server, {"signature_name": "serving_tensors", "instances": [instance]})
    assert status == 200, answer
    assert answer["predictions"][0]["scores"] == expected["scores"][0].tolist()


def test_no_rows_give_an_empty_answer(server):
    status, answer = call(server, {"inputs": {"examples": []}})
    assert (status, answer["outputs"]["scores"]) == (200, [])


def test_status_and_metadata_are_told(server):
    status, answer = call(server, None, MODEL, "GET")
    [version] = answer["model_version_status"]
    assert (status, version["version"], version["state"]) == (200, "7", "AVAILABLE")
    status, answer = call(server, None, f"{MODEL}/metadata", "GET")
    assert status == 200 and answer["model_spec"]["name"] == "everything"
    signatures = answer["metadata"]["signature_def"]["signature_def"]
    place = signatures["serving_tensors"]["inputs"]["place"]
    assert place["dtype"] == "DT_FLOAT" and [d["size"] for d in place["tensor_shape"]["dim"]] == ["-1", "2"]


def of_tensors(**changes):
    request = make_rest_body(ROWS[5], SPEC, signature_name="serving_tensors")
    return {**request, "inputs": {**request["inputs"], **changes}}


def without(name):
    request = of_tensors()
    del request["inputs"][name]
    return request


def unequal_lengths():
    context, sequence = plain_records()[5]
    return sequence_example(context, {**sequence, "price": sequence["price"][:1]})


def chunks(number):
    for _ in range(number):
        yield b" " * (1 << 20)


def instances(*given, **more):
    return {"instances": list(given), **more}


# Name: what is sent (a function, so that only its own test pays for it), the status, and words of the error.
BAD = {
    "empty body": (lambda: b"", 400, "The body is empty"),
    "bad JSON": (lambda: b'{"instances": [', 400, "is not JSON"),
    "JSON of another encoding": (lambda: '{"inputs": "é"}'.encode("latin-1"), 400, "is not UTF-8"),
    "JSON with a number too long": (lambda: b'{"inputs": ' + b"9" * 5000 + b"}", 400, "is not JSON"),
    "deep nesting": (lambda: b"[" * 200_000, 400, "nested too deeply"),
    "a list as body": (lambda: b"[1]", 400, "The body is a list of 1"),
    "100 MB at once": (lambda: b" " * (100 << 20), 413, "at most 1048576 bytes"),
    "100 MB in chunks": (lambda: chunks(100), 413, "at most 1048576 bytes"),
    "neither rows nor columns": (dict, 400, "received neither"),
    "rows and columns": (lambda: {"instances": [1], "inputs": [1]}, 400, "received both"),
    "unknown key": (lambda: {"instance": [1]}, 400, "Did you mean 'instances'?"),
    "signature name of another type": (lambda: instances(record(), signature_name=3), 400, "'signature_name' is 3"),
    "unknown signature": (
        lambda: instances(record(), signature_name="serving_defalt"),
        400,
        "Did you mean 'serving_default'?",
    ),
    "signature that the spec cannot have": (
        lambda: instances(record(), signature_name="serving_example"),
        400,
        "'genres' has any number of values per step",
    ),
    "no rows by row": (lambda: instances(), 400, "at least one row"),
    "rows that are no list": (lambda: {"instances": {"b64": ""}}, 400, "'instances' is an object"),
    "too many rows": (lambda: instances(*[record()] * 51), 400, "51 rows; at most 50"),
    "too many rows in columns": (lambda: {"inputs": [record()] * 51}, 400, "51 rows; at most 50"),
    "too many steps in a record": (
        lambda: instances(in_base64(sequence_example({}, {"lpc": [[0.0] * 3] * 21}).SerializeToString())),
        400,
        "21 steps; at most 20",
    ),
    "too many steps in a tensor": (lambda: of_tensors(price=[[0.0] * 21]), 400, "'price' has 21 steps; at most 20"),
    "too many steps in all, padded": (
        lambda: instances(*[record()] * 45, in_base64(sequence_example({}, {"price": [0.0] * 20}).SerializeToString())),
        413,
        "46 rows, and the longest one has 20 steps: 920 steps with padding. At most 800 are allowed",
    ),
    "too many steps in all of a tensor": (lambda: of_tensors(price=[[0.0] * 20] * 45), 413, "900 steps with padding"),
    "an integer of 401 digits": (lambda: of_tensors(price=[[10**400]]), 400, "a number that a float32 can hold"),
    "named and plain rows": (
        lambda: instances(record(), {"examples": record()}),
        400,
        "which differs from the first row",
    ),
    "unknown input": (lambda: instances({"example": record()}), 400, "Did you mean 'examples'?"),
    "bad base64": (lambda: instances({"b64": "%%%"}), 400, "expected base64"),
    "base64 of another type": (lambda: instances({"b64": 3}), 400, 'expected a string, or {"b64": "..."}'),
    "a number as record": (lambda: instances(3), 400, "'examples'[0] is 3; expected a string"),
    "no record": (lambda: instances(in_base64(b"\xff\xfe garbage")), 400, "Row 0 is not a record"),
    "the second is no record": (lambda: instances(record(), in_base64(b"\x0a\x05\xff")), 400, "Row 1 is not a record"),
    "record of the other kind": (
        lambda: instances(in_base64(example({"place": [1.0, 2.0], "price": [1.0]}).SerializeToString())),
        400,
        "Row 0 is a tf.Example",
    ),
    "record without a required feature": (
        lambda: instances(in_base64(sequence_example({}, {}).SerializeToString())),
        400,
        "place",
    ),
    "record with another dtype": (
        lambda: instances(in_base64(sequence_example({"place": [1, 2]}, {}).SerializeToString())),
        400,
        "place",
    ),
    "record of unequal lengths": (
        lambda: instances(in_base64(unequal_lengths().SerializeToString())),
        400,
        "different numbers of steps",
    ),
    "steps of another size": (lambda: of_tensors(lpc=[[[1.0]] * 5]), 400, "expected 3, because the shape is [?, ?, 3]"),
    "missing input": (lambda: without("sequence_length"), 400, "lacks the input 'sequence_length'"),
    "ragged rows": (lambda: of_tensors(place=[[1.0, 2.0], [1.0]]), 400, "'place'[1] has 1 elements; expected 2"),
    "rank too small": (lambda: of_tensors(price=[1.0]), 400, "'price'[0] is 1.0; expected a list"),
    "rank too great": (lambda: of_tensors(price=[[[1.0]] * 5]), 400, "expected a number"),
    "string for a number": (lambda: of_tensors(price=[["1"] * 5]), 400, "'price'[0][0] is \"1\"; expected a number"),
    "number for a string": (lambda: of_tensors(city=[3]), 400, "'city'[0] is 3; expected a string"),
    "true for a number": (lambda: of_tensors(day=[[True] * 5]), 400, "is true; expected a number"),
    "null": (lambda: of_tensors(day=[[None] * 5]), 400, "is null; expected a number"),
    "fraction for a whole number": (lambda: of_tensors(day=[[0.5] * 5]), 400, "expected a whole number"),
    "beyond int64": (lambda: of_tensors(day=[[2**63] * 5]), 400, "that an int64 can hold"),
    "beyond float32": (lambda: of_tensors(price=[[1e39] * 5]), 400, "that a float32 can hold"),
    "infinity": (lambda: of_tensors(price=[[float("inf")] * 5]), 400, "that a float32 can hold"),
    "NaN where a value is required": (lambda: of_tensors(place=[[float("nan")] * 2]), 400, "'place' is missing"),
    "half of a surrogate pair": (lambda: of_tensors(city=["\ud800"]), 400, "UTF-8"),
    "id out of range": (lambda: of_tensors(day=[[9] * 5]), 400, "'day' has ids that are out of range"),
    "length beyond the steps": (lambda: of_tensors(sequence_length=[9]), 400, "fewer steps"),
    "negative length": (lambda: of_tensors(sequence_length=[-1]), 400, "is negative"),
    "other numbers of rows": (lambda: of_tensors(sequence_length=[5, 5]), 400, "different numbers of rows"),
}
PLACES = {
    "no such place": ("GET", "/nowhere", 404, "Nothing is served at /nowhere"),
    "other model": ("POST", "/v1/models/other:predict", 404, "Unknown model 'other'"),
    "other version": ("POST", f"{MODEL}/versions/8:predict", 404, "Unknown version '8'"),
    "version that is no number": ("GET", f"{MODEL}/versions/x/metadata", 404, "Unknown version 'x'"),
    "other verb": ("POST", f"{MODEL}:classify", 404, "only ':predict'"),
    "predict by GET": ("GET", f"{MODEL}:predict", 405, "use POST"),
    "status by PUT": ("PUT", MODEL, 405, "use GET"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_request_has_its_error_and_the_server_goes_on(server, name):
    make, status, words = BAD[name]
    received, answer = call(server, make())
    assert (received, list(answer)) == (status, ["error"]), answer
    assert words in answer["error"]
    assert "node" not in answer["error"] and "Traceback" not in answer["error"]
    assert call(server, instances(record()))[0] == 200


def test_a_number_of_a_vector_that_is_missing_is_answered_as_by_the_model(server, model):
    columns = of_tensors(place=[[1.0, float("nan")]])["inputs"]
    status, answer = call(server, {"signature_name": "serving_tensors", "inputs": columns})
    row = {**ROWS[5], "place": [1.0, float("nan")]}
    expected = model.predict(row, signature_name="serving_tensors")["scores"]
    assert status == 200, answer
    np.testing.assert_allclose(answer["outputs"]["scores"], expected, rtol=1e-6)


@pytest.mark.parametrize("name", PLACES)
def test_a_wrong_place_or_method_is_told(server, name):
    method, path, status, words = PLACES[name]
    received, answer = call(server, {} if method == "POST" else None, path, method)
    assert (received, list(answer)) == (status, ["error"]) and words in answer["error"], answer


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_plain_body_that_claims_to_be_compressed_is_an_error_of_the_client(server, encoding):
    status, answer = call(server, instances(record()), **{"Content-Encoding": encoding})
    assert status == 400 and f"its encoding is not '{encoding}'" in answer["error"], answer


def test_no_request_of_several_clients_is_lost(server, model):
    expected = [model.predict(row)["scores"][0].tolist() for row in ROWS[:8]]
    bodies = [make_rest_body(row, model.spec) for row in ROWS[:8]]

    def ask(number):
        status, answer = call(server, bodies[number % 8])
        return status, answer["outputs"]["scores"][0]

    with concurrent.futures.ThreadPoolExecutor(8) as clients:
        answers = list(clients.map(ask, range(200)))
    assert answers == [(200, expected[number % 8]) for number in range(200)]
