"""Clipping, by NumPy's definition."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfx_sequences.components.network.gradient_clipping import GradientClipping, global_norm, scaled


def slices(values, rows, size):
    return tf.IndexedSlices(tf.constant(values, tf.float32), tf.constant(rows), tf.constant([size, len(values[0])]))


def test_the_norm_is_that_of_the_dense_gradients():
    random = np.random.default_rng(0)
    matrix, values = random.normal(size=(3, 4)), random.normal(size=(6, 2))
    rows = [4, 1, 4, 4, 0, 1]
    dense = np.zeros((5, 2))
    np.add.at(dense, rows, values)
    received = global_norm([tf.constant(matrix, tf.float32), None, slices(values, rows, 5)])
    np.testing.assert_allclose(received, np.sqrt((matrix**2).sum() + (dense**2).sum()), rtol=1e-6)


@pytest.mark.parametrize(("bound", "expected"), [(2.0, 2.0), (5.0, 5.0), (7.0, 5.0)])
def test_the_norm_is_bounded(bound, expected):
    clipped = GradientClipping(norm=bound)([tf.constant([3.0]), None, slices([[4.0]], [2], 9)])
    np.testing.assert_allclose(global_norm(clipped), expected, rtol=1e-6)
    assert clipped[1] is None


def test_a_scaled_loss_has_a_scaled_bound():
    [clipped] = GradientClipping(norm=2.0)([tf.constant([3.0, 4.0]) * 1024], tf.constant(1024.0))
    np.testing.assert_allclose(clipped / 1024, [1.2, 1.6], rtol=1e-6)


def test_each_element_is_clipped_by_value():
    [dense, sparse] = GradientClipping(value=0.5)([tf.constant([3.0, -0.2]), slices([[-4.0, 0.1]], [2], 9)])
    np.testing.assert_allclose(dense, [0.5, -0.2])
    np.testing.assert_allclose(sparse.values, [[-0.5, 0.1]])


def adaptive():
    """A clipping, and what it makes of a gradient of one number."""
    clipping = GradientClipping(norm="adaptive")
    clipping.build(keras.optimizers.SGD())
    return lambda norm: float(clipping([tf.constant([norm])])[0][0])


def test_an_adaptive_bound_is_ten_times_the_mean_so_far():
    clip, mean, weight = adaptive(), 0.0, 0.0
    for norm in [3.0, 5.0, 1.0, 400.0, 2.0, 29.0]:
        bound = 10 * mean / weight if weight else norm
        assert clip(norm) == pytest.approx(min(norm, bound), rel=1e-5)
        mean, weight = 0.99 * mean + 0.01 * min(norm, bound), 0.99 * weight + 0.01


def test_an_adaptive_bound_follows_any_scale_and_outlives_what_is_not_finite():
    clip = adaptive()
    assert [clip(x) for x in (0.0, 0.0, 1e-9, 1e-9)] == pytest.approx([0, 0, 1e-9, 1e-9], rel=1e-5)
    assert np.isnan(clip(float("nan")))
    assert np.isfinite(clip(1e9)) and clip(1e9) < 1e9


def test_a_gradient_that_is_not_finite_stays_so():
    """So that half precision can skip the step, and a training that diverges is found."""
    [clipped] = GradientClipping(norm=1.0)([tf.constant([1.0, float("nan")])])
    assert not np.isfinite(clipped.numpy()).all()


def test_without_bounds_nothing_changes():
    assert not GradientClipping()
    gradients = [tf.constant([3.0, 4.0])]
    assert GradientClipping()(gradients) is gradients
    np.testing.assert_allclose(scaled(gradients, 0.5)[0], [1.5, 2.0])
