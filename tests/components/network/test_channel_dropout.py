"""Dropout of channels: whole columns are never dropped, and what is not dropped keeps its scale."""

import keras
import numpy as np
import pytest
from keras import tree

from tests.components.network.padded_records import batch
from tests.components.network.small_networks import STATISTICS
from tfx_sequences.components.network.channel_dropout import ChosenChannels, channel_dropout
from tfx_sequences.components.network.network import build_network
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

WIDTHS = (1, 8, 3, 20)
WIDE = np.repeat([False, True, False, True], WIDTHS)


def dropping(shape, rate=0.4, widths=WIDTHS):
    keras.utils.set_random_seed(7)
    inputs = keras.Input(shape)
    return keras.Model(inputs, channel_dropout(rate, inputs, widths, "drop"))


def test_channels_of_wide_columns_are_dropped_at_all_steps_of_a_record_and_others_are_kept():
    values = np.random.default_rng(0).uniform(1, 2, (500, 6, 32)).astype(np.float32)
    received = dropping((None, 32))(values, training=True).numpy()
    np.testing.assert_array_equal(received[..., ~WIDE], values[..., ~WIDE])
    dropped = received[..., WIDE] == 0
    np.testing.assert_array_equal(dropped, np.broadcast_to(dropped[:, :1], dropped.shape))
    # 500 * 28 independent draws: the share has a standard deviation of 0.004.
    assert dropped[:, 0].mean() == pytest.approx(0.4, abs=0.02)
    np.testing.assert_allclose(received[..., WIDE], np.where(dropped, 0, values[..., WIDE] / 0.6), rtol=1e-6)


def test_a_vector_of_a_record_is_dropped_by_the_same_rule():
    values = np.ones((500, 32), np.float32)
    received = dropping((32,))(values, training=True).numpy()
    np.testing.assert_array_equal(received[:, ~WIDE], 1)
    assert (received[:, WIDE] == 0).mean() == pytest.approx(0.4, abs=0.02)


def test_nothing_is_dropped_outside_training():
    values = np.random.default_rng(1).normal(size=(4, 3, 32)).astype(np.float32)
    np.testing.assert_array_equal(dropping((None, 32))(values), values)


def test_chosen_channels_are_saved_and_keep_the_mask(tmp_path):
    inputs = keras.Input((None, 2))
    masked = keras.layers.Masking()(inputs)
    chosen = ChosenChannels([True, False])([masked, 2 * masked])
    model = keras.Model(inputs, [chosen, keras.layers.LSTM(3)(chosen)])
    values = np.array([[[1.0, 2.0], [3.0, 4.0], [0.0, 0.0]]], np.float32)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    for received, expected in zip(again(values), model(values), strict=True):
        np.testing.assert_array_equal(received, expected)
    np.testing.assert_array_equal(model(values)[0][0], [[1, 4], [3, 8], [0, 0]])
    np.testing.assert_allclose(model(values)[1], model(values[:, :2])[1], atol=1e-6)


@pytest.mark.parametrize("context", ["head", "per_step"])
def test_in_training_a_network_sees_each_measured_value_of_each_record(context):
    spec = SequenceSpec(
        name="s",
        context={"age": {"type": "numeric"}, "city": {"type": "categorical"}},
        sequence={"x": {"type": "numeric", "shape": (2,)}, "token": {"type": "categorical"}},
        label={"key": "y"},
        model={"units": (4,), "bidirectional": False, "dropout": 0.9, "context": context},
    )
    network = build_network(spec, STATISTICS, needs_steps=True)
    layers = keras.Model(network.inputs, network.steps).layers
    recurrent = next(layer for layer in layers if isinstance(layer, keras.layers.LSTM))
    seen = keras.Model(network.inputs, {"steps": tree.flatten(recurrent.input)[0], "pooled": network.pooled})
    records = batch(4)
    plain, trained = (seen(records, training=training) for training in (False, True))
    numbers = [i for i, values in enumerate(np.moveaxis(plain["steps"].numpy(), -1, 0)) if _is_in(values, records)]
    assert len(numbers) == (3 if context == "per_step" else 2)
    for channel in numbers:
        np.testing.assert_array_equal(trained["steps"][..., channel], plain["steps"][..., channel])
    if context == "head":
        age = records["context.age"]
        channels = [i for i, values in enumerate(plain["pooled"].numpy().T) if np.array_equal(values, age)]
        assert len(channels) == 1
        np.testing.assert_array_equal(trained["pooled"][:, channels[0]], age)


def _is_in(values, records):
    """Whether `[B, T]` values are those of a numeric feature."""
    real = np.arange(values.shape[1]) < records["sequence_length"][:, None]
    age = np.broadcast_to(records["context.age"][:, None], values.shape)
    numbers = [*np.moveaxis(records["sequence.x"], -1, 0), age]
    return any(np.array_equal(np.where(real, values, 0), np.where(real, number, 0)) for number in numbers)
