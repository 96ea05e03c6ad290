"""Labels that are not there: their markers, and that they weigh nothing."""

import numpy as np
import pytest
import tensorflow as tf

from tfx_sequences.components.batches.label_batches import pad_labels, targets_and_weights
from tfx_sequences.components.batches.missing_labels import is_marked, missing_marker, with_missing_labels
from tfx_sequences.schemas.columns.names import MISSING_INT
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

NAN = float("nan")


def test_records_without_a_list_have_markers_in_all_steps():
    lengths = tf.constant([2, 3, 0, 1])
    numbers = with_missing_labels(tf.ragged.constant([[1.0, 2.0], [], [], [3.0]]), lengths)
    np.testing.assert_array_equal(numbers.flat_values, [1, 2, NAN, NAN, NAN, 3])
    assert numbers.row_lengths().numpy().tolist() == [2, 3, 0, 1]
    vectors = tf.RaggedTensor.from_row_lengths(tf.ones([3, 2]), [2, 0, 0, 1])
    found = with_missing_labels(vectors, lengths)
    assert found.shape[2] == 2 and np.isnan(found.flat_values.numpy()).all(axis=1).tolist() == [False] * 2 + [
        True
    ] * 3 + [False]
    terms = tf.ragged.constant([[[0, 1], []], [], [], [[2]]], dtype=tf.int64, ragged_rank=2)
    found = with_missing_labels(terms, lengths).to_list()
    assert found == [[[0, 1], []], [[MISSING_INT]] * 3, [], [[2]]]


@pytest.mark.parametrize("dtype", [tf.string, tf.int64, tf.float32])
def test_a_marker_is_marked(dtype):
    assert is_marked(missing_marker(dtype)[None]).numpy().all()
    assert not is_marked(tf.cast(tf.zeros([1]), dtype) if dtype != tf.string else tf.constant(["x"])).numpy().any()


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
