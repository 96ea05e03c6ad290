"""Targets and weights of batches: shifted, padded, weighted, and checked."""

import numpy as np
import pytest
import tensorflow as tf

from tfx_sequences.components.batches.label_batches import (
    checked_labels,
    labelled_rows,
    pad_labels,
    targets_and_weights,
)
from tfx_sequences.schemas.columns.names import MISSING_INT
from tfx_sequences.schemas.features.transformed_features import step_weight_name
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

NAN = float("nan")
HEADS = {
    "tag": ({"per_step": True}, tf.ragged.constant([[1, MISSING_INT, 0], [2]], dtype=tf.int64), [[1, 0, 0], [2, 0, 0]]),
    "later": (
        {"per_step": True, "shift": 1},
        tf.ragged.constant([[1, MISSING_INT, 2], [1]], dtype=tf.int64),
        [[0, 2, 1], [0, 0, 1]],
    ),
    "level": (
        {"per_step": True, "type": "regression"},
        tf.ragged.constant([[NAN, 2.0, 3.0], [4.0]]),
        [[0, 2, 3], [4, 0, 0]],
    ),
    "moods": (
        {"per_step": True, "type": "multi_label"},
        tf.ragged.constant([[[0, 1], [], [MISSING_INT]], [[1]]], dtype=tf.int64, ragged_rank=2),
        [[[0, 1], [-1, -1], [-1, -1]], [[1, -1], [-1, -1], [-1, -1]]],
    ),
    "kind": ({}, tf.constant([MISSING_INT, 1], tf.int64), [0, 1]),
    "place": ({"type": "regression", "shape": (2,)}, tf.constant([[1.0, NAN], [2.0, 3.0]]), [[0, 0], [2, 3]]),
}


WEIGHTS = {
    "tag": [[1, 0, 1], [1, 0, 0]],
    "later": [[0, 1, 0], [0, 0, 0]],
    "level": [[0, 1, 1], [1, 0, 0]],
    "moods": [[1, 1, 0], [1, 0, 0]],
    "kind": [0, 1],
    "place": [0, 1],
}


def test_missing_targets_weigh_nothing_and_are_valid():
    labels = {name: {"key": name, **fields} for name, (fields, _, _) in HEADS.items()}
    spec = SequenceSpec(name="s", sequence={"x": {"type": "categorical"}}, labels=labels, example_weight="w")
    features = {f"label.{name}": values for name, (_, values, _) in HEADS.items()}
    features |= {"sequence_length": tf.constant([3, 1], tf.int64), "example_weight": tf.constant([2.0, 0.5])}
    targets, weights = targets_and_weights(pad_labels(features, spec), spec)
    for name, (_, _, expected) in HEADS.items():
        of_rows = np.array([2.0, 0.5]).reshape(2, *[1] * (np.ndim(WEIGHTS[name]) - 1))
        np.testing.assert_array_equal(weights[name], WEIGHTS[name] * of_rows, err_msg=name)
        there = np.array(WEIGHTS[name]) > 0
        np.testing.assert_array_equal(targets[name].numpy()[there], np.array(expected)[there], err_msg=name)
        assert np.isfinite(targets[name].numpy()).all() and (targets[name].numpy() >= -1).all(), name


def features_of(lengths, **labels):
    return {"sequence_length": tf.constant(lengths, tf.int64), **labels}


def spec_of(label=None, **parts):
    given = {"name": "s", "sequence": {"x": {"type": "categorical"}}, **({"label": label} if label else {}), **parts}
    return SequenceSpec(**given)


def ragged(rows, dtype=tf.int64, **options):
    return tf.ragged.constant(rows, dtype=dtype, **options)


def test_a_spec_with_one_label_gives_tensors_and_weights_of_rows():
    targets, weights = targets_and_weights(
        pad_labels(features_of([3, 1], label=tf.constant([2, 0], tf.int64)), spec_of({"key": "y"})),
        spec_of({"key": "y"}),
    )
    np.testing.assert_array_equal(targets, [2, 0])
    np.testing.assert_array_equal(weights, [1, 1])
    assert weights.dtype == tf.float32


