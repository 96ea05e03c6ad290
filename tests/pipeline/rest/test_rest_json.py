"""Requests as arrays and outputs as responses, in the format of TensorFlow Serving."""

import base64
import json

import numpy as np
import pytest
import tensorflow as tf

from tfx_sequences.pipeline.rest.rest_json import parse_json, parse_request, signature_of, to_array, write_answer
from tfx_sequences.pipeline.rest.rest_limits import Limits, RestError

LIMITS = Limits(rows=3, steps=5, padded_steps=12)
SPECS = {
    "price": tf.TensorSpec([None, None], tf.float32),
    "city": tf.TensorSpec([None], tf.string),
    "place": tf.TensorSpec([None, 2], tf.float32),
}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "The body is empty"),
        (b"[1]", "The body is a list of 1"),
        (b'"x"', 'The body is "x"'),
        (b"{", "is not JSON"),
        (b"\xff", "is not UTF-8: invalid start byte at byte 0"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"\\ud800": 1}', "half of a surrogate pair"),
        (b'{"\xed\xa0\x80": 1}', "is not UTF-8"),
        ('{"inputs": 1}'.encode("utf-16"), "is not UTF-8"),
        (b'{"inputs": {"a": 1, "b": 2, "a": 3}}', "the key 'a' more than once"),
    ],
)
def test_a_body_is_a_json_object(body, words):
    with pytest.raises(RestError, match=words) as caught:
        parse_json(body)
    assert caught.value.status == 400
    assert parse_json(b'{"inputs": 1}') == {"inputs": 1}


@pytest.mark.parametrize(("request_", "name"), [({}, "serving_default"), ({"signature_name": ""}, "serving_default")])
def test_the_signature_has_a_default(request_, name):
    assert signature_of(request_) == name
    assert signature_of({"signature_name": "x", "inputs": []}) == "x"
    with pytest.raises(RestError, match=r"Unknown key 'instance'\. Did you mean 'instances'"):
        signature_of({"instance": []})
    with pytest.raises(RestError, match="'signature_name' is 3; expected a string"):
        signature_of({"signature_name": 3})


def test_rows_and_columns_give_the_same_arrays():
    rows = [
        {"price": [1, 2.5], "city": "Rome", "place": [0, 1]},
        {"price": [3, 4], "city": {"b64": "/w=="}, "place": [2, 3]},
    ]
    columns = {name: [row[name] for row in rows] for name in SPECS}
    by_row = parse_request({"instances": rows}, SPECS, LIMITS)
    by_column = parse_request({"inputs": columns}, SPECS, LIMITS)
    assert (by_row.by_row, by_column.by_row) == (True, False)
    for request in (by_row, by_column):
        np.testing.assert_array_equal(request.inputs["price"], np.float32([[1, 2.5], [3, 4]]))
        assert request.inputs["price"].dtype == np.float32
        assert request.inputs["city"].tolist() == [b"Rome", b"\xff"]


def test_a_single_input_needs_no_name():
    specs = {"examples": tf.TensorSpec([None], tf.string)}
    encoded = {"b64": base64.b64encode(b"\x01\x02").decode()}
    for request in ({"instances": [encoded]}, {"instances": [{"examples": encoded}]}, {"inputs": [encoded]}):
        assert parse_request(request, specs, LIMITS).inputs["examples"].tolist() == [b"\x01\x02"]


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({}, "received neither"),
        ({"instances": [], "inputs": []}, "received both"),
        ({"instances": []}, "expected a list with at least one row"),
        ({"instances": [1]}, "'instances' contains plain values; expected objects with the inputs 'price'"),
        ({"instances": [{"price": [1.0]}]}, r"instances\[0\] lacks the inputs 'city', 'place'"),
        ({"inputs": {"prize": []}}, "unknown input 'prize'. Did you mean 'price'"),
        ({"inputs": [1]}, "'inputs' is a list of 1; expected an object"),
        ({"instances": [dict.fromkeys(SPECS, 1), 2]}, r"instances\[1\] is 2, which differs from the first row"),
        ({"instances": [{}] * 4}, "4 rows; at most 3"),
    ],
)
def test_names_and_rows_that_do_not_fit_are_errors(request_, words):
    with pytest.raises(RestError, match=words):
        parse_request(request_, SPECS, LIMITS)


@pytest.mark.parametrize(
    ("value", "shape", "dtype", "words"),
    [
        (1.0, [None], "float32", "'x' is 1.0; expected a list, because the shape is [?]"),
        ([[1.0], 2.0], [None, None], "float32", "'x'[1] is 2.0; expected a list"),
        ([[1.0], [1.0, 2.0]], [None, None], "float32", "'x'[1] has 2 elements; expected 1, as in the first"),
        ([[1.0]], [None, 2], "float32", "'x'[0] has 1 elements; expected 2, because the shape is [?, 2]"),
        ([[1.0] * 6], [None, None], "float32", "'x' has 6 steps; at most 5"),
        ([[1.0, "a"]], [None, None], "float32", "'x'[0][1] is \"a\"; expected a number"),
        ([True], [None], "float32", "is true; expected a number"),
        ([1.5], [None], "int64", "expected a whole number"),
        ([2**63], [None], "int64", "that an int64 can hold"),
        ([10**400], [None], "float32", "that a float32 can hold"),
        ([3], [None], "string", 'expected a string, or {"b64": "..."}'),
        ([{"b64": "%"}], [None], "string", "expected base64 under 'b64'"),
        (["\ud800"], [None], "string", "text that UTF-8 can encode"),
    ],
)
def test_values_that_do_not_fit_are_errors_with_their_place(value, shape, dtype, words):
    with pytest.raises(RestError) as caught:
        to_array(value, tf.TensorSpec(shape, dtype), "'x'", LIMITS)
    assert words in str(caught.value)


@pytest.mark.parametrize(("shape", "expected"), [([None], (0,)), ([None, None], (0, 0)), ([None, None, 2], (0, 0, 2))])
def test_no_rows_have_an_array(shape, expected):
    assert to_array([], tf.TensorSpec(shape, tf.float32), "'x'", LIMITS).shape == expected


def test_answers_are_by_row_or_by_name_and_are_json():
    outputs = {"scores": np.float32([[0.5], [0.25]]), "name": np.array([b"a", b"\xff"], object)}
    assert write_answer(outputs, by_row=False) == {
        "outputs": {"scores": [[0.5], [0.25]], "name": ["a", {"b64": "/w=="}]}
    }
    answer = write_answer(outputs, by_row=True)
    assert answer == {"predictions": [{"scores": [0.5], "name": "a"}, {"scores": [0.25], "name": {"b64": "/w=="}}]}
    assert json.loads(json.dumps(answer)) == answer
    assert write_answer({"scores": np.float32([0.5])}, by_row=True) == {"predictions": [0.5]}
    assert write_answer({"scores": np.float32([0.5])}, by_row=False) == {"outputs": [0.5]}
    assert write_answer({"image_bytes": np.array([b"a"], object)}, by_row=False) == {"outputs": [{"b64": "YQ=="}]}


def test_numbers_that_json_cannot_express_are_errors_of_the_row():
    with pytest.raises(RestError, match="'scores' of row 1 is not finite"):
        write_answer({"scores": np.array([[1.0], [np.nan]])}, by_row=True)
