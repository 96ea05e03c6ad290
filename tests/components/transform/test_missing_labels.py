"""Labels that records or steps do not have: from Transform to targets and statistics, counted again in Python."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from tensorflow_transform.saved import saved_transform_io_v2

from tests.everything import analyzed
from tests.layouts.marked_labels import marked_labels, marked_spec, without_marks
from tests.missing_labels import records_of_missing_labels, spec_of_missing_labels
from tests.records import sequence_example, write_records
from tfx_sequences.components.batches.label_batches import labelled_rows, pad_labels, targets_and_weights
from tfx_sequences.components.input.record_formats import raw_records
from tfx_sequences.components.records.data_check import check_data
from tfx_sequences.components.training.split_statistics import task_statistics
from tfx_sequences.components.transform.length_histogram import read_histogram, read_missing_labels
from tfx_sequences.errors import DataError
from tfx_sequences.schemas.features.parse_specs import parse_records
from tfx_sequences.schemas.spec.label import Label

RECORDS = records_of_missing_labels()
LENGTHS = np.array([len(s["speed"]) for _, s in RECORDS])
SPEC = spec_of_missing_labels()


@pytest.fixture(scope="module")
def graph(tmp_path_factory):
    return analyzed(SPEC, RECORDS, tmp_path_factory.mktemp("missing_labels"))


@pytest.fixture(scope="module")
def transformed(graph):
    loader = saved_transform_io_v2.SavedModelLoader(tft.TFTransformOutput(graph.transform_dir).transform_savedmodel_dir)
    return loader.apply_transform_model(parse_records(tf.constant(graph.serialized, tf.string), SPEC))


def labelled(head):
    """Which targets are there, bool `[B]` or `[B, T]`."""
    label = SPEC.labels[head]
    if not label.per_step:
        values = [c.get(label.key) for c, _ in RECORDS]
        return np.array(
            [
                v is not None and not np.isnan(np.ravel(np.float64(v) if v not in ("a", "b") else 0)).any()
                for v in values
            ]
        )
    there = np.zeros((len(RECORDS), LENGTHS.max()), bool)
    for row, (_, sequence) in enumerate(RECORDS):
        for step, value in enumerate(sequence.get(label.key, [])):
            # An empty list of moods says that there are none of them.
            known = head == "moods" or value != []
            there[row, step] = known and not (head == "level" and np.isnan(value))
    there = np.roll(there, -label.shift, axis=1)
    there[:, there.shape[1] - label.shift :] = False
    return there


def test_what_is_missing_weighs_nothing(transformed):
    targets, weights = targets_and_weights(pad_labels(labelled_rows(transformed, SPEC), SPEC), SPEC)
    for head, label in SPEC.labels.items():
        there, weight = labelled(head), weights[head].numpy()
        assert there.any() and not there.all()
        np.testing.assert_array_equal(weight, there * (2.0 if label.step_weight else 1.0), err_msg=head)
        assert np.isfinite(targets[head].numpy()).all(), head
    state = [s["state"][0] for _, s in RECORDS if s.get("state")]
    classes = sorted({*state}, key=lambda c: -sum(x == c for _, s in RECORDS for x in s.get("state", [])))
    for row, (_, sequence) in enumerate(RECORDS):
        for step, value in enumerate(sequence.get("state", [])):
            assert value == [] or classes[targets["state"][row, step]] == value
    scores = targets["score"].numpy()[labelled("score")]
    np.testing.assert_array_equal(scores, [c["score"] for c, _ in RECORDS if "score" in c])


def test_what_is_missing_is_counted(graph):
    output = tft.TFTransformOutput(graph.transform_dir)
    expected = {}
    for head, label in SPEC.labels.items():
        every = np.maximum(LENGTHS - label.shift, 0).sum() if label.per_step else len(RECORDS)
        expected[head] = every - labelled(head).sum()
    assert read_missing_labels(output) == expected
    lengths, counts = np.unique(LENGTHS, return_counts=True)
    np.testing.assert_array_equal(read_histogram(output).lengths, lengths)
    np.testing.assert_array_equal(read_histogram(output).counts, counts)


def test_statistics_are_of_what_is_there(graph, transformed):
    targets, weights = targets_and_weights(pad_labels(labelled_rows(transformed, SPEC), SPEC), SPEC)
    found = task_statistics(SPEC, tft.TFTransformOutput(graph.transform_dir), [({}, targets, weights)]).heads
    for head in SPEC.labels:
        assert found[head].targets == weights[head].numpy().sum(), head
    assert set(found["kind"].classes) == {"a", "b"} and set(found["grade"].classes) == {"-1", "0", "1", "2"}
    assert set(found["state"].classes) == {"slow", "fast"} and set(found["moods"].classes) == {"up", "down"}
    state = [x for _, s in RECORDS for x in s.get("state", []) if x != []]
    for name, weight in zip(found["state"].classes, found["state"].class_weights, strict=True):
        np.testing.assert_allclose(weight, len(state) / (2 * state.count(name)))
    moods = [x for _, s in RECORDS for x in s.get("moods", [])]
    for name, weight in zip(found["moods"].classes, found["moods"].class_weights, strict=True):
        count = sum(name in step for step in moods)
        np.testing.assert_allclose(weight, (len(moods) - count) / count)
    level = [x for _, s in RECORDS for x in s.get("level", []) if not np.isnan(x)]
    np.testing.assert_allclose(found["level"].mean[0], np.mean(level), rtol=1e-6)


def test_raw_records_weigh_the_same(graph):
    heads = ("state", "rank", "frame", "level", "kind", "grade", "place")
    spec = SPEC.model_copy(update={"labels": {head: SPEC.labels[head] for head in heads}})
    _, _, weights = raw_records(spec).batch(tf.constant(graph.serialized, tf.string))
    for head in heads:
        np.testing.assert_array_equal(weights[head] > 0, labelled(head), err_msg=head)


def test_the_check_counts_them_or_refuses_them(tmp_path):
    for split in ("train", "valid", "test"):
        write_records(tmp_path / f"{split}.tfrecord", [sequence_example(c, s) for c, s in RECORDS])
    missing = check_data(SPEC, tmp_path).splits["train"].missing
    assert missing["labels.kind"].words() == "12 of 36 records"
    state = missing["labels.state"]
    assert state.steps == (~labelled("state")).sum() - (LENGTHS.max() - LENGTHS).sum()
    assert state.records == sum("state" not in s and len(s["speed"]) > 0 for _, s in RECORDS)
    assert missing["labels.level"].elements == sum(np.isnan(x) for _, s in RECORDS for x in s.get("level", []))
    for head, message in {
        "state": "The label 'state' is missing in a step",
        "level": "The label 'level' is missing in a step",
        "kind": "The label 'kind' is missing",
    }.items():
        label = SPEC.labels[head].model_copy(update={"missing_label": "error", "step_weight": None})
        with pytest.raises(DataError, match=message):
            check_data(SPEC.model_copy(update={"labels": {head: label}}), tmp_path)


@pytest.mark.slow
def test_stored_values_that_mean_missing_are_as_if_they_were_not_there(tmp_path):
    stored, spec = list(marked_labels()), marked_spec()
    found = []
    for name, records in (("stored", stored), ("empty", [without_marks(record) for record in stored])):
        graph = analyzed(spec, records, tmp_path / name)
        loader = saved_transform_io_v2.SavedModelLoader(
            tft.TFTransformOutput(graph.transform_dir).transform_savedmodel_dir
        )
        rows = loader.apply_transform_model(parse_records(tf.constant(graph.serialized, tf.string), spec))
        counts = read_missing_labels(tft.TFTransformOutput(graph.transform_dir))
        found.append((*targets_and_weights(pad_labels(labelled_rows(rows, spec), spec), spec), counts))
    (targets, weights, counts), (plain, plain_weights, plain_counts) = found
    for head in spec.labels:
        np.testing.assert_array_equal(weights[head], plain_weights[head])
        np.testing.assert_array_equal(targets[head], plain[head])
    assert counts == plain_counts
    # By definition: a step weighs 1 where its value is no mark.
    for head, mark in (("phase", -1), ("state", ""), ("level", -9.0)):
        there = [[value != mark for value in sequence[head]] for _, sequence in stored]
        assert weights[head].numpy().sum() == sum(map(sum, there))
    np.testing.assert_array_equal(weights["mood"], [float(context["mood"] != "") for context, _ in stored])


def test_stored_values_that_mean_missing_are_counted_by_the_check(tmp_path):
    stored = list(marked_labels())
    write_records(tmp_path / "train.tfrecord", [sequence_example(*record) for record in stored])
    report = check_data(marked_spec(), tmp_path).splits["train"]
    for head, mark in (("phase", -1), ("state", ""), ("level", -9.0)):
        marks = [value == mark for _, sequence in stored for value in sequence[head]]
        assert (report.missing[f"labels.{head}"].steps, report.missing[f"labels.{head}"].rows) == (
            sum(marks),
            len(marks),
        )
    assert report.missing["labels.mood"].records == 12
    assert set(report.classes["mood"]) == {"sad", "glad"} and set(report.classes["phase"]) == {"0", "1", "2"}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"dtype": "int64", "missing_value": "none"}, "must be a value of dtype int64"),
        ({"missing_value": -1}, "must be a value of dtype string"),
        ({"missing_value": "a", "classes": ("a", "b")}, "'a' is one of the classes"),
        ({"missing_value": "a", "missing_label": "error"}, "for single labels that may be missing"),
        ({"missing_value": "a", "type": "multi_label"}, "for single labels that may be missing"),
    ],
)
def test_values_that_cannot_mean_missing(fields, message):
    with pytest.raises(ValueError, match=message):
        Label(key="y", **fields)
