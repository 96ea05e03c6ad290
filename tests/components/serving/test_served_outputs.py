"""The exported model of a spec with every kind of label."""

import json

import numpy as np
import pytest
import tensorflow as tf

from tests.kinds import figures
from tests.labels import as_examples
from tests.records import example, sequence_example
from tfx_sequences.components.evaluation.config import make_eval_config
from tfx_sequences.components.serving.prediction import predict_files
from tfx_sequences.components.serving.requests import make_tensors


@pytest.fixture
def exported(labels_model):
    return labels_model


def call(exported, signature, records):
    outputs = exported[0].signatures[signature](examples=tf.constant(records, tf.string))
    return {name: value.numpy() for name, value in outputs.items()}


def test_each_head_answers_under_its_name(all_labels, exported):
    served = call(exported, "serving_default", all_labels.serialized)
    lengths = [len(s["tag"]) for _, s in all_labels.records]
    assert served["sequence_length"].tolist() == lengths
    assert served["tag_scores"].shape == (30, 6, 3) and served["tag_predicted_class"].shape == (30, 6)
    assert served["next_frame_scores"].shape == (30, 6, 2) and served["level_predictions"].shape == (30, 6)
    assert served["kind_scores"].shape == (30, 2) and served["place_predictions"].shape == (30, 2)
    assert served["moods_classes"][0].tolist() == [c.encode() for c in exported[1].heads["moods"].classes]
    padded = np.arange(6) >= np.array(lengths)[:, None]
    for name in ("tag_scores", "next_frame_scores", "level_predictions"):
        assert not served[name][padded].any() and served[name][~padded].any()
    assert set(served["tag_predicted_class"][padded]) == {b""} and b"" not in served["tag_predicted_class"][~padded]


def test_a_record_is_answered_alone_as_in_a_batch_and_without_labels(all_labels, exported):
    together = call(exported, "serving_default", all_labels.serialized)
    context, sequence = all_labels.records[4]
    bare = sequence_example({"city": context["city"]}, {k: sequence[k] for k in ("token", "frame")})
    alone = call(exported, "serving_default", [bare.SerializeToString()])
    for name in ("tag_scores", "level_predictions", "kind_scores"):
        expected = together[name][4][:4] if name != "kind_scores" else together[name][4]
        np.testing.assert_allclose(alone[name][0], expected, atol=1e-5)


@pytest.mark.parametrize("signature", ["serving_default", "evaluation_inputs", "evaluation_outputs"])
def test_an_empty_batch_gives_an_empty_answer(exported, signature):
    assert {value.shape[0] for value in call(exported, signature, []).values()} == {0}


def test_the_evaluators_labels_and_weights_are_those_of_training(all_labels, exported):
    given = call(exported, "evaluation_inputs", all_labels.serialized)
    context, sequence = all_labels.records[5]
    tags = exported[1].heads["tag"].classes
    assert [tags[i] for i in given["label.tag"][5][:5]] == sequence["tag"]
    np.testing.assert_allclose(given["example_weight.tag"][5], context["weight"] * np.array([1, 0, 0.5, 1, 0, 0]))
    assert given["label.next_frame"][5][:4].tolist() == sequence["frame"][1:]
    moods = exported[1].heads["moods"].classes
    assert [[m for m, there in zip(moods, step, strict=True) if there] for step in given["label.moods"][5][:3]] == [
        sorted(step, key=moods.index) for step in sequence["moods"][:3]
    ]


def test_sums_make_the_figures_that_scores_and_labels_say(all_labels, exported):
    outputs = call(exported, "evaluation_outputs", all_labels.serialized)
    given = call(exported, "evaluation_inputs", all_labels.serialized)
    weight, label = given["example_weight.tag"], given["label.tag"]
    found = {
        n: figures(x, outputs[f"{n}_sums"], exported[1].heads[n].classes) for n, x in all_labels.spec.labels.items()
    }
    right = outputs["tag_scores"].argmax(-1) == label
    np.testing.assert_allclose(found["tag"]["accuracy"], (right * weight).sum() / weight.sum(), rtol=1e-5)
    assert {"span_f1", "span_precision", "span_recall"} <= set(found["tag"])
    scores, hot = outputs["next_frame_scores"], given["label.next_frame"]
    weight = given["example_weight.next_frame"]
    nll = -np.log(np.where(hot > 0, scores, 1 - scores), where=weight[..., None] > 0, out=np.zeros_like(scores)).sum(-1)
    np.testing.assert_allclose(found["next_frame"]["loss"], (nll * weight).sum() / weight.sum(), rtol=1e-4)
    error = np.abs(outputs["level_predictions"] - given["label.level"])
    weight = given["example_weight.level"]
    np.testing.assert_allclose(found["level"]["mean_absolute_error"], (error * weight).sum() / weight.sum(), rtol=1e-4)


