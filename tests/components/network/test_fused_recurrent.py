"""A fused layer is the plain one: outputs, states and gradients, by equivalence."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfx_sequences.components.network.fused_gru import FusedGRU
from tfx_sequences.components.network.fused_lstm import FusedLSTM

BATCH, STEPS, WIDTH, UNITS = 40, 7, 3, 5
# The fused layer, the plain one, the number of states.
CELLS = {"lstm": (FusedLSTM, keras.layers.LSTM, 2), "gru": (FusedGRU, keras.layers.GRU, 1)}


@pytest.fixture(params=CELLS)
def cell(request):
    return request.param


def data(cell, full):
    random = np.random.default_rng(0)
    x = random.normal(size=(BATCH, STEPS, WIDTH)).astype("float32")
    lengths = np.full(BATCH, STEPS) if full else random.integers(0, STEPS + 1, BATCH)
    states = [random.normal(size=(BATCH, UNITS)).astype("float32") for _ in range(CELLS[cell][2])]
    return x, np.arange(STEPS) < lengths[:, None], states


def pair(cell, shards, **options):
    make_fused, make_plain, _ = CELLS[cell]
    keras.utils.set_random_seed(0)
    fused = make_fused(UNITS, shards=shards, return_state=True, **options)
    plain = make_plain(UNITS, use_cudnn=False, return_state=True, **options)
    for layer in (fused, plain):
        layer.build((None, None, WIDTH))
    plain.set_weights(fused.get_weights())
    return fused, plain


def run(layer, x, mask, states, training=False):
    """Outputs and states, and gradients of what depends on all of them."""
    x, states = tf.convert_to_tensor(x), [tf.convert_to_tensor(s) for s in states]
    with tf.GradientTape() as tape:
        tape.watch([x, *states])
        results = layer(x, mask=mask, initial_state=states, training=training)
        loss = sum(tf.reduce_sum(r**2 * (1 + i)) for i, r in enumerate(results))
    return results, tape.gradient(loss, [x, *states, *layer.trainable_variables])


@pytest.mark.parametrize("as_graph", [True, False])
@pytest.mark.parametrize("shards", [1, 3])
@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize(
    "options",
    [
        {"return_sequences": True, "zero_output_for_mask": True},
        {"return_sequences": True, "zero_output_for_mask": True, "go_backwards": True},
        {"return_sequences": True},
        {"return_sequences": True, "go_backwards": True},
        {},
        {"go_backwards": True},
    ],
    ids=str,
)
def test_outputs_states_and_gradients_are_those_of_keras(cell, options, full, shards, as_graph):
    fused, plain = pair(cell, shards, **options)
    given = data(cell, full)
    call = tf.function(run) if as_graph else run
    received, expected = call(fused, *given), run(plain, *given)
    for got, wanted in zip(tf.nest.flatten(received), tf.nest.flatten(expected), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-5)


def test_a_batch_too_small_to_split_is_not(cell):
    fused, plain = pair(cell, shards=4, return_sequences=True)
    x, mask, states = (tf.nest.map_structure(lambda v: v[:3], part) for part in data(cell, full=False))
    for got, wanted in zip(run(fused, x, mask, states)[0], run(plain, x, mask, states)[0], strict=True):
        np.testing.assert_allclose(got, wanted, atol=1e-6)


@pytest.mark.parametrize(
    "options", [{"activation": "relu"}, {"recurrent_activation": "hard_sigmoid"}, {"use_bias": False}], ids=str
)
def test_what_the_kernel_cannot_do_is_done_by_keras(cell, options):
    fused, plain = pair(cell, shards=2, **options)
    x, mask, _ = data(cell, full=False)
    for got, wanted in zip(fused(x, mask=mask), plain(x, mask=mask), strict=True):
        np.testing.assert_allclose(got, wanted, atol=1e-6)


@pytest.mark.parametrize("options", [{"dropout": 0.5}, {"recurrent_dropout": 0.5}], ids=str)
def test_dropout_of_the_cell_drops_in_training_only(cell, options):
    fused, plain = pair(cell, shards=2, **options)
    given = data(cell, full=False)
    (first, *_), _ = run(fused, *given, training=True)
    (second, *_), _ = run(fused, *given, training=True)
    assert not np.allclose(first, second)
    np.testing.assert_allclose(run(fused, *given)[0][0], run(plain, *given)[0][0], atol=1e-6)


@pytest.mark.parametrize("shards", [1, 2])
def test_graphs_take_any_number_of_rows_and_steps(cell, shards):
    fused, plain = pair(cell, shards, return_sequences=True)
    call = tf.function(
        lambda x: fused(x, mask=tf.ones(tf.shape(x)[:2], tf.bool))[0],
        input_signature=[tf.TensorSpec([None, None, WIDTH])],
    )
    for rows, steps in ((1, 1), (2, 9), (50, 4)):
        x = np.random.default_rng(rows).normal(size=(rows, steps, WIDTH)).astype("float32")
        np.testing.assert_allclose(call(x), plain(x)[0], atol=1e-6)


def test_the_layer_comes_back_from_its_config(cell):
    fused, _ = pair(cell, shards=3, return_sequences=True, go_backwards=True)
    again = type(fused).from_config(fused.get_config())
    assert (again.shards, again.units, again.go_backwards) == (3, UNITS, True)
