"""Requests from plain rows."""

import base64
import json

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from tests.everything import everything_spec, plain_records
from tests.records import sequence_example
from tfx_sequences.components.serving.requests import make_predict_request, make_rest_body, make_tensors, serialize_rows
from tfx_sequences.errors import DataError, UserInputError
from tfx_sequences.schemas.features.parse_specs import parse_records
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

SPEC = everything_spec()
ROWS = [{**context, **sequence} for context, sequence in plain_records()]


def parsed(records, with_label=True):
    return parse_records(tf.constant(records), SPEC, with_label=with_label)


def assert_same(received, expected):
    assert received.keys() == expected.keys()
    for name, value in expected.items():
        left, right = received[name], value
        if isinstance(right, tf.RaggedTensor):
            assert left.to_list() == right.to_list(), name
        else:
            np.testing.assert_array_equal(left, right, err_msg=name)


def test_records_of_rows_are_those_of_training():
    expected = [sequence_example(c, s).SerializeToString() for c, s in plain_records()]
    assert_same(parsed(serialize_rows(ROWS, SPEC)), parsed(expected))


def test_rows_come_from_mappings_json_lines_files_and_pandas(tmp_path):
    expected = serialize_rows(ROWS[:6], SPEC)
    lines = "\n".join(map(json.dumps, ROWS[:6]))
    (tmp_path / "rows.jsonl").write_text(lines + "\n\n")
    frame = pd.DataFrame(ROWS[:6])  # puts NaN where a row has no age
    for source in (iter(ROWS[:6]), lines, tmp_path / "rows.jsonl", str(tmp_path / "rows.jsonl"), frame):
        assert serialize_rows(source, SPEC) == expected
    assert serialize_rows(ROWS[0], SPEC) == expected[:1]
    arrays = {**ROWS[5], "lpc": np.array(ROWS[5]["lpc"]), "day": np.array(ROWS[5]["day"])}
    assert serialize_rows(arrays, SPEC) == expected[5:]


def test_a_rest_body_is_json_and_a_grpc_request_holds_the_same():
    body = json.loads(json.dumps(make_rest_body(ROWS[:3], SPEC)))
    assert [base64.b64decode(x["b64"]) for x in body["inputs"]["examples"]] == serialize_rows(ROWS[:3], SPEC)
    request = make_predict_request(ROWS[:3], SPEC, model_name="m", version=4)
    assert (request.model_spec.name, request.model_spec.version.value) == ("m", 4)
    assert tf.make_ndarray(request.inputs["examples"]).tolist() == serialize_rows(ROWS[:3], SPEC)
    request = make_predict_request(ROWS[:3], SPEC, model_name="m", signature_name="serving_tensors")
    for name, value in make_tensors(ROWS[:3], SPEC).items():
        np.testing.assert_array_equal(tf.make_ndarray(request.inputs[name]), value, err_msg=name)
    assert request.model_spec.signature_name == "serving_tensors"


def test_no_rows_make_empty_requests():
    assert serialize_rows([], SPEC) == []
    assert {len(value) for value in make_tensors([], SPEC).values()} == {0}


BAD = {
    "unknown feature": ({"prize": [1.0]}, "unknown feature 'prize'", "Did you mean 'price'"),
    "no steps": ({"price": 1.0}, "'price'", "a list of steps"),
    "array too short": ({"lpc": [[1.0, 2.0]] * 5}, "'lpc'", "an array of shape [3]"),
    "flat array": ({"lpc": [1.0] * 5}, "'lpc'", "of step 0"),
    "string for a number": ({"price": ["1"] * 5}, "'price'", "a number"),
    "number for a string": ({"city": 3}, "'city'", "a string"),
    "true for a number": ({"age": True}, "'age'", "True (bool)"),
    "fraction for a whole number": ({"day": [0.5] * 5}, "'day'", "a whole number"),
    "infinity": ({"age": float("inf")}, "'age'", "a finite number"),
    "infinity in an array": ({"place": [1.0, float("inf")]}, "'place'", "a finite number"),
    "beyond float32": ({"age": 1e39}, "'age'", "float32"),
    "beyond int64": ({"day": [2**63] * 5}, "'day'", "int64"),
    "one value for several": ({"tags": "red"}, "'tags'", "a list of any number of values"),
    "lists within several": ({"tags": [["red"]]}, "'tags'", "one level"),
    "half of a surrogate pair": ({"city": "\ud800"}, "'city'", "UTF-8"),
    "missing required feature": ({"place": None}, "'place' is missing", "default_value"),
    "unequal steps": ({"price": [1.0]}, "different numbers of steps", "'price' 1"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_does_not_fit_is_told_with_row_and_feature(name):
    change, what, more = BAD[name]
    with pytest.raises(DataError) as told:
        serialize_rows([ROWS[4], {**ROWS[5], **change}], SPEC)
    assert str(told.value).startswith("Row 1 ('r5'): ")
    assert what in str(told.value) and more in str(told.value)


def test_a_request_that_cannot_be_made_is_told():
    with pytest.raises(UserInputError, match="Did you mean 'serving_default'"):
        make_rest_body(ROWS, SPEC, signature_name="serving_defalt")
    with pytest.raises(DataError, match=r"'genres' has any number of values per step"):
        make_rest_body(ROWS, SPEC, signature_name="serving_example")
    with pytest.raises(DataError, match="empty string among its values"):
        make_tensors({**ROWS[5], "tags": ["red", ""]}, SPEC)


def test_rows_name_the_features_as_the_tensors_of_a_request_do():
    number = {"type": "numeric", "default_value": 0.0}
    spec = SequenceSpec(
        name="s",
        context={"x": number, "a b": number, "self": number},
        sequence={"x": number, "a-b": number},
        label={"key": "y"},
    )
    [record] = serialize_rows({"context_x": 1.0, "sequence_x": [2.0], "a-b": [3.0], "a b": 4.0}, spec)
    message = tf.train.SequenceExample.FromString(record)
    assert message.context.feature["x"].float_list.value[:] == [1.0]
    assert message.context.feature["a b"].float_list.value[:] == [4.0]
    assert message.feature_lists.feature_list["a-b"].feature[0].float_list.value[:] == [3.0]
