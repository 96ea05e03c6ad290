"""The network of every option: what is padded must not matter, by equivalence."""

import re
from pathlib import Path

import keras
import numpy as np
import pytest

from tests.components.network.padded_records import batch, row
from tests.components.network.small_networks import STATISTICS, build, make_spec, run
from tfx_sequences.components.network.network import build_network
from tfx_sequences.components.network.network_inputs import Network, network_inputs
from tfx_sequences.errors import SpecError

CONV = {"type": "conv1d", "filters": 3, "kernel_size": 3, "activation": "tanh"}
DENSE = {"type": "dense", "units": 3, "activation": "tanh"}


OPTIONS = [
    *({"cell": c, "bidirectional": b} for c in ("lstm", "gru", "simple_rnn") for b in (True, False)),
    *({"cell": c, "context": "initial_state", "pooling": "last"} for c in ("lstm", "gru", "simple_rnn")),
    *({"pooling": pooling} for pooling in ("last", "max", "attention")),
    {"context": "per_step"},
    {"context": "initial_state", "bidirectional": False, "units": (4, 3)},
    {"units": (4, 3), "layer_normalization": True},
    {"recurrent_dropout": 0.5},
    {"front": [DENSE]},
    {"front": [CONV]},
    {"front": [{**CONV, "padding": "same"}]},
    {"front": [{**CONV, "padding": "same", "kernel_size": 4, "dilation_rate": 2}]},
    {"front": [{**CONV, "dilation_rate": 3}, DENSE, CONV], "bidirectional": False},
    {"front": [CONV], "context": "per_step", "cell": "gru", "pooling": "attention", "units": (4, 4)},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_outputs_and_gradients_do_not_see_padding(options):
    model = build(**options)
    exact = batch(4)
    one_by_one = [run(model, row(exact, i)) for i in range(4)]
    gradients = [sum(parts) for parts in zip(*(r[2] for r in one_by_one), strict=True)]
    # Rounding grows with what is propagated back, whichever weight it reaches.
    largest = max(10, *(float(np.abs(gradient).max()) for r in one_by_one for gradient in r[2]))
    for steps, filler in ((4, 0), (4, 5), (9, 5)):
        padded = run(model, batch(steps, filler))
        for part in (0, 1):
            np.testing.assert_allclose(padded[part], np.concatenate([r[part] for r in one_by_one]), atol=1e-6)
        for received, expected in zip(padded[2], gradients, strict=True):
            np.testing.assert_allclose(received, expected, rtol=1e-5, atol=1e-6 * largest)
    pooled = padded[0]
    context = 0 if options.get("context") in ("per_step", "initial_state") else 5
    assert not np.any(pooled[2, : pooled.shape[1] - context]), "a record without steps"
    assert np.any(pooled[0] != pooled[3])


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_a_saved_model_and_one_without_special_kernels_give_the_same(options, tmp_path):
    model = build(**options)
    expected = run(model, batch(6))
    model.save(tmp_path / "model.keras")
    portable = build(use_cudnn=False, **options)
    portable.set_weights(model.get_weights())
    for other in (keras.saving.load_model(tmp_path / "model.keras"), portable):
        received = run(other, batch(6))
        for part in (0, 1):
            np.testing.assert_allclose(received[part], expected[part], atol=1e-6)
        for got, wanted in zip(received[2], expected[2], strict=True):
            np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-6 * max(10, np.abs(wanted).max()))


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_dropout_drops_in_training_only(options):
    model = build(**{"dropout": 0.5, **options})
    first, second = (model(batch(4), training=True)["pooled"] for _ in range(2))
    assert not np.allclose(first, second)
    np.testing.assert_array_equal(model(batch(4))["pooled"], model(batch(4))["pooled"])


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_half_precision_is_near(options, policy):
    exact = run(build(**options), batch(5))
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        half = build(**options)
        assert keras.backend.standardize_dtype(half.output["pooled"].dtype) == policy.removeprefix("mixed_")
        near = run(half, batch(5, filler=3))
    finally:
        keras.config.set_dtype_policy(before)
    for part in (0, 1):
        np.testing.assert_allclose(near[part], exact[part], atol=0.05)
    assert all(np.isfinite(g).all() for g in near[2])


def test_a_causal_network_sees_only_the_past():
    model = build(bidirectional=False, front=[CONV, CONV])
    before, after = batch(4), batch(4)
    after["sequence.x"][:, 3] += 1
    steps = [model(inputs)["steps"].numpy() for inputs in (before, after)]
    np.testing.assert_array_equal(steps[0][:, :3], steps[1][:, :3])
    assert np.any(steps[0][0, 3] != steps[1][0, 3])


