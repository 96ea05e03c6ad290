"""The mask for cuDNN: its conditions in place of the kernels, and the answers and gradients of the usual mask."""

import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfx_sequences as tfs
from tests.components.network.small_networks import STATISTICS, make_spec
from tfx_sequences.components.network import recurrent
from tfx_sequences.components.network.network import build_network
from tfx_sequences.errors import UserInputError
from tfx_sequences.layers import MaskedPooling1D, SequenceFeatures, length_mask

LENGTHS = np.array([3, 0, 5, 1, 0])
X = np.random.default_rng(0).normal(size=(5, 5, 2)).astype(np.float32)
FEATURES = {"x": tf.constant(X), "sequence_length": tf.constant(LENGTHS)}
COLUMN = tfs.sequence_numeric_column("x", shape=2)


@pytest.fixture
def checked(monkeypatch):
    """Keras' recurrent layers, which here first meet cuDNN's conditions and then fall back on Keras' own loop."""
    masks = []

    def kernel(*arguments, **options):
        mask = options["mask"] if "mask" in options else next(a for a in arguments if getattr(a, "dtype", 0) == tf.bool)
        mask = np.array(mask)
        masks.append(mask)
        lengths = mask.sum(axis=1)
        assert lengths.min() > 0, "a row without a step"
        assert np.array_equal(mask, np.arange(mask.shape[1]) < lengths[:, None]), "padding is not on the right"
        raise NotImplementedError

    backend = sys.modules[keras.layers.GRU.__module__].backend
    for name in ("gru", "lstm"):
        monkeypatch.setattr(backend, name, kernel)
    return masks


def pooled(policy, cell, use_cudnn="auto"):
    """Answers `[B, 3]`, their gradients in each weight, and the last states."""
    keras.utils.set_random_seed(1)
    layer = cell(3, return_sequences=True, return_state=True, use_cudnn=use_cudnn)
    with tf.GradientTape() as tape:
        steps, lengths = SequenceFeatures([COLUMN], mask_policy=policy)(FEATURES)
        states, *last = layer(steps)
        found = MaskedPooling1D("mean")(states, mask=length_mask(lengths, states))
        loss = tf.reduce_sum(found**2)
    return found.numpy(), tape.gradient(loss, layer.trainable_weights), last[0].numpy()


@pytest.mark.parametrize("cell", [keras.layers.GRU, keras.layers.LSTM])
def test_answers_and_gradients_are_those_of_the_usual_mask(cell, checked):
    expected, gradients, last = pooled("real_steps", cell, use_cudnn=False)
    assert not checked
    found, found_gradients, found_last = pooled("cudnn", cell)
    assert len(checked) == 1
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert not found[LENGTHS == 0].any()
    for ours, theirs in zip(found_gradients, gradients, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)
    np.testing.assert_allclose(found_last[LENGTHS > 0], last[LENGTHS > 0], atol=1e-6)
    assert np.isfinite(found_last).all()


def test_the_usual_mask_does_not_meet_the_conditions(checked):
    with pytest.raises(AssertionError, match="a row without a step"):
        pooled("real_steps", keras.layers.GRU)


def test_only_the_first_step_of_rows_without_steps_differs():
    usual, safe = (keras_mask(SequenceFeatures([COLUMN], mask_policy=p)(FEATURES)[0]) for p in ("real_steps", "cudnn"))
    np.testing.assert_array_equal(usual, np.arange(5) < LENGTHS[:, None])
    np.testing.assert_array_equal(safe, np.arange(5) < np.maximum(LENGTHS, 1)[:, None])


def keras_mask(steps):
    """The mask that comes with a tensor, as a layer is given it."""

    class Seen(keras.layers.Layer):
        def call(self, inputs, mask=None):
            self.seen = mask
            return inputs

    layer = Seen()
    layer(steps)
    return layer.seen


def test_a_model_and_its_file_keep_the_policy(tmp_path, checked):
    inputs = {"x": keras.Input((None, 2), name="x"), "sequence_length": keras.Input((), name="n", dtype="int64")}
    steps, lengths = SequenceFeatures([COLUMN], mask_policy="cudnn")(inputs)
    states = keras.layers.GRU(3, return_sequences=True)(keras.layers.GRU(3, return_sequences=True)(steps))
    model = keras.Model(inputs, MaskedPooling1D("mean")(states, mask=length_mask(lengths, states)))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(FEATURES), model(FEATURES))
    assert len(checked) == 4


def test_an_unknown_policy_is_told():
    with pytest.raises(UserInputError, match=r"'cuddn'[\s\S]*Did you mean 'cudnn'"):
        SequenceFeatures([COLUMN], mask_policy="cuddn")


def by_hand(spec, statistics, inputs, use_cudnn):
    """The recipe of docs/networks.md, in two layers."""
    steps = keras.layers.GRU(3, return_sequences=True, use_cudnn=use_cudnn)(inputs.steps)
    steps = keras.layers.LSTM(3, return_sequences=True, use_cudnn=use_cudnn)(steps)
    return inputs.network(steps=steps, pooled=MaskedPooling1D("mean")(steps, mask=inputs.mask))


@pytest.mark.parametrize(
    "options",
    [
        {"builder": f"{__name__}.by_hand"},
        {"cell": "lstm", "units": (3, 3)},
        {"cell": "gru", "bidirectional": True},
        {"cell": "gru", "front": [{"type": "conv1d", "filters": 2, "kernel_size": 3}]},
    ],
    ids=["builder", "lstm", "bidirectional", "convolution"],
)
def test_networks_never_give_a_kernel_a_record_without_steps(options, checked, monkeypatch):
    monkeypatch.setattr(recurrent, "_has_gpu", lambda: True)
    keras.utils.set_random_seed(2)
    network = build_network(make_spec(**options), STATISTICS, "auto", needs_pooled=True)
    model = keras.Model(network.inputs, network.pooled)
    lengths = np.array([2, 0, 3])
    batch = {name: np.zeros((3, *[d or 3 for d in x.shape[1:]]), x.dtype) for name, x in network.inputs.items()}
    found = model({**batch, "sequence_length": lengths}).numpy()
    assert checked and np.isfinite(found).all()