@pytest.mark.parametrize("shift", [0, 1, 2])
def test_steps_without_a_later_one_weigh_nothing(shift):
    spec = spec_of({"key": "y", "per_step": True, "shift": shift, "step_weight": "sure", "missing_label": "error"})
    lengths, rows = [4, 1, 0], [[10, 11, 12, 13], [20], []]
    sure = [[1.0, 0.5, 2.0, 3.0], [4.0], []]
    features = features_of(lengths, label=ragged(rows))
    features[step_weight_name("label")] = ragged(sure, tf.float32)
    targets, weights = targets_and_weights(pad_labels(features, spec), spec)
    expected = np.zeros((3, 4))
    for row, length in enumerate(lengths):
        for step in range(length - shift):
            expected[row, step] = sure[row][step]
            assert targets[row, step] == rows[row][step + shift]
    np.testing.assert_array_equal(weights, expected)


def test_several_classes_are_padded_with_no_class():
    label = {"key": "y", "per_step": True, "type": "multi_label"}
    dense = pad_labels(features_of([2, 1], label=ragged([[[0, 1], []], [[2]]], ragged_rank=2)), spec_of(label))
    np.testing.assert_array_equal(dense["label"], [[[0, 1], [-1, -1]], [[2, -1], [-1, -1]]])
    label = {"key": "y", "type": "multi_label"}
    dense = pad_labels(features_of([2, 1], label=ragged([[0, 1], []])), spec_of(label))
    np.testing.assert_array_equal(dense["label"], [[0, 1], [-1, -1]])


@pytest.mark.parametrize(
    ("label", "values", "message"),
    [
        ({}, tf.constant([0, -1], tf.int64), "a class is not in the spec or the training split"),
        ({"type": "regression"}, tf.constant([0.5, float("inf")]), "a value is missing or not finite"),
        ({"type": "multi_label", "shape": (2,)}, tf.constant([[0.0, 1.0], [0.5, 0.0]]), "a value is neither 0 nor 1"),
        ({"type": "distribution", "shape": (2,)}, tf.constant([[0.5, 0.5], [0.5, 0.4]]), "is not a distribution"),
        ({"type": "distribution", "shape": (2,)}, tf.constant([[0.5, 0.5], [1.5, -0.5]]), "is not a distribution"),
    ],
)
@pytest.mark.parametrize("missing_label", ["ignore", "error"])
def test_values_that_no_target_can_have_are_errors(label, values, message, missing_label):
    spec = spec_of({"key": "y", "missing_label": missing_label, **label})
    with pytest.raises(tf.errors.InvalidArgumentError, match=rf"Label y: .*{message}"):
        checked_labels(features_of([3, 1], label=values), spec)
    good = values[:1]
    np.testing.assert_array_equal(checked_labels(features_of([3], label=good), spec)["label"], good)


def test_a_missing_vector_passes_the_check_only_where_labels_may_be_missing():
    values = tf.constant([[0.5, 0.5], [NAN, 0.3]])
    for missing_label, passes in (("ignore", True), ("error", False)):
        spec = spec_of({"key": "y", "type": "distribution", "shape": (2,), "missing_label": missing_label})
        if passes:
            checked_labels(features_of([3, 1], label=values), spec)
        else:
            with pytest.raises(tf.errors.InvalidArgumentError, match="is not a distribution"):
                checked_labels(features_of([3, 1], label=values), spec)


def test_labels_of_steps_have_the_steps_of_the_record():
    spec = spec_of({"key": "y", "per_step": True})
    with pytest.raises(tf.errors.InvalidArgumentError, match="'y' and the sequence features have different numbers"):
        checked_labels(features_of([3, 1], label=ragged([[0, 1, 2], []])), spec)


def test_a_forecast_of_the_records_end_needs_a_step_before_it():
    spec = SequenceSpec(
        name="s",
        sequence={"x": {"type": "numeric"}},
        label={"key": "x", "type": "forecast", "target": "x", "horizon": 2},
    )
    checked_labels(features_of([3, 4]), spec)
    with pytest.raises(
        tf.errors.InvalidArgumentError, match=r"Label x: a record has no history before its last 2 steps"
    ):
        checked_labels(features_of([3, 2]), spec)


def test_rows_are_truncated_with_their_labels():
    spec = spec_of({"key": "y", "per_step": True}, batching={"max_length": 2, "truncate": "head"})
    features = features_of([3, 1], label=ragged([[0, 1, 2], [3]]), **{"sequence.x": ragged([[5, 6, 7], [8]])})
    rows = labelled_rows(features, spec)
    kept = rows["label"].to_list()
    assert kept == [[1, 2], [3]] or kept == [[0, 1], [3]]
    assert [[x - 5 for x in row] for row in rows["sequence.x"].to_list()] == kept
    np.testing.assert_array_equal(rows["sequence_length"], [2, 1])