@pytest.mark.parametrize("pooling", ["last", "mean"])
def test_heads_are_given_what_they_need(pooling):
    spec = make_spec(pooling=pooling)
    network = build_network(spec, STATISTICS, needs_steps=True)
    assert network.steps.shape == (None, None, 8 + 5) and network.pooled.shape == (None, 8 + 5)
    assert network.lengths is network.inputs["sequence_length"]
    alone = build_network(spec, STATISTICS)
    assert alone.steps is None and alone.pooled is not None
    of_steps = build_network(spec, STATISTICS, needs_steps=True, needs_pooled=False)
    assert of_steps.pooled is None and of_steps.steps is not None


def test_context_joins_where_the_spec_says():
    def context_reaches(part, **options):
        model = build(**options)
        older = {**batch(4), "context.age": batch(4)["context.age"] + 1}
        return np.any(model(batch(4))[part] != model(older)[part], axis=-1)[0]

    assert build(context="head").output["steps"].shape[-1] == 8 + 5
    for where in ("per_step", "initial_state"):
        assert build(context=where).output["steps"].shape[-1] == 8
        assert context_reaches("pooled", context=where)
        np.testing.assert_array_equal(context_reaches("steps", context=where), [True] * 4)


def by_hand(spec, statistics, inputs, use_cudnn):
    steps = keras.layers.GRU(5, return_sequences=True, use_cudnn=use_cudnn)(inputs.steps, mask=inputs.mask)
    pooled = keras.layers.Concatenate()([keras.layers.GlobalMaxPooling1D()(steps), inputs.context])
    return inputs.network(steps=steps, pooled=pooled)


def without_steps(spec, statistics, inputs, use_cudnn):
    return inputs.network(pooled=inputs.context)


def no_network(spec, statistics, inputs, use_cudnn):
    return keras.Model(inputs.tensors, inputs.context)


def with_other_inputs(spec, statistics, inputs, use_cudnn):
    return Network({}, inputs.lengths, pooled=inputs.context)


def pooled_of_steps(spec, statistics, inputs, use_cudnn):
    return inputs.network(pooled=inputs.steps)


def test_a_builder_of_the_users_replaces_the_network():
    spec = make_spec(builder=f"{__name__}.by_hand")
    network = build_network(spec, STATISTICS, use_cudnn=False, needs_steps=True)
    model = keras.Model(network.inputs, [network.steps, network.pooled])
    steps, pooled = model(batch(4))
    assert steps.shape == (4, 4, 5) and pooled.shape == (4, 5 + 5)
    assert build_network(spec, STATISTICS).steps is None
    assert model.get_layer("sequence_features").count_params() > 0


def test_the_builder_on_the_page_of_networks_knows_records_without_steps():
    page = (Path(__file__).parents[3] / "docs" / "networks.md").read_text("utf-8")
    [block] = re.findall(r"```python\n(.*?)```", page, re.S)
    names = {}
    exec(block, names)
    spec = make_spec()
    inputs = network_inputs(spec, STATISTICS)
    network = names["build"](spec, STATISTICS, inputs, use_cudnn=False)
    model = keras.Model(network.inputs, {"steps": network.steps, "pooled": network.pooled})
    records = batch(4)
    outputs = model(records)
    means = [
        np.asarray(steps)[:length].mean(axis=0) if length else np.zeros(64)
        for steps, length in zip(outputs["steps"], records["sequence_length"], strict=True)
    ]
    assert min(records["sequence_length"]) == 0
    np.testing.assert_allclose(outputs["pooled"], means, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("without_steps", r"`steps` from .*without_steps[\s\S]*\[B, T, D\][\s\S]*received: none"),
        ("no_network", r"no_network did not return a network[\s\S]*received: keras[\s\S]*inputs\.network"),
        ("with_other_inputs", r"with_other_inputs changed the inputs"),
        ("pooled_of_steps", r"the `(steps|pooled)`"),
        ("by_hnd", r"has no 'by_hnd'[\s\S]*Did you mean 'by_hand'"),
    ],
)
def test_a_builder_that_gives_something_else_is_told_what_is_needed(name, message):
    with pytest.raises(SpecError, match=message):
        build_network(make_spec(builder=f"{__name__}.{name}"), STATISTICS, needs_steps=True)
