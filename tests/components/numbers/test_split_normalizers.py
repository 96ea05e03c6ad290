"""Normalisers by the training split, against scikit-learn's."""

import numpy as np
import tensorflow as tf
from sklearn.preprocessing import QuantileTransformer, RobustScaler

from tfx_sequences.components.numbers.split_normalizers import RANKS, SplitNumbers, buckets, quantile_to_normal, robust

RANDOM = np.random.default_rng(0)
TRAIN = np.stack([RANDOM.lognormal(size=2_000), 1e-6 * RANDOM.standard_cauchy(2_000), RANDOM.normal(1e6, 1, 2_000)], 1)


def split_of(train, number):
    return SplitNumbers(
        tf.constant(np.stack([train.mean(0), train.std(0), *np.zeros((4, train.shape[1]))], 1)),
        tf.constant(np.quantile(train, np.linspace(0, 1, number + 1), axis=0).T),
    )


def test_robust_is_that_of_scikit_learn():
    found = robust(tf.constant(TRAIN), split_of(TRAIN, 4))
    np.testing.assert_allclose(found, RobustScaler().fit_transform(TRAIN), rtol=1e-9)


def test_robust_takes_the_standard_deviation_where_the_quartiles_are_equal():
    train = np.array([[0.0]] * 9 + [[10.0]])
    found = robust(tf.constant([[10.0]], tf.float64), split_of(train, 4))
    np.testing.assert_allclose(found, [[10.0 / train.std()]])
    constant = np.full((5, 1), 7.0)
    assert robust(tf.constant([[8.0]], tf.float64), split_of(constant, 4)).numpy().tolist() == [[1.0]]


def test_quantile_is_that_of_scikit_learn():
    theirs = QuantileTransformer(n_quantiles=RANKS + 1, output_distribution="normal", subsample=None).fit(TRAIN)
    values = np.concatenate([TRAIN[::3], TRAIN.min(0)[None] - 1, TRAIN.max(0)[None] + 1, TRAIN[:9] * 1.001])
    found = quantile_to_normal(tf.constant(values), split_of(TRAIN, RANKS))
    np.testing.assert_allclose(found, theirs.transform(values), rtol=1e-6, atol=1e-6)


def test_equal_values_have_the_rank_in_their_middle():
    train = np.array([[0.0]] * 90 + [[1.0]] * 10)
    zero, one, between = quantile_to_normal(
        tf.constant([[0.0], [1.0], [0.5]], tf.float64), split_of(train, RANKS)
    ).numpy()
    # 90 of 100 are equal: their ranks are about 0 to 0.9, those of the others 0.9 to 1.
    normal = tf.math.ndtri(tf.constant([0.45, 0.95, 0.9], tf.float64)).numpy()
    np.testing.assert_allclose(np.ravel([zero, one, between]), normal, atol=0.06)


def test_a_constant_becomes_zero():
    found = quantile_to_normal(tf.constant([[7.0]], tf.float64), split_of(np.full((5, 1), 7.0), RANKS))
    assert abs(found.numpy().item()) < 1e-12


def test_buckets_hold_equal_shares_of_the_training_values():
    quantiles = np.quantile(TRAIN, np.linspace(0, 1, 9), axis=0).T
    found = buckets(tf.constant(TRAIN), tf.constant(quantiles)).numpy()
    for element in range(3):
        assert np.bincount(found[:, element]).tolist() == [250] * 8
        np.testing.assert_array_equal(found[:, element], np.digitize(TRAIN[:, element], quantiles[element, 1:-1]))
