"""Offsets of whole numbers, against Python's integers; of others, against NumPy in float64."""

import numpy as np
import pytest
import tensorflow as tf

from tfx_sequences.components.numbers.reduction import Reference, reduced
from tfx_sequences.schemas.columns.numeric_columns import Scaling

LENGTHS = [4, 0, 3]
START = 1528917632_000_000_001  # nanoseconds: the neighbours in float64 are 256 away
TIMES = np.array([START, START + 1, START + 5, START + 6, START - 3, START, START + 2])
THERE = np.array([True, True, False, True, False, True, True])


def reduce(values, scaling, there=THERE, reference=None):
    found, known = reduced(
        tf.constant(values[:, None]), tf.constant(there[:, None]), tf.constant(LENGTHS), scaling, reference
    )
    return found.numpy()[:, 0], known.numpy()[:, 0]


@pytest.mark.parametrize(
    ("offset", "expected"),
    [
        (START, [0, 1, 5, 6, -3, 0, 2]),
        ("first", [0, 1, 5, 6, -3, 0, 2]),
        ("last", [-6, -5, -1, 0, -5, -2, 0]),
        # What is missing is not before anything.
        ("previous", [0, 1, 4, 5, 0, 0, 2]),
    ],
)
def test_whole_numbers_lose_no_digit(offset, expected):
    found, known = reduce(TIMES, Scaling(offset=offset, scale=0.5))
    np.testing.assert_array_equal(found[THERE], 0.5 * np.array(expected)[THERE])
    np.testing.assert_array_equal(known, THERE)


def test_a_fraction_is_subtracted_in_float64():
    found, _ = reduce(np.array([3, 4, 5, 6, 7, 8, 9]), Scaling(offset=0.1))
    np.testing.assert_array_equal(found, np.arange(3, 10) - 0.1)
    floats = np.float32([0.1, 0.2, 3e9, 0.3, 1, 2, 3])
    found, _ = reduce(floats, Scaling(offset=1e9, scale=3.0))
    np.testing.assert_array_equal(found, (floats.astype("float64") - 1e9) * 3.0)


def test_each_element_has_an_offset_of_its_own():
    values = tf.constant([[START, 10], [START + 1, 30]], tf.int64)
    scaling = Scaling(offset=(START, 10), scale=(1.0, 0.1))
    found, _ = reduced(values, tf.ones([2, 2], tf.bool), None, scaling)
    np.testing.assert_allclose(found, [[0, 0], [1, 2]], rtol=1e-15)


def test_another_feature_is_subtracted_where_it_is_there():
    others = Reference(tf.constant(TIMES[:, None] - 7), tf.constant(~THERE[:, None]))
    found, known = reduce(TIMES, Scaling(offset="start"), np.ones(7, bool), others)
    np.testing.assert_array_equal(found, np.full(7, 7.0))
    np.testing.assert_array_equal(known, ~THERE)
