"""Means of logarithms, against NumPy's logarithm of the mean."""

import numpy as np
import pytest

from tfx_sequences.components.kinds.log_mean_exp import log_mean_exp


@pytest.mark.parametrize("number", [1, 2, 5])
def test_it_is_the_logarithm_of_the_mean(number):
    probabilities = np.random.default_rng(1).random((number, 3, 4))
    expected = np.log(probabilities.mean(axis=0))
    np.testing.assert_allclose(log_mean_exp(list(np.log(probabilities))), expected, rtol=1e-5, atol=1e-6)


def test_numbers_that_exp_cannot_represent_are_no_problem():
    # log((exp(1000) + exp(1000 + log 3)) / 2) is 1000 + log 2.
    found = log_mean_exp([np.float32([1000.0, -1000.0]), np.float32([1000.0, -1000.0]) + np.log(np.float32(3))])
    np.testing.assert_allclose(found, [1000 + np.log(2), -1000 + np.log(2)], rtol=1e-6)
