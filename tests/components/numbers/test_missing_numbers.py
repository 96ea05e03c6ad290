"""What stands in the place of missing numbers, against NumPy, record by record."""

import numpy as np
import pytest
import tensorflow as tf

from tests.components.numbers.by_numpy import carried, interpolated
from tfx_sequences.components.numbers.missing_numbers import Neighbours, fill_missing, observed, take_steps

LENGTHS = np.array([5, 0, 1, 9, 3, 0, 40])


@pytest.fixture(scope="module")
def numbers():
    random = np.random.default_rng(4)
    values = random.normal(size=(LENGTHS.sum(), 3))
    there = random.random(values.shape) < 0.6
    there[5:8, 1] = False
    there[18:, 2] = False
    return values, there


def records(*arrays):
    return zip(*(np.split(x, np.cumsum(LENGTHS)[:-1]) for x in arrays), strict=True)


@pytest.mark.parametrize(("how", "truth"), [("previous", carried), ("interpolate", interpolated)])
@pytest.mark.parametrize("traced", [False, True])
def test_filled_from_other_steps(numbers, how, truth, traced):
    values, there = numbers
    fill = tf.function(fill_missing) if traced else fill_missing
    found = fill(tf.constant(values), tf.constant(there), tf.constant(LENGTHS), how)
    expected = np.concatenate([truth(v, t) for v, t in records(values, there)])
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_neighbours_are_of_the_same_record(numbers):
    values, there = numbers
    neighbours = Neighbours(tf.constant(there), tf.constant(LENGTHS))
    starts = np.repeat(np.cumsum(LENGTHS) - LENGTHS, LENGTHS)
    ends = np.repeat(np.cumsum(LENGTHS), LENGTHS)
    for name, places in {
        "latest": lambda at, n: at[at <= n][-1:],
        "before": lambda at, n: at[at < n][-1:],
        "next": lambda at, n: at[at >= n][:1],
        "first": lambda at, n: at[:1],
        "last": lambda at, n: at[-1:],
    }.items():
        steps, known = getattr(neighbours, name)()
        for step in range(len(values)):
            for element in range(3):
                at = np.flatnonzero(there[:, element])
                expected = places(at[(at >= starts[step]) & (at < ends[step])], step)
                assert known[step, element] == bool(len(expected)), (name, step, element)
                assert not len(expected) or steps[step, element] == expected[0], (name, step, element)


def test_nothing_at_all_is_no_error():
    nothing = tf.zeros([0, 2], tf.float64)
    for how in ("previous", "interpolate"):
        assert fill_missing(nothing, nothing > 0, tf.zeros([3], tf.int64), how).shape == (0, 2)
    assert take_steps(nothing, tf.zeros([0, 2], tf.int64)).shape == (0, 2)


def test_what_says_that_a_number_is_missing():
    floats = tf.constant([[1.0, np.nan], [-9999.0, 0.0]])
    assert observed(floats).numpy().tolist() == [[True, False], [True, True]]
    assert observed(floats, -9999).numpy().tolist() == [[True, False], [False, True]]
    whole = tf.constant([-1, -(2**63), 7], tf.int64)
    assert observed(whole).numpy().tolist() == [True, False, True]
    assert observed(whole, -1.0).numpy().tolist() == [False, False, True]
    # No whole number is a half.
    assert observed(whole, -0.5).numpy().tolist() == [True, False, True]
