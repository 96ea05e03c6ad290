import keras
import numpy as np
import pytest
import tensorflow as tf

from tfx_sequences.components.features.feature_lengths import common_lengths, length_mask, require_one_batch
from tfx_sequences.errors import UserInputError


def test_the_length_mask_takes_steps_of_any_rank():
    expected = [[True, False], [True, True]]
    for shape in ((2, 2), (2, 2, 3), (2, 2, 3, 4)):
        np.testing.assert_array_equal(length_mask(np.array([1, 2]), np.zeros(shape)), expected)


def test_the_length_mask_is_symbolic_where_the_steps_are():
    steps, length = keras.Input((None, 2)), keras.Input((), dtype="int64")
    model = keras.Model([steps, length], length_mask(length, steps))
    np.testing.assert_array_equal(model([np.zeros((1, 3, 2)), np.array([2])]), [[True, True, False]])


def test_lengths_must_be_the_same():
    lengths = {"a": tf.constant([2, 0]), "b": tf.constant([2, 0])}
    np.testing.assert_array_equal(common_lengths(lengths), [2, 0])
    with pytest.raises(UserInputError, match=r"'a', 'c'[\s\S]*in rows 1; steps of 'a': 0; steps of 'c': 3"):
        common_lengths({"a": tf.constant([2, 0]), "c": tf.constant([2, 3])})


def test_batches_must_be_of_one_size():
    assert require_one_batch({"a": tf.constant(2)}) is None
    require_one_batch({"a": tf.constant(2), "b": tf.constant(2)})
    with pytest.raises(UserInputError, match=r"different numbers of rows[\s\S]*2, 3"):
        require_one_batch({"a": tf.constant(2), "b": tf.constant(3)})
