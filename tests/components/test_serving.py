"""The exported model of a spec with every kind of column."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft

from tests.records import sequence_example
from tfx_sequences.components.model import build_model
from tfx_sequences.components.serving import RawRecordModel, export
from tfx_sequences.components.split_statistics import task_statistics
from tfx_sequences.components.task_statistics import TaskStatistics
from tfx_sequences.schemas.spec_io import fingerprint


@pytest.fixture(scope="module")
def exported(everything, tmp_path_factory):
    output = tft.TFTransformOutput(everything.transform_dir)
    statistics = task_statistics(everything.spec, output, None)
    assert isinstance(statistics, TaskStatistics)
    keras.utils.set_random_seed(0)
    model = build_model(everything.spec, statistics, use_cudnn=False)
    raw = RawRecordModel(model, output.transform_savedmodel_dir, everything.spec, statistics)
    folder = str(tmp_path_factory.mktemp("exported"))
    export(raw, folder, everything.spec, statistics)
    return raw, tf.saved_model.load(folder), folder


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
