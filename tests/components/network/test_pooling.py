import keras
import numpy as np
import pytest
from keras import layers

from tfx_sequences.components.network.pooling import AttentionPooling1D, LastStep, MaskedPooling1D


@pytest.mark.parametrize("how", ["mean", "max"])
def test_pooling_equals_that_of_the_unpadded_rows(how):
    x = np.random.default_rng(0).normal(size=(3, 5, 2)).astype("float32") - 4
    lengths = [5, 2, 1]
    mask = np.arange(5)[None] < np.array(lengths)[:, None]
    pooled = MaskedPooling1D(how)(x, mask=mask)
    expected = [getattr(np, how)(x[i, :n], axis=0) for i, n in enumerate(lengths)]
    np.testing.assert_allclose(pooled, expected, rtol=1e-6)
    np.testing.assert_allclose(MaskedPooling1D(how)(x), getattr(np, how)(x, axis=1), rtol=1e-6)


@pytest.mark.parametrize("bidirectional", [True, False])
def test_the_last_step_is_what_a_layer_gives_that_returns_no_sequences(bidirectional):
    x = np.random.default_rng(0).normal(size=(4, 5, 2)).astype("float32")
    mask = np.arange(5)[None] < np.array([5, 2, 0, 1])[:, None]
    keras.utils.set_random_seed(0)
    both = []
    for sequences in (True, False):
        layer = layers.LSTM(3, return_sequences=sequences, use_cudnn=False)
        layer = layers.Bidirectional(layer) if bidirectional else layer
        layer.build(x.shape)
        if both:
            layer.set_weights(both[0][0].get_weights())
        both.append((layer, layer(x, mask=mask)))
    (_, steps), (_, last) = both
    np.testing.assert_allclose(LastStep(bidirectional)(steps, mask=mask), last, rtol=1e-6)
    assert not np.any(last[2])


def test_attention_is_a_softmax_over_the_real_steps():
    keras.utils.set_random_seed(0)
    x = np.random.default_rng(0).normal(size=(3, 5, 2)).astype("float32")
    lengths = [5, 2, 0]
    layer = AttentionPooling1D()
    pooled = layer(x, mask=np.arange(5)[None] < np.array(lengths)[:, None])
    kernel, bias, query = layer.get_weights()
    for row, n in enumerate(lengths[:2]):
        scores = np.tanh(x[row, :n] @ kernel + bias) @ query
        weights = np.exp(scores) / np.exp(scores).sum()
        np.testing.assert_allclose(pooled[row], (weights * x[row, :n]).sum(0), rtol=1e-5)
    np.testing.assert_array_equal(pooled[2], [0, 0])
    np.testing.assert_allclose(layer(x[:1]), pooled[:1], rtol=1e-6)


@pytest.mark.parametrize(
    "layer", [MaskedPooling1D("mean"), MaskedPooling1D("max"), AttentionPooling1D(), LastStep(bidirectional=True)]
)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_pools_long_sequences_too(layer, dtype):
    steps = 5000  # more than float16 can count
    layer = type(layer).from_config({**layer.get_config(), "dtype": f"mixed_{dtype}"})
    x = np.ones((2, steps, 2), "float32")
    pooled = layer(x, mask=np.arange(steps)[None] < np.array([steps, 4000])[:, None])
    assert keras.backend.standardize_dtype(pooled.dtype) == dtype
    np.testing.assert_allclose(np.asarray(pooled, "float32"), np.ones((2, 2)), atol=0.02)
