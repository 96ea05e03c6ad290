"""A dense layer whose training loss sees a sample of the classes, against a softmax written in NumPy."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfx_sequences.components.kinds.sampled_logits import SampledLogits

CLASSES, DEPTH = 7, 3
VECTORS = np.random.default_rng(1).normal(size=(2, 4, DEPTH)).astype("float32")


@pytest.fixture
def layer():
    keras.utils.set_random_seed(3)
    layer = SampledLogits(CLASSES)
    layer.build(VECTORS.shape)
    layer.bias.assign(np.arange(CLASSES) / 10)
    return layer


def logits(layer):
    return VECTORS @ np.array(layer.kernel).T + np.array(layer.bias)


def test_outside_training_it_is_a_dense_layer(layer):
    np.testing.assert_allclose(layer(VECTORS), logits(layer), rtol=1e-5)
    np.testing.assert_array_equal(layer(VECTORS, training=True), VECTORS)
    again = SampledLogits.from_config(layer.get_config())
    assert again.compute_output_shape((2, None, DEPTH)) == (2, None, CLASSES)


def drawn_share(classes, by_rank):
    """The probability of each class in a draw."""
    ranks = np.arange(classes)
    return np.log1p(1 / (ranks + 1)) / np.log(classes + 1) if by_rank else np.full(classes, 1 / classes)


@pytest.mark.parametrize("by_rank", [True, False])
def test_the_loss_of_many_samples_is_that_of_all_classes(layer, by_rank):
    """Apart from the constant `log(number * share)` of each target."""
    targets, number = np.array([[0, 6, 3, 3], [1, 2, 5, 4]]), 20_000
    scores = logits(layer).astype(np.float64)
    whole = np.log(np.exp(scores).sum(-1)) - np.take_along_axis(scores, targets[..., None], -1)[..., 0]
    loss = layer.sampled_loss(tf.constant(targets), tf.constant(VECTORS), number, by_rank=by_rank)
    assert loss.shape == targets.shape
    np.testing.assert_allclose(loss - np.log(number * drawn_share(CLASSES, by_rank)[targets]), whole, atol=0.03)


@pytest.mark.parametrize("by_rank", [True, False])
def test_the_true_distribution_is_a_minimum_however_few_classes_are_drawn(by_rank):
    keras.utils.set_random_seed(0)
    shares = np.float32([0.9, 0.05, 0.05])
    layer = SampledLogits(3)
    layer.build((None, 1))
    layer.kernel.assign(np.zeros((3, 1)))
    layer.bias.assign(np.log(shares))

    @tf.function
    def gradient():
        with tf.GradientTape() as tape:
            losses = layer.sampled_loss(tf.range(3), tf.ones((3, 1)), 5, by_rank=by_rank)
            loss = tf.reduce_sum(shares * losses)
        return tape.gradient(loss, layer.bias.value)

    # Each has a standard deviation of 0.08; a sample without its target would give -0.03 for the first class.
    mean = np.mean([tf.convert_to_tensor(gradient()).numpy() for _ in range(800)], axis=0)
    np.testing.assert_allclose(mean, np.zeros(3), atol=0.01)


def test_each_step_draws_another_sample(layer):
    targets = tf.constant([[0, 6, 3, 3], [1, 2, 5, 4]])
    first, second = (layer.sampled_loss(targets, tf.constant(VECTORS), 2, by_rank=False).numpy() for _ in range(2))
    assert not np.array_equal(first, second)
    assert np.isfinite(first).all() and np.isfinite(second).all()


def test_gradients_reach_the_rows_of_targets(layer):
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer.sampled_loss(tf.constant([[5] * 4] * 2), tf.constant(VECTORS), 1, by_rank=True))
    gradient = tf.convert_to_tensor(tape.gradient(loss, layer.kernel.value)).numpy()
    assert np.abs(gradient[5]).max() > 0
    assert np.count_nonzero(np.abs(gradient).max(axis=1)) <= 2
