"""An exported model, loaded: its signatures, and the words for what it rejects."""

import json
import shutil

import numpy as np
import pytest
import tensorflow as tf

from tests.everything import everything_spec, plain_records
from tests.records import sequence_example
from tfx_sequences.components.serving.loaded_model import RefusedInput, _without_graph, load_model, refusals
from tfx_sequences.errors import DataError, SpecError, UserInputError

ROWS = [{**context, **sequence} for context, sequence in plain_records()]


@pytest.fixture(scope="module")
def model(exported_everything):
    return load_model(exported_everything[1].parent)


def test_the_newest_version_is_loaded_with_its_spec(model, exported_everything):
    assert (model.folder.name, model.version) == (exported_everything[1].name, 7)
    assert model.spec == everything_spec()
    with pytest.raises(SpecError, match=r"trained with another spec[\s\S]*context\.tags: removed"):
        load_model(exported_everything[1], spec=_without("tags"))


def _without(name):
    return everything_spec(context={k: c for k, c in everything_spec().context.items() if k != name})


def test_a_folder_that_tensorflow_cannot_load_is_a_damaged_model(exported_everything, tmp_path):
    folder = shutil.copytree(exported_everything[1], tmp_path / "model")
    card = json.loads((folder / "tfx_sequences.json").read_text())
    assert card["spec"]["name"] == "everything"
    (folder / "saved_model.pb").write_bytes(b"no model")
    with pytest.raises(UserInputError, match=r"saved_model\.pb"):
        load_model(folder)


def test_rows_are_predicted_as_records(model):
    records = np.array([sequence_example(c, s).SerializeToString() for c, s in plain_records()], object)
    expected = model.run("serving_default", {"examples": records})
    for name, values in model.predict(ROWS).items():
        np.testing.assert_array_equal(values, expected[name], err_msg=name)


def test_signatures_have_inputs_and_kinds_of_records(model):
    assert list(model.inputs_of("serving_default")) == ["examples"]
    assert model.inputs_of("serving_tensors")["place"].shape.as_list() == [None, 2]
    assert model.kind_of("serving_default") == "SequenceExample"
    assert model.kind_of("serving_example") == "Example"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("serving_defalt", "Did you mean 'serving_default'"),
        ("serving_example", "not available for this spec: '.*' has any number of values per step"),
    ],
)
def test_a_signature_that_does_not_exist_is_an_error(model, name, message):
    with pytest.raises(UserInputError, match=message):
        model.signature(name)


def test_steps_of_records_are_those_of_the_longest_feature(model):
    records = [sequence_example({}, {"price": [1.0, 2.0], "day": [1]}), sequence_example({}, {})]
    serialized = np.array([*(r.SerializeToString() for r in records), b"\xff\xff"], object)
    assert list(model.steps_of(serialized, "serving_default")) == [2, 0, -1]


def test_the_first_bytes_that_are_no_record_are_named_by_their_row(model):
    good = sequence_example(*plain_records()[5]).SerializeToString()
    with pytest.raises(DataError, match=r"Row 1 is not a record[\s\S]*tf\.SequenceExample"):
        model.run("serving_default", {"examples": np.array([good, b"\xff\xff", b"\xff"], object)})


@pytest.mark.parametrize("error", [tf.errors.InvalidArgumentError, tf.errors.DataLossError])
def test_errors_about_values_are_refusals(error):
    with pytest.raises(RefusedInput) as caught, refusals():
        raise error(None, None, "assertion failed: [a value is wrong:] [3]\n\t [[{{node a}}]]")
    assert caught.value.reason == "a value is wrong: 3"
    with pytest.raises(tf.errors.NotFoundError), refusals():
        raise tf.errors.NotFoundError(None, None, "no file")


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("Name: <unknown>, Key: x. Can't parse", "Key: x. Can't parse"),
        ("Graph execution error:\n\nDetected at node a\n<stack traces unavailable>\n'x' is wrong", "'x' is wrong"),
        ("assertion failed: [Not \\'x\\':] [1 2]", "Not 'x': 1 2"),
    ],
)
def test_messages_lose_the_lines_about_the_graph(message, words):
    assert _without_graph(message) == words
