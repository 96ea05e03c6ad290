"""The exported model of a spec with every kind of column."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.everything import OTHER_STEPS, TIMES, everything_spec
from tests.records import sequence_example
from tfx_sequences.components.batches.truncation import cut_steps
from tfx_sequences.components.serving.exported_model import RawRecordModel, export
from tfx_sequences.components.serving.model_card import read_card
from tfx_sequences.components.serving.requests import make_tensors
from tfx_sequences.schemas.features.parse_specs import parse_records
from tfx_sequences.schemas.features.request_inputs import request_inputs
from tfx_sequences.schemas.spec.spec_io import fingerprint


@pytest.fixture(scope="module")
def exported(exported_everything):
    raw, folder = exported_everything
    return raw, tf.saved_model.load(folder), str(folder)


def serve(exported, records):
    return exported[1].signatures["serving_default"](examples=tf.constant(records, tf.string))


def test_it_answers_as_the_model_in_memory(everything, exported):
    served = serve(exported, everything.serialized)
    for name, value in exported[0].predict(tf.constant(everything.serialized)).items():
        np.testing.assert_array_equal(served[name], value, err_msg=name)
    assert served["scores"].shape == (40, 2)
    np.testing.assert_allclose(np.sum(served["scores"], axis=1), 1, atol=1e-6)
    assert [c.decode() for c in served["classes"][0].numpy()] == ["good", "bad"]
    best = np.argmax(served["scores"], axis=1)
    assert [c.decode() for c in served["predicted_class"].numpy()] == [["good", "bad"][b] for b in best]


def test_a_record_is_answered_alone_as_in_a_batch(everything, exported):
    together = serve(exported, everything.serialized)["scores"]
    for index in (0, 6, 13):
        alone = serve(exported, everything.serialized[index : index + 1])["scores"]
        np.testing.assert_allclose(alone[0], together[index], atol=1e-6)


def test_an_empty_batch_gives_an_empty_answer(exported):
    answer = serve(exported, [])
    assert {name: value.shape[0] for name, value in answer.items()} == {"scores": 0, "classes": 0, "predicted_class": 0}


def test_label_weight_and_optional_features_are_not_needed(everything, exported):
    context, sequence = everything.records[5]
    without = {k: v for k, v in context.items() if k == "place"}
    assert serve(exported, [sequence_example(without, sequence).SerializeToString()])["scores"].shape == (1, 2)


def test_a_record_without_any_step_is_answered(everything, exported):
    context, _ = everything.records[5]
    assert np.isfinite(serve(exported, [sequence_example(context, {}).SerializeToString()])["scores"]).all()


def test_a_missing_required_feature_is_named(everything, exported):
    _, sequence = everything.records[5]
    with pytest.raises(tf.errors.InvalidArgumentError, match="place"):
        serve(exported, [sequence_example({}, sequence).SerializeToString()])


def test_the_evaluators_inputs_are_label_and_weight_as_trained(everything, exported):
    outputs = exported[1].signatures["evaluation_inputs"](examples=tf.constant(everything.serialized))
    kinds = [c["kind"] for c, _ in everything.records]
    np.testing.assert_array_equal(outputs["label"], [["good", "bad"].index(k) for k in kinds])
    np.testing.assert_allclose(outputs["example_weight"], [c["weight"] for c, _ in everything.records])


def test_an_unknown_class_cannot_be_evaluated(everything, exported):
    context, sequence = everything.records[5]
    record = sequence_example({**context, "kind": "ugly"}, sequence).SerializeToString()
    assert serve(exported, [record])["scores"].shape == (1, 2)
    with pytest.raises(tf.errors.InvalidArgumentError, match="kind"):
        exported[1].signatures["evaluation_inputs"](examples=tf.constant([record]))


def test_the_card_has_spec_and_fingerprint(everything, exported):
    with open(f"{exported[2]}/tfx_sequences.json") as file:
        card = json.load(file)
    assert card["fingerprint"] == fingerprint(everything.spec)
    assert card["classes"] == {"label": ["good", "bad"]}


# The other signatures


def answers(exported, signature, **inputs):
    return {name: value.numpy() for name, value in exported[1].signatures[signature](**inputs).items()}


def tensors_of(everything, records):
    rows = [{**context, **sequence} for context, sequence in records]
    return {
        name: tf.constant(value, tf.string if value.dtype == object else None)
        for name, value in make_tensors(rows, everything.spec).items()
    }


def assert_equal(received, expected):
    assert received.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(received[name], value, err_msg=name)


def test_padded_tensors_are_answered_as_the_records(everything, exported):
    expected = answers(exported, "serving_default", examples=tf.constant(everything.serialized))
    assert_equal(answers(exported, "serving_tensors", **tensors_of(everything, everything.records)), expected)


def test_missing_steps_and_values_in_tensors_are_those_of_records(everything, exported):
    context, sequence = everything.records[6]
    gaps = {
        key: [None if n % 3 == 1 and key not in ("day", *TIMES) else v for n, v in enumerate(steps)]
        for key, steps in sequence.items()
    }
    few = {key: value for key, value in context.items() if key in ("place", "kind")}
    records = [(few, sequence), (context, gaps), (few, {key: [] for key in sequence})]
    expected = answers(
        exported,
        "serving_default",
        examples=tf.constant([sequence_example(c, s).SerializeToString() for c, s in records]),
    )
    assert_equal(answers(exported, "serving_tensors", **tensors_of(everything, records)), expected)


def test_what_lies_behind_the_end_of_a_row_is_not_read(everything, exported):
    inputs = tensors_of(everything, everything.records[3:6])
    expected = answers(exported, "serving_tensors", **inputs)
    longer = {}
    for name, value in inputs.items():
        # Of timestamps those that are not missing are counted: nothing but missing ones may follow.
        steps = value.shape.rank > 1 and request_inputs(everything.spec)[name].feature.is_sequence
        steps = steps and name not in OTHER_STEPS
        longer[name] = tf.pad(value, [[0, 0], [0, 4], *[[0, 0]] * (value.shape.rank - 2)]) if steps else value
        if steps and value.dtype == tf.float32:
            real = tf.sequence_mask(inputs["sequence_length"], tf.shape(longer[name])[1])
            real = tf.reshape(real, [*real.shape, *[1] * (value.shape.rank - 2)])
            longer[name] = tf.where(real, longer[name], 77.0)
    assert_equal(answers(exported, "serving_tensors", **longer), expected)


def test_context_features_with_a_default_may_be_left_out_as_empty_inputs(everything, exported):
    records = [({k: v for k, v in c.items() if k == "place"}, s) for c, s in everything.records[:9]]
    inputs = tensors_of(everything, records)
    expected = answers(exported, "serving_tensors", **inputs)
    for name, given in request_inputs(everything.spec).items():
        if not given.feature.is_sequence and not given.feature.required:
            inputs[name] = inputs[name][:0]
    assert_equal(answers(exported, "serving_tensors", **inputs), expected)


def test_no_rows_of_tensors_give_an_empty_answer(everything, exported):
    inputs = {name: value[:0] for name, value in tensors_of(everything, everything.records[:3]).items()}
    assert {v.shape[0] for v in answers(exported, "serving_tensors", **inputs).values()} == {0}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"place": [[np.nan, np.nan]] * 3}, "Input .+place.+ is missing"),
        ({"place": np.zeros((0, 2))}, "Input .+place.+ is missing"),
        ({"sequence_length": [3, 4]}, "have different numbers of rows"),
        ({"sequence_length": [3, 4, 9]}, "fewer steps than .+sequence_length.+"),
        ({"sequence_length": [3, -1, 5]}, "sequence_length.+ is negative"),
        ({"price": np.zeros((2, 5))}, "price"),
        ({"price": np.zeros((3, 4))}, "price"),
    ],
)
def test_tensors_that_do_not_fit_each_other_are_refused(everything, exported, change, told):
    inputs = tensors_of(everything, everything.records[3:6])
    for name, value in change.items():
        inputs[name] = tf.constant(value, inputs[name].dtype)
    with pytest.raises(tf.errors.InvalidArgumentError, match=told):
        answers(exported, "serving_tensors", **inputs)


def test_transformed_features_are_what_the_network_reads(everything, exported):
    examples = tf.constant(everything.serialized)
    features = answers(exported, "transform_features", examples=examples)
    raw = exported[0]
    network = raw._model({name: tf.constant(value) for name, value in features.items()}, training=False)
    scores = answers(exported, "serving_default", examples=examples)["scores"]
    np.testing.assert_allclose(tf.nn.softmax(network), scores, atol=1e-6)
    assert features["sequence_length"].tolist() == [len(s["lpc"]) for _, s in everything.records]
    assert features["sequence.lpc"].shape == (40, 6, 3)


def test_a_signature_that_the_spec_cannot_have_is_left_out_with_the_reason(everything, exported):
    # Genres are several per step, for which a tf.Example has no place.
    assert "serving_example" not in exported[1].signatures
    assert "'genres' has any number of values per step" in read_card(exported[2])["left_out"]["serving_example"]


def test_an_example_sent_as_a_sequence_example_is_told(everything, exported):
    sent = [everything.serialized[5], everything.serialized_examples[5]]
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"is a tf\.Example.*records of type tf\.SequenceExample"):
        serve(exported, sent)
    with pytest.raises(tf.errors.DataLossError, match="Unable to parse binary protobuf"):
        serve(exported, [b"no protocol buffer"])


def test_a_table_in_a_network_of_ones_own_is_exported_with_it(everything, exported, tmp_path):
    class Looked(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            keys = tf.lookup.KeyValueTensorInitializer(tf.range(8, dtype=tf.int64), tf.range(8, dtype=tf.int64) % 2)
            self.table = tf.lookup.StaticHashTable(keys, 0)

        def call(self, lengths):
            return tf.one_hot(self.table.lookup(lengths), 2)

    given = exported[0]._model.input
    network = keras.Model(given, Looked()(given["sequence_length"]))
    raw = RawRecordModel(network, exported[0].transform_dir, everything.spec, exported[0]._statistics)
    export(raw, str(tmp_path), everything.spec, exported[0]._statistics)
    served = serve((raw, tf.saved_model.load(str(tmp_path))), everything.serialized)
    parity = [["good", "bad"][len(s["lpc"]) % 2] for _, s in everything.records]
    assert [c.decode() for c in served["predicted_class"].numpy()] == parity


# `random` is of training; without its seed the end is truncated.
@pytest.mark.parametrize(("truncate", "kept"), [("tail", slice(3)), ("head", slice(-3, None)), ("random", slice(3))])
def test_a_sequence_that_is_too_long_is_cut_in_each_signature_as_in_training(everything, exported, truncate, kept):
    whole = exported[0]
    spec = everything_spec(batching={"max_length": 3, "truncate": truncate})
    cutting = RawRecordModel(whole._model, whole.transform_dir, spec, whole._statistics)
    records = [r for r in everything.records if len(r[1]["lpc"]) >= 2][:7]
    assert max(len(s["lpc"]) for _, s in records) == 6
    cut = [(c, {k: steps if k in OTHER_STEPS else steps[kept] for k, steps in s.items()}) for c, s in records]
    serialized, cut_before = (
        tf.constant([sequence_example(c, s).SerializeToString() for c, s in of]) for of in (records, cut)
    )
    expected = whole.predict(cut_before)
    for received in (cutting.predict(serialized), cutting.predict_tensors(tensors_of(everything, records))):
        np.testing.assert_allclose(received["scores"], expected["scores"], atol=1e-6)
        np.testing.assert_array_equal(received["predicted_class"], expected["predicted_class"])
    assert np.abs(whole.predict(serialized)["scores"] - expected["scores"]).max() > 1e-4
    features, of_cut = cutting.transform_features(serialized), whole.transform_features(cut_before)
    for name, value in of_cut.items():
        np.testing.assert_allclose(features[name], value, rtol=1e-6, err_msg=name)
    trained_on = cut_steps(whole._transform(parse_records(serialized, spec, with_label=False)), spec)
    np.testing.assert_array_equal(features["sequence_length"], trained_on["sequence_length"])
    np.testing.assert_allclose(features["sequence.scaled"], trained_on["sequence.scaled"].to_tensor())
