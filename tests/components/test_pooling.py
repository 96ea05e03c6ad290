import keras
import numpy as np
import pytest
from keras import layers

from tfx_sequences.components.pooling import LastStep, MaskedPooling1D


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
