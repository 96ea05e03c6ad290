"""Losses, figures and gradients: neither batches nor padding may matter, by equivalence with rows one by one."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.components.network.many_heads import LENGTHS, LONGEST, ROWS, SPEC, STATISTICS, batch, records
from tfx_sequences.components.batches.label_batches import targets_and_weights
from tfx_sequences.components.network.model import build_model, compile_model
from tfx_sequences.components.network.sequence_model import SequenceModel
from tfx_sequences.components.network.task_statistics import HeadStatistics, TaskStatistics
from tfx_sequences.schemas.spec.batching import Batching
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def one_by_one():
    return [batch([row], max(length, 1)) for row, length in enumerate(LENGTHS)]


SPLITS = {
    "all at once": [batch(range(ROWS), LONGEST)],
    "all at once, padded further": [batch(range(ROWS), 12)],
    "short and long apart": [batch([1, 2, 4], 2), batch([0, 3, 5, 6], 9)],
    "a short last batch": [batch([6, 0, 1, 2, 3, 4], 7), batch([5], 5)],
}


def compiled(spec):
    keras.utils.set_random_seed(2)
    built = build_model(spec, STATISTICS)
    compile_model(built, spec, STATISTICS, steps_per_epoch=4)
    return built


@pytest.fixture(scope="module")
def model():
    return compiled(SPEC)


@pytest.fixture(scope="module")
def models(model):
    """By the side where the features' padding stands, with the same weights."""
    padding = {"x": {"side": "left", "value": 9.0}}
    return {"right": model, "left": compiled(SPEC.model_copy(update={"batching": Batching(padding=padding)}))}


def epoch_gradient(model, batches):
    """Gradient of an epoch, head by head: the sum of those of its batches."""
    sums = {}
    for inputs, targets, weights in batches:
        losses = {}
        with tf.GradientTape(persistent=True) as tape:
            outputs = model(inputs, training=False)
            for name in SPEC.heads:
                alone = {head: w if head == name else tf.zeros_like(w) for head, w in weights.items()}
                losses[name] = model.compute_loss(inputs, targets, outputs, alone)
        for name, loss in losses.items():
            gradient = tape.gradient(loss, model.trainable_variables, unconnected_gradients="zero")
            parts = [tf.convert_to_tensor(g).numpy() for g in gradient]
            sums[name] = [a + b for a, b in zip(sums.get(name, [0] * len(parts)), parts, strict=True)]
    return sums


@pytest.fixture(scope="module")
def gradient(model):
    """That of the rows one by one, without padding."""
    found = epoch_gradient(model, one_by_one())
    for parts in found.values():
        assert max(np.abs(part).max() for part in parts) > 1e-3
    return found


