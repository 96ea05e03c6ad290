"""Clipping: by NumPy's definition, and by what it may not do: weigh targets by the batch they are in."""

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


@pytest.mark.parametrize(("share", "expected"), [(1.0, 2.0), (0.5, 1.0), (2.0, 4.0), (3.0, 5.0), (0.0, 0.0)])
def test_the_bound_grows_with_the_targets_of_the_step(share, expected):
    clipped = GradientClipping(norm=2.0)([tf.constant([3.0]), None, slices([[4.0]], [2], 9)], share)
    np.testing.assert_allclose(global_norm(clipped), expected, rtol=1e-6)
    assert clipped[1] is None


def test_a_scaled_loss_has_a_scaled_bound():
    [clipped] = GradientClipping(norm=2.0)([tf.constant([3.0, 4.0]) * 1024], 1.0, tf.constant(1024.0))
    np.testing.assert_allclose(clipped / 1024, [1.2, 1.6], rtol=1e-6)


def test_each_element_is_clipped_by_value():
    [dense, sparse] = GradientClipping(value=0.5)([tf.constant([3.0, -0.2]), slices([[-4.0, 1.5]], [2], 9)], 2.0)
    np.testing.assert_allclose(dense, [1.0, -0.2])
    np.testing.assert_allclose(sparse.values, [[-1.0, 1.0]])


def test_a_gradient_that_is_not_finite_stays_so():
    """So that half precision can skip the step, and a training that diverges is found."""
    [clipped] = GradientClipping(norm=1.0)([tf.constant([1.0, float("nan")])], 1.0)
    assert not np.isfinite(clipped.numpy()).all()


def test_without_bounds_nothing_changes():
    assert not GradientClipping()
    gradients = [tf.constant([3.0, 4.0])]
    assert GradientClipping()(gradients, 1.0) is gradients
    np.testing.assert_allclose(scaled(gradients, 0.5)[0], [1.5, 2.0])
