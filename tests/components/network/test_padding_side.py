"""Padding on the left is moved to the right, whatever the steps hold."""

import keras
import numpy as np
import pytest

from tests.components.network.padded_records import batch
from tests.components.network.small_networks import STATISTICS, make_spec, run
from tfx_sequences.components.network.network import build_network
from tfx_sequences.components.network.padding_side import PaddingToRight
from tfx_sequences.schemas.spec.batching import Padding


def on_the_left(values, lengths):
    steps = values.shape[1]
    return np.stack([np.roll(row, steps - length, axis=0) for row, length in zip(values, lengths, strict=True)])


@pytest.mark.parametrize("shape", [(), (2,), (2, 3)])
def test_rows_are_moved_whole(shape):
    lengths = np.array([0, 1, 4, 5])
    right = np.random.default_rng(0).normal(size=(4, 5, *shape))
    moved = PaddingToRight()([on_the_left(right, lengths), lengths])
    np.testing.assert_array_equal(moved, right.astype("float32"))


def test_the_network_gives_the_same_for_both_sides():
    options = {"pooling": "attention", "context": "initial_state"}

    def build(spec):
        keras.utils.set_random_seed(3)
        network = build_network(spec, STATISTICS, needs_steps=True)
        return keras.Model(network.inputs, {"steps": network.steps, "pooled": network.pooled})

    spec = make_spec(**options)
    padding = {key: Padding(side="left", value=3) for key in ("x", "token")}
    left_spec = spec.model_copy(update={"batching": spec.batching.model_copy(update={"padding": padding})})
    inputs = batch(6)
    left = {
        name: on_the_left(values, inputs["sequence_length"]) if name.startswith("sequence.") else values
        for name, values in inputs.items()
    }
    assert any((left[name] != inputs[name]).any() for name in left)
    for received, expected in zip(run(build(left_spec), left), run(build(spec), inputs), strict=True):
        received, expected = (x if isinstance(x, list) else [x] for x in (received, expected))
        for one, other in zip(received, expected, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-6)
