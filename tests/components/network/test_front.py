"""Layers before the recurrent ones: a convolution that does not see padding, and dense layers by step."""

import keras
import numpy as np
import pytest

from tfx_sequences.components.network.front import MaskedConv1D, front_layer
from tfx_sequences.schemas.spec.model_options import Conv1DLayer, DenseLayer

X = np.random.default_rng(1).normal(size=(3, 6, 2)).astype("float32")
LENGTHS = [6, 2, 0]
MASK = np.arange(6)[None] < np.array(LENGTHS)[:, None]


def by_definition(x, kernel, bias, *, causal, dilation):
    """Each step's sum over its window, with zeros beyond both ends: `[T, D]` to `[T, filters]`."""
    width = len(kernel)
    reach = (width - 1) * dilation
    before = reach if causal else reach // 2
    padded = np.concatenate([np.zeros((before, x.shape[1])), x, np.zeros((reach, x.shape[1]))])
    steps = [sum(padded[t + w * dilation] @ kernel[w] for w in range(width)) + bias for t in range(len(x))]
    return np.reshape(steps, (len(x), len(bias)))


@pytest.mark.parametrize("padding", ["causal", "same"])
@pytest.mark.parametrize(("width", "dilation"), [(3, 1), (2, 1), (3, 2)])
def test_real_steps_are_those_of_the_record_alone(padding, width, dilation):
    keras.utils.set_random_seed(3)
    options = Conv1DLayer(
        type="conv1d", filters=4, kernel_size=width, padding=padding, dilation_rate=dilation, activation="linear"
    )
    layer = front_layer(options, 5)
    assert layer.name == "front_5"
    found = layer(X, mask=MASK).numpy()
    kernel, bias = (np.array(w) for w in layer.get_weights())
    for row, length in enumerate(LENGTHS):
        expected = by_definition(X[row, :length], kernel, bias, causal=padding == "causal", dilation=dilation)
        np.testing.assert_allclose(found[row, :length], expected, atol=1e-5)


def test_without_a_mask_it_is_a_convolution():
    ours, theirs = MaskedConv1D(4, 3, padding="same"), keras.layers.Conv1D(4, 3, padding="same")
    for layer in (ours, theirs):
        layer.build(X.shape)
    theirs.set_weights(ours.get_weights())
    np.testing.assert_array_equal(ours(X), theirs(X))


def test_a_dense_layer_acts_on_each_step():
    layer = front_layer(DenseLayer(type="dense", units=4, activation="tanh"), 0)
    found = layer(X).numpy()
    kernel, bias = layer.get_weights()
    np.testing.assert_allclose(found, np.tanh(X @ kernel + bias), atol=1e-6)
