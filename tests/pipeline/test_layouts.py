"""Records in layouts that people have, from `propose` with at most the label named to the served model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from tests.layouts.next_events import next_events
from tests.layouts.ranked_lists import ranked_lists
from tests.layouts.slash_keys import slash_keys
from tests.layouts.user_groups import user_groups
from tests.records import write_records
from tfx_sequences.components.records.elwc import as_sequence_example
from tfx_sequences.components.serving.model_card import read_card
from tfx_sequences.components.serving.prediction import predict_files

pytestmark = pytest.mark.slow


def proposed(command, folder, records, *label, by="fit", options=()):
    """The report of `fit`, or `run`, with the spec that `propose` writes, and its check; the spec; what was printed.

    One validation decides how long to train, in place of five: the sets are easy.
    """
    write_records(folder / "data" / "train.tfrecord", records)
    spec, data = folder / "spec.yaml", folder / "data"
    once = "\ntraining: {folds: 1}\n"
    for words in (
        ("propose", data, *(part for key in label for part in ("--label", key)), "-o", spec),
        ("check", spec, "--data", data),
        (by, spec, "--data", data, "--output", folder / "out", *options),
    ):
        done = command(*words)
        assert done.returncode == 0, done.stdout + done.stderr
        if words[0] == "propose":
            assert "\ntraining:" not in spec.read_text()
            spec.write_text(spec.read_text() + once)
    return json.loads((folder / "out" / "report.json").read_text()), spec.read_text(), done.stdout


def test_keys_with_slashes_are_trained_served_and_predicted(command, tmp_path):
    report, _, _ = proposed(command, tmp_path, slash_keys())
    assert report["blessed"] and report["metrics"]["accuracy"] >= 0.95
    told = list(predict_files(tmp_path / "out", tmp_path / "data" / "train.tfrecord"))
    assert [row["id"] for row in told[:3]] == ["clip0", "clip1", "clip2"]
    assert np.mean([row["predicted_class"] == ["walk", "run"][i % 2] for i, row in enumerate(told)]) >= 0.95
    card = read_card(report["pushed_model"])
    assert {name["key"] for name in card["names"].values()} >= {"image/speed", "region/label/string"}
    assert {"image_speed", "region_label_string"} <= set(card["inputs"])
    serve = tf.saved_model.load(report["pushed_model"]).signatures["serving_tensors"]
    inputs = {
        "image_speed": tf.constant([[2.0, 2.1], [5.2, 4.9]]),
        "region_label_string": tf.constant([["dog", "person"], ["dog", "dog"]]),
        "clip_start_timestamp": tf.constant([1000, 2000], tf.int64),
        "sequence_length": tf.constant([2, 2], tf.int64),
    }
    wanted = {name: value for name, value in inputs.items() if name in serve.structured_input_signature[1]}
    assert serve(**wanted)["predicted_class"].numpy().tolist() == [b"walk", b"run"]


def test_users_that_are_tested_are_new(command, tmp_path):
    report, spec, screen = proposed(command, tmp_path, user_groups(150, 3), "kind")
    assert "splits: {group: user_id}" in spec
    assert report["held_back_by"] == "by 'user_id': all records of a group in one split"
    # A coin per user: nobody knows those of other users. Records of the same users would be told all.
    assert report["metrics"]["accuracy"] < 0.85
    assert "taken from train, by 'user_id'" in screen
    assert not [finding for finding in report["findings"] if finding["kind"] == "leak"]


def test_the_next_event_is_predicted_without_reading_it(command, tmp_path):
    report, spec, _ = proposed(command, tmp_path, next_events(), "then")
    assert "bidirectional: false" in spec
    # The most likely next event has the probability one half, and the end is not known before.
    assert 0.3 < report["metrics"]["accuracy"] < 0.6


def test_items_of_ranked_lists_are_steps(command, tmp_path):
    lists = ranked_lists()
    # The folder that it learns from is predicted in the pipeline too.
    report, spec, _ = proposed(
        command, tmp_path, lists, "relevance", by="run", options=("--bulk-inference", tmp_path / "data")
    )
    assert "record: ELWC" in spec
    assert report["blessed"] and report["metrics"]["accuracy"] >= 0.95
    told = list(predict_files(tmp_path / "out", tmp_path / "data" / "train.tfrecord"))
    assert [len(row["predicted_class"]) for row in told] == [len(each.examples) for each in lists]
    records = tf.constant([each.SerializeToString() for each in lists])
    served = tf.saved_model.load(report["pushed_model"]).signatures["serving_elwc"](examples=records)
    for row, classes in zip(told, served["predicted_class"].numpy(), strict=True):
        assert [c.decode() for c in classes[: len(row["predicted_class"])]] == row["predicted_class"]
    logs = Path(report["predictions"]).glob("prediction_logs*.gz")
    predicted = {}
    for serialized in tf.data.TFRecordDataset([str(f) for f in logs], "GZIP").as_numpy_iterator():
        log = prediction_log_pb2.PredictionLog.FromString(serialized).predict_log
        assert log.request.model_spec.signature_name == "serving_elwc"
        [record] = tf.make_ndarray(log.request.inputs["examples"])
        predicted[record] = [c.decode() for c in tf.make_ndarray(log.response.outputs["predicted_class"])[0]]
    assert predicted.keys() == {*records.numpy()}
    for record, row in zip(records.numpy(), told, strict=True):
        classes = predicted[record]
        # They are padded to the longest list of the batch.
        assert classes == row["predicted_class"] + [""] * (len(classes) - len(row["predicted_class"]))


def test_records_to_predict_have_the_type_of_the_spec(command, tmp_path):
    lists = write_records(tmp_path / "lists" / "train.tfrecord", ranked_lists())
    converted = [as_sequence_example(each.SerializeToString()) for each in ranked_lists()]
    steps = write_records(tmp_path / "steps" / "train.tfrecord", converted)
    spec = tmp_path / "spec.yaml"
    label = "label: {key: relevance, dtype: int64, per_step: true}"
    spec.write_text(f"{{name: lists, record: ELWC, sequence: {{cuisine: {{type: categorical}}}}, {label}}}")
    output = ("--output", tmp_path / "out", "--bulk-inference", steps.parent)
    done = command("run", spec, "--data", lists.parent, *output)
    assert done.returncode == 2
    assert "are not ExampleListWithContext" in done.stderr and "tfx-sequences predict" in done.stderr
    assert not (tmp_path / "out").exists()