def assert_same(received, expected):
    for name in SPEC.heads:
        for a, b in zip(expected[name], received[name], strict=True):
            np.testing.assert_allclose(b, a, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("split", SPLITS)
def test_an_epochs_gradient_is_that_of_its_rows_one_by_one(model, gradient, split):
    assert_same(epoch_gradient(model, SPLITS[split]), gradient)


EXTRA = st.integers(0, 5)


@settings(max_examples=5)
@given(
    rows=st.permutations(range(ROWS)),
    cuts=st.sets(st.integers(1, ROWS - 1)),
    extra=st.tuples(*[EXTRA] * ROWS),
    side=st.sampled_from(["left", "right"]),
)
def test_whatever_the_batches_and_their_padding(models, gradient, measured, rows, cuts, extra, side):
    parts = np.split(np.array(rows), sorted(cuts))
    batches = [batch(part, max(LENGTHS[part].max(), 1) + more, side) for part, more in zip(parts, extra, strict=False)]
    assert_same(epoch_gradient(models[side], batches), gradient)
    for name, value in figures(models[side], batches).items():
        np.testing.assert_allclose(value, measured[name], rtol=1e-5, atol=1e-6, err_msg=name)


def figures(model, batches):
    model.reset_metrics()
    for one in batches:
        model.test_step(one)
    return {name: float(value) for name, value in model.get_metrics_result().items()}


@pytest.fixture(scope="module")
def measured(model):
    """The figures of the rows one by one, without padding."""
    found = figures(model, one_by_one())
    assert {"loss", "tag_loss", "tag_accuracy", "tag_span_f1", "next_keys_accuracy", "level_loss"} <= set(found)
    return found


@pytest.mark.parametrize("split", SPLITS)
def test_an_epochs_figures_are_those_of_its_rows_one_by_one(model, measured, split):
    received = figures(model, SPLITS[split])
    for name, value in measured.items():
        np.testing.assert_allclose(received[name], value, rtol=1e-5, atol=1e-6, err_msg=name)


def test_the_figures_are_what_numpy_says(model):
    [(inputs, targets, weights)] = SPLITS["all at once"]
    outputs = {name: np.asarray(value, np.float64) for name, value in model(inputs, training=False).items()}
    found = figures(model, SPLITS["short and long apart"])
    weight, tag = np.asarray(weights["tag"]), np.asarray(targets["tag"])
    real = np.arange(LONGEST) < LENGTHS[:, None]
    expected_weight = records()["example_weight"][:, None] * records()["step_weight.tag"] * real
    np.testing.assert_allclose(weight, expected_weight)
    likelihood = np.exp(outputs["tag"]) / np.exp(outputs["tag"]).sum(-1, keepdims=True)
    nll = -np.log(np.take_along_axis(likelihood, tag[..., None], -1)[..., 0])
    by_class = np.array(STATISTICS.heads["tag"].class_weights)[tag]
    np.testing.assert_allclose(found["tag_loss"], (nll * by_class * weight).sum() / (weight > 0).sum(), rtol=1e-5)
    right = outputs["tag"].argmax(-1) == tag
    np.testing.assert_allclose(found["tag_accuracy"], (right * weight).sum() / weight.sum(), rtol=1e-5)
    # The target of a step is what comes two steps later; the last two have none.
    target_of_first = records()["label.next_keys"][:, 2]
    np.testing.assert_array_equal(np.asarray(targets["next_keys"])[:, 0], target_of_first)
    np.testing.assert_array_equal((np.asarray(weights["next_keys"]) > 0).sum(1), [3, 0, 0, 0, 0, 2, 5])
    share = 1 / (1 + np.exp(-outputs["next_keys"]))
    keys, weight = np.asarray(targets["next_keys"]), np.asarray(weights["next_keys"])
    joint = -(keys * np.log(share) + (1 - keys) * np.log(1 - share)).sum(-1)
    np.testing.assert_allclose(found["next_keys_loss"], (joint * weight).sum() / (weight > 0).sum(), rtol=1e-5)
    losses = {name: found[f"{name}_loss"] * label.loss_weight for name, label in SPEC.heads.items()}
    np.testing.assert_allclose(found["loss"], sum(losses.values()), rtol=1e-5)


def test_what_weighs_nothing_may_be_anything(model):
    [(inputs, targets, weights)] = SPLITS["all at once"]
    there = np.asarray(weights["level"]) > 0
    wild = {**targets, "level": tf.where(there, targets["level"], float("nan"))}
    assert not there.all()
    assert figures(model, [(inputs, wild, weights)]) == figures(model, [(inputs, targets, weights)])


def test_fit_reports_the_figures_of_all_targets():
    keras.utils.set_random_seed(2)
    built = build_model(SPEC, STATISTICS)
    compile_model(built, SPEC, STATISTICS, steps_per_epoch=2)
    built.optimizer.learning_rate = 0.0
    expected = figures(built, one_by_one())

    def generate():
        yield from SPLITS["a short last batch"]

    [(inputs, targets, weights)] = SPLITS["all at once"]
    signature = tf.nest.map_structure(
        lambda x: tf.TensorSpec(
            [None, *([None] if x.shape[1:2] == [LONGEST] else []), *x.shape[2:]]
            if x.shape[1:2] == [LONGEST]
            else [None, *x.shape[1:]],
            x.dtype,
        ),
        (inputs, targets, weights),
    )
    data = tf.data.Dataset.from_generator(generate, output_signature=signature)
    history = built.fit(data, validation_data=data, verbose=0).history
    for name, value in expected.items():
        np.testing.assert_allclose([history[name][0], history[f"val_{name}"][0]], value, rtol=1e-5, err_msg=name)


def test_a_model_is_saved_and_loaded(model, tmp_path):
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    assert isinstance(loaded, SequenceModel)
    [(inputs, _, _)] = SPLITS["all at once"]
    for name, value in model(inputs).items():
        np.testing.assert_allclose(loaded(inputs)[name], value, atol=1e-6)


def test_a_loss_over_sampled_classes_teaches_what_the_whole_one_does():
    spec = SequenceSpec(
        name="s",
        sequence={
            "token": {"type": "categorical", "dtype": "int64", "num_buckets": 50, "embedding": {"dimension": 16}}
        },
        label={"key": "token", "dtype": "int64", "per_step": True, "shift": 1, "sampled_softmax": 12},
        model={"units": (32,), "bidirectional": False, "dropout": 0.0},
        training={"learning_rate": 0.02},
    )
    statistics = TaskStatistics(
        {"sequence.token": 50}, {"label": HeadStatistics(tuple(map(str, range(50))), targets=64 * 8)}
    )
    keras.utils.set_random_seed(0)
    built = build_model(spec, statistics)
    compile_model(built, spec, statistics, steps_per_epoch=1)
    # Each token says the next one.
    tokens = (np.arange(64)[:, None] * 7 + np.arange(9) * 3) % 50
    lengths = tf.fill([64], 9)
    targets, weights = targets_and_weights({"label": tf.constant(tokens), "sequence_length": lengths}, spec)
    inputs = {"sequence.token": tf.constant(tokens), "sequence_length": lengths}
    data = tf.data.Dataset.from_tensors((inputs, targets, weights)).repeat(20)
    history = built.fit(data, validation_data=data.take(1), epochs=12, verbose=0).history
    assert history["val_accuracy"][-1] > 0.95 and history["val_loss"][-1] < 0.5 < history["val_loss"][0]
    # 8 of each 9 steps have a target.
    assert float(tf.reduce_sum(weights)) == 64 * 8