def test_the_area_under_the_curve_is_that_of_all_pairs(all_labels, exported):
    from sklearn.metrics import roc_auc_score

    outputs = call(exported, "evaluation_outputs", all_labels.serialized)
    given = call(exported, "evaluation_inputs", all_labels.serialized)
    weight = np.repeat(given["example_weight.next_frame"][..., None], 2, axis=-1).ravel()
    scores, hot = outputs["next_frame_scores"].ravel(), given["label.next_frame"].ravel()
    there = weight > 0
    expected = roc_auc_score(hot[there], np.floor(scores[there] * 1000), sample_weight=weight[there])
    found = figures(all_labels.spec.labels["next_frame"], outputs["next_frame_sums"])["auc"]
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_predictions_are_told_by_head_and_step(all_labels, exported, tmp_path):
    file = tmp_path / "records.tfrecord"
    with tf.io.TFRecordWriter(str(file)) as writer:
        for record in all_labels.serialized:
            writer.write(record)
    told = list(predict_files(exported[2], file))
    assert [t["id"] for t in told] == [f"r{i}" for i in range(30)]
    json.dumps(told)
    fifth = told[5]
    assert (
        len(fifth["tag"]["predicted_class"]) == len(fifth["level"]["prediction"]) == len(fifth["moods"]["scores"]) == 5
    )
    best = [max(step, key=step.get) for step in fifth["tag"]["scores"]]
    assert fifth["tag"]["predicted_class"] == best
    assert fifth["topics"]["predicted_classes"] == [c for c, x in fifth["topics"]["scores"].items() if x >= 0.5]
    assert told[0]["tag"] == {"predicted_class": [], "scores": []}


def test_every_figure_of_every_head_is_evaluated_and_gated(all_labels):
    thresholds = {"tag.span_f1": {"min": 0.5}, "place.mean_squared_error": {"max": 2.0}}
    spec = all_labels.spec.model_copy(
        update={"evaluation": type(all_labels.spec.evaluation)(thresholds=thresholds, slices=("kind",))}
    )
    config = make_eval_config(spec)
    assert config.model_specs[0].signature_name == "evaluation_outputs"
    names = [json.loads(m.config)["name"] for m in config.metrics_specs[0].metrics if m.config]
    assert {"tag.accuracy", "tag.span_f1", "next_frame.auc", "level.mean_absolute_error", "kind.loss"} <= set(names)
    gated = {
        json.loads(m.config)["name"] for m in config.metrics_specs[0].metrics if m.config and m.per_slice_thresholds
    }
    assert gated == set(thresholds)


def test_examples_and_tensors_are_answered_as_the_records(all_labels, labels_model):
    expected = call(labels_model, "serving_default", all_labels.serialized)
    examples = [example(features).SerializeToString() for features in as_examples(all_labels.records)]
    rows = [{**context, **sequence} for context, sequence in all_labels.records]
    tensors = {
        name: tf.constant(value, tf.string if value.dtype == object else None)
        for name, value in make_tensors(rows, all_labels.spec).items()
    }
    by_tensors = labels_model[0].signatures["serving_tensors"](**tensors)
    by_examples = call(labels_model, "serving_example", examples)
    assert by_tensors.keys() == by_examples.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(by_examples[name], value, err_msg=name)
        np.testing.assert_array_equal(by_tensors[name].numpy(), value, err_msg=name)
    assert {value.shape[0] for value in call(labels_model, "serving_example", []).values()} == {0}


def test_a_sequence_example_sent_as_an_example_is_told(all_labels, labels_model):
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"is a tf\.SequenceExample: it has feature lists"):
        call(labels_model, "serving_example", all_labels.serialized[5:6])
