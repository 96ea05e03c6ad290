"""Steps of a batch as one dense tensor, and back."""

import numpy as np
import pytest
import tensorflow as tf

from tfx_sequences.components.batches.ragged_steps import aligned, like, steps_of, unchecked_steps_of


def ragged(rows, dtype=tf.float32):
    return tf.ragged.constant(rows, dtype=dtype, ragged_rank=2)


def test_steps_stand_one_after_another_and_missing_ones_keep_their_place():
    values, present = steps_of(ragged([[[1.0, 2.0], []], [], [[3.0, 4.0]]]), "x", (2,))
    np.testing.assert_array_equal(values, [[1, 2], [0, 0], [3, 4]])
    np.testing.assert_array_equal(present, [True, False, True])


def test_arrays_and_strings():
    values, present = steps_of(ragged([[[1.0, 2.0, 3.0, 4.0]], []]), "x", (2, 2))
    np.testing.assert_array_equal(values, [[[1, 2], [3, 4]]])
    values, present = steps_of(ragged([[["a"], []]], tf.string), "x", ())
    assert values.numpy().tolist() == [b"a", b""] and present.numpy().tolist() == [True, False]


def test_flat_lists_have_every_step():
    flat = tf.RaggedTensor.from_row_lengths(tf.range(6), [4, 0, 2])
    values, present = steps_of(flat, "x", (2,))
    np.testing.assert_array_equal(values, [[0, 1], [2, 3], [4, 5]])
    assert present.numpy().all()


def test_another_number_of_values_is_an_error_or_missing():
    odd = ragged([[[1.0, 2.0], [3.0]]])
    with pytest.raises(tf.errors.InvalidArgumentError, match="Feature 'x': each step must have 2 values or none"):
        steps_of(odd, "x", (2,))
    values, present = unchecked_steps_of(odd, (2,))
    assert present.numpy().tolist() == [True, False]
    np.testing.assert_array_equal(values[0], [1, 2])


def test_no_steps_at_all():
    values, present = steps_of(ragged([[], []]), "x", (3,))
    assert values.shape == (0, 3) and present.shape == (0,)


def test_labels_must_have_as_many_steps_as_the_record():
    labels = tf.ragged.constant([[1, 2], []])
    assert aligned(labels, "y", tf.constant([2, 0], tf.int64)).to_list() == [[1, 2], []]
    with pytest.raises(tf.errors.InvalidArgumentError, match="'y' and the sequence features have different numbers"):
        aligned(labels, "y", tf.constant([2, 1], tf.int64))


def test_steps_return_to_the_rows_of_their_records():
    steps = tf.constant([[1], [2], [3]])
    assert like(ragged([[[1.0], []], [], [[3.0]]]), steps).to_list() == [[[1], [2]], [], [[3]]]
