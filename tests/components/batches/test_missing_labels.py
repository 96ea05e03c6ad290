"""Labels that are not there: their markers, and that they weigh nothing."""

import numpy as np
import pytest
import tensorflow as tf

from tfx_sequences.components.batches.missing_labels import is_marked, missing_marker, with_missing_labels
from tfx_sequences.schemas.columns.names import MISSING_INT

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
