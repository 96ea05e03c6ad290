"""The Evaluator's results as plain data, from results written with TFMA's own writers."""

import pytest
import tensorflow as tf
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.proto import metrics_for_slice_pb2

from tfx_sequences.components.evaluation.result import _in_order, _plots, _slice_name, read_figures

PB = metrics_for_slice_pb2


def slice_key(**features):
    key = PB.SliceKey()
    for name, value in features.items():
        single = key.single_slice_keys.add(column=name.replace("_", " "))
        setattr(single, "int64_value" if isinstance(value, int) else "bytes_value", value)
    return key


def write(path, messages):
    with tf.io.TFRecordWriter(str(path)) as writer:
        for message in messages:
            writer.write(message.SerializeToString())


def metrics(key, **values):
    message = PB.MetricsForSlice(slice_key=key)
    for name, value in values.items():
        model, _, metric = name.rpartition("__")
        item = message.metric_keys_and_values.add()
        item.key.name, item.key.model_name = metric.replace("_at_", " at steps "), model.removesuffix("_diff")
        item.key.is_diff = model.endswith("_diff")
        item.value.double_value.value = value
    return message


@pytest.mark.parametrize(
    ("key", "name"),
    [
        (slice_key(), "all"),
        (slice_key(city=b"Oslo"), "city=Oslo"),
        (slice_key(city=b"\xff", age=7), "city=\ufffd, age=7"),
        (slice_key(length_in_steps=b"2-4"), "length=2-4"),
    ],
)
def test_slices_are_named_by_their_features(key, name):
    assert _slice_name(key) == name


def test_slices_are_sorted_with_numbers_by_size():
    keys = [slice_key(length_in_steps=name) for name in (b"16 and more", b"2-4", b"0-1", b"5-15")]
    found = _in_order([PB.MetricsForSlice(slice_key=key) for key in [*keys, slice_key()]])
    names = [_slice_name(result.slice_key) for result in found]
    assert names == ["all", "length=0-1", "length=2-4", "length=5-15", "length=16 and more"]


def test_metrics_are_divided_into_slices_ranges_and_baseline(tmp_path):
    whole = {"candidate__accuracy": 0.75, "candidate__tag.loss_at_2-3": 0.5, "baseline__accuracy": 0.5}
    write(
        tmp_path / "metrics-00000-of-00001.tfrecord",
        [
            metrics(slice_key(), **whole, candidate_diff__accuracy=0.25, **{"baseline__tag.loss_at_2-3": 1.0}),
            metrics(slice_key(city=b"Oslo"), candidate__accuracy=1.0),
        ],
    )
    write(tmp_path / "plots-00000-of-00001.tfrecord", [PB.PlotsForSlice(slice_key=slice_key())])
    assert read_figures(str(tmp_path), {}) == {
        "slices": {"all": {"accuracy": 0.75}, "city=Oslo": {"accuracy": 1.0}},
        "step_ranges": {"all": {"2-3": {"tag.loss": 0.5}}},
        "baseline": {"all": {"accuracy": 0.5}},
        "plots": {},
    }
    assert isinstance(next(iter(tfma.load_metrics(str(tmp_path)))), PB.MetricsForSlice)


def test_plots_are_tables():
    data = {
        "multiClassConfusionMatrixAtThresholds": {
            "matrices": [
                {
                    "entries": [
                        {"numWeightedExamples": 3.0},  # zeros are left out of a message's JSON
                        {"actualClassId": 1, "predictedClassId": 0, "numWeightedExamples": 0.5},
                    ]
                }
            ]
        },
        "confusionMatrixAtThresholds": {"matrices": [{"truePositives": 2.0}, {"threshold": 0.5, "trueNegatives": 1.0}]},
        "calibrationHistogramBuckets": {"buckets": [{"numWeightedExamples": "NaN", "totalWeightedLabel": 1.0}]},
    }
    found = _plots(data, ("good", "bad"))
    assert found["confusion"] == [["good", "good", 3.0], ["bad", "good", 0.5]]
    assert found["curve"] == [[0.0, 2.0, 0.0, 0.0, 0.0], [0.5, 0.0, 0.0, 1.0, 0.0]]
    assert str(found["calibration"]) == "[[nan, 0.0, 1.0]]"
    assert _plots({}, ()) == {}
