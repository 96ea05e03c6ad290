"""The fused LSTM against the equations of its cell, in NumPy."""

import numpy as np

from tfx_sequences.components.network.fused_lstm import FusedLSTM


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_each_step_is_that_of_the_equations():
    x = np.random.default_rng(0).normal(size=(4, 6, 3)).astype("float32")
    layer = FusedLSTM(5, return_sequences=True)
    layer.build(x.shape)
    kernel, recurrent, _ = layer.get_weights()
    bias = np.linspace(-1, 1, 20).astype("float32")
    layer.set_weights([kernel, recurrent, bias])
    h = c = np.zeros((4, 5))
    found = layer(x).numpy()
    for step in range(6):
        i, f, new, o = np.split(x[:, step] @ kernel + h @ recurrent + bias, 4, axis=-1)
        c = _sigmoid(f) * c + _sigmoid(i) * np.tanh(new)
        h = _sigmoid(o) * np.tanh(c)
        np.testing.assert_allclose(found[:, step], h, atol=1e-6)
