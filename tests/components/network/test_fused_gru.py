"""The fused GRU against the equations of its cell in NumPy, and its gradient against differences."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfx_sequences.components.network.fused_gru import FusedGRU, _gru


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def _states(inputs, h, recurrent, bias):
    """States of `[T, B, 3D]`, in float64."""
    found = []
    for of_step in inputs:
        update, reset, new = np.split(of_step, 3, axis=-1)
        old_update, old_reset, old_new = np.split(h @ recurrent + bias, 3, axis=-1)
        update, reset = _sigmoid(update + old_update), _sigmoid(reset + old_reset)
        h = update * h + (1 - update) * np.tanh(new + reset * old_new)
        found.append(h)
    return np.stack(found)


@pytest.fixture
def given():
    random = np.random.default_rng(0)
    return [random.normal(size=shape) for shape in ((6, 4, 15), (4, 5), (5, 15), (15,))]


def test_each_step_is_that_of_the_equations(given):
    found = _gru(*(tf.constant(part, tf.float32) for part in given))
    np.testing.assert_allclose(found, _states(*given), atol=1e-6)


def test_the_gradient_is_the_limit_of_differences(given):
    parts = [tf.constant(part, tf.float32) for part in given]
    weights = np.random.default_rng(1).normal(size=(6, 4, 5))
    with tf.GradientTape() as tape:
        tape.watch(parts)
        loss = tf.reduce_sum(_gru(*parts) * weights)
    for index, found in enumerate(tape.gradient(loss, parts)):
        step = np.random.default_rng(index).normal(size=given[index].shape)
        moved = [[*given[:index], given[index] + sign * 1e-6 * step, *given[index + 1 :]] for sign in (1, -1)]
        up, down = (np.sum(_states(*of) * weights) for of in moved)
        np.testing.assert_allclose(np.sum(found * step), (up - down) / 2e-6, rtol=1e-4)


def test_a_cell_that_resets_before_its_product_is_left_to_keras():
    x = np.random.default_rng(2).normal(size=(3, 4, 2)).astype("float32")
    fused = FusedGRU(5, reset_after=False)
    plain = keras.layers.GRU(5, reset_after=False, use_cudnn=False)
    fused.build(x.shape)
    plain.build(x.shape)
    plain.set_weights(fused.get_weights())
    np.testing.assert_allclose(fused(x), plain(x), atol=1e-6)
