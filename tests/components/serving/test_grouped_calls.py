"""Rows that are predicted in groups have the answers of rows alone, in the order of the request."""

import numpy as np
import pytest
import tensorflow as tf

from tests.everything import everything_spec, plain_records
from tfx_sequences.components.records.paths import path_of
from tfx_sequences.components.serving.grouped_calls import merged
from tfx_sequences.components.serving.loaded_model import RefusedInput, load_model
from tfx_sequences.components.serving.names import EXAMPLES
from tfx_sequences.components.serving.predictor import predict_batch
from tfx_sequences.components.serving.requests import make_tensors, serialize_rows

ROWS = [{**context, **sequence} for context, sequence in plain_records()][5:19]
# For one or two of these rows at a time.
SMALL = 20_000


@pytest.fixture(scope="module")
def model(exported_everything):
    return load_model(exported_everything[1])


@pytest.fixture(scope="module")
def alone(model):
    """The scores of each row alone."""
    return np.concatenate([model.predict(row)["scores"] for row in ROWS])


@pytest.fixture
def small(model, monkeypatch):
    monkeypatch.setattr(model.calls, "budget", SMALL)
    return model


@pytest.mark.parametrize("signature_name", ["serving_default", "serving_tensors"])
def test_groups_have_the_answers_of_rows_alone(small, alone, signature_name):
    spec = everything_spec()
    tensors = make_tensors(ROWS, spec)
    records = np.array(serialize_rows(ROWS, spec), object)
    inputs = tensors if signature_name == "serving_tensors" else {EXAMPLES: records}
    groups = small.calls.groups(inputs, small._parser(signature_name), flat=False)
    assert len(groups) > 3
    np.testing.assert_allclose(small.run(signature_name, inputs)["scores"], alone, rtol=1e-5)


def test_records_of_files_have_them_too(small, alone):
    batch = tf.constant(serialize_rows(ROWS, everything_spec()))
    found = [*predict_batch(small, batch, path_of("x.tfrecord"), 0)]
    assert [row["id"] for row in found] == [row["id"] for row in ROWS]
    np.testing.assert_allclose([[*row["scores"].values()] for row in found], alone, rtol=1e-5)


def test_a_value_that_the_graph_rejects_is_named_with_the_rows_of_its_group(small):
    records = serialize_rows(ROWS, everything_spec())
    bad = tf.train.SequenceExample.FromString(records[3])
    del bad.context.feature["place"]
    with pytest.raises(RefusedInput, match=r"row numbers count the rows .*'3'"):
        small.call("serving_default", {EXAMPLES: tf.constant([*records[:3], bad.SerializeToString(), *records[4:]])})


def test_outputs_of_steps_are_padded_as_by_the_model(labels_model, all_labels, monkeypatch):
    model, records = load_model(labels_model[2]), np.array(all_labels.serialized, object)
    whole = model.run("serving_default", {EXAMPLES: records})
    assert any(value.ndim > 2 for value in whole.values())
    monkeypatch.setattr(model.calls, "budget", SMALL)
    parts = model.run("serving_default", {EXAMPLES: records})
    for name, expected in whole.items():
        if expected.dtype == object:
            np.testing.assert_array_equal(parts[name], expected)
        else:
            np.testing.assert_allclose(parts[name], expected, rtol=1e-4, atol=1e-6)


def test_texts_are_padded_with_empty_texts():
    groups = [np.array([1]), np.array([0])]
    parts = [{"x": np.array([[b"a", b"b"]], object)}, {"x": np.array([[b"c"]], object)}]
    assert merged(groups, parts)["x"].tolist() == [[b"c", b""], [b"a", b"b"]]
