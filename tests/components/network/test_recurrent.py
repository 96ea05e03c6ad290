"""Recurrent layers: the mask for their kernels, the kernels themselves, and stacked layers by hand."""

import keras
import numpy as np
import pytest

from tests.components.network.small_networks import build
from tfx_sequences.components.network import recurrent
from tfx_sequences.components.network.fused_gru import FusedGRU
from tfx_sequences.components.network.fused_lstm import FusedLSTM
from tfx_sequences.components.network.recurrent import KernelMask, recurrent_layers
from tfx_sequences.schemas.spec.model_options import Model

X = np.random.default_rng(1).normal(size=(3, 5, 2)).astype("float32")
MASK = np.arange(5)[None] < np.array([5, 2, 0])[:, None]


def test_only_the_first_step_becomes_real():
    np.testing.assert_array_equal(KernelMask()(MASK), MASK | (np.arange(5) == 0))


def layers_of(context=None, **options):
    """The model of the layers alone; its inputs are steps, mask and context."""
    keras.utils.set_random_seed(3)
    inputs = [keras.Input((None, 2)), keras.Input((None,), dtype="bool")]
    inputs += [keras.Input((context,))] if context else []
    given = Model(**{"units": (4,), "bidirectional": False, "dropout": 0.0, **options})
    outputs = recurrent_layers(given, inputs[0], inputs[1], inputs[2] if context else None, use_cudnn=False)
    return keras.Model(inputs, outputs)


def simple_rnn(x, weights, state):
    """`h = tanh(x W + h U + b)`, step by step: `[T, D]` to `[T, units]`."""
    kernel, recurrent_kernel, bias = weights
    states = []
    for step in x:
        state = np.tanh(step @ kernel + state @ recurrent_kernel + bias)
        states.append(state)
    return np.array(states).reshape(len(x), -1)


def test_stacked_layers_are_the_recurrence_and_zero_at_padded_steps():
    model = layers_of(cell="simple_rnn", units=(4, 3))
    found = model([X, MASK]).numpy()
    for row, length in enumerate([5, 2]):
        steps = X[row, :length]
        for name, units in (("simple_rnn_0", 4), ("simple_rnn_1", 3)):
            steps = simple_rnn(steps, model.get_layer(name).get_weights(), np.zeros(units))
        np.testing.assert_allclose(found[row, :length], steps, atol=1e-6)
    assert not found[1, 2:].any()


def test_the_context_gives_the_first_state():
    context = np.random.default_rng(2).normal(size=(3, 6)).astype("float32")
    model = layers_of(context=6, cell="simple_rnn")
    found = model([X, MASK, context]).numpy()
    kernel, bias = model.get_layer("initial_h_forward_0").get_weights()
    expected = simple_rnn(X[0], model.get_layer("simple_rnn_0").get_weights(), np.tanh(context[0] @ kernel + bias))
    np.testing.assert_allclose(found[0], expected, atol=1e-6)


def test_two_directions_are_concatenated_and_normalized_if_told():
    both = layers_of(bidirectional=True, layer_normalization=True)([X, MASK]).numpy()
    assert both.shape == (3, 5, 8)
    np.testing.assert_allclose(both[0].mean(axis=-1), np.zeros(5), atol=1e-5)


@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize(
    ("cell", "fused", "plain"), [("lstm", FusedLSTM, keras.layers.LSTM), ("gru", FusedGRU, keras.layers.GRU)]
)
def test_without_a_gpu_a_fused_layer_trains_and_a_plain_one_is_exported(cell, fused, plain, bidirectional, monkeypatch):
    def kinds(gpus, **options):
        monkeypatch.setattr(recurrent, "_has_gpu", lambda: gpus)
        layers = build(bidirectional=bidirectional, cell=cell, **options)._flatten_layers()
        return {type(layer) for layer in layers if isinstance(layer, plain)}

    assert kinds(gpus=False) == {fused}
    assert kinds(gpus=True) == {plain}
    assert kinds(gpus=False, use_cudnn=False) == {plain}
    assert kinds(gpus=False, recurrent_dropout=0.5) == {plain}
