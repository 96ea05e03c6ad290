"""Feature lists that records do not have, in place of which steps are missing."""

import tensorflow as tf

from tfx_sequences.components.batches.absent_lists import longest_lists, with_missing_steps
from tfx_sequences.schemas.features.raw_features import RawFeature


def test_lists_that_are_there_stay_and_others_are_missing_steps():
    words = tf.ragged.constant([[["a"], [], ["b", "c"]], [], [], [["d"]]], ragged_rank=2)
    filled = with_missing_steps(words, tf.constant([3, 2, 0, 1]))
    assert filled.to_list() == [[[b"a"], [], [b"b", b"c"]], [[], []], [], [[b"d"]]]


def test_flat_lists_of_examples_become_steps_of_values():
    flat = tf.RaggedTensor.from_row_lengths(tf.reshape(tf.range(6.0), [3, 2]), [2, 0, 1])
    assert with_missing_steps(flat, tf.constant([2, 1, 1]), 2).to_list() == [[[0, 1], [2, 3]], [[]], [[4, 5]]]
    scalars = tf.RaggedTensor.from_row_lengths(tf.constant([5, 6]), [0, 2])
    assert with_missing_steps(scalars, tf.constant([1, 2])).to_list() == [[[]], [[5], [6]]]


def test_nothing_is_filled_where_nothing_is_longer():
    none = tf.RaggedTensor.from_row_splits(tf.RaggedTensor.from_row_splits(tf.zeros([0]), [0]), [0])
    assert with_missing_steps(none, tf.zeros([0], tf.int64)).to_list() == []


def test_the_longest_list_decides():
    lists = [RawFeature(key, True, "float32", (), None, "feature") for key in "ab"]
    inputs = {"sequence.a": tf.ragged.constant([[1.0], []]), "sequence.b": tf.ragged.constant([[], [2.0, 3.0]])}
    assert longest_lists(inputs, lists).numpy().tolist() == [1, 2]
    assert longest_lists(inputs, lists, [tf.constant([4, 0])]).numpy().tolist() == [4, 2]
