"""An ensemble: each member is what it would be alone, and the answer is the mean of the members' answers."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.components.network.many_heads import LONGEST, ROWS, SPEC, STATISTICS, batch
from tfx_sequences.components.kinds.registry import kind_named
from tfx_sequences.components.network.ensemble import layers_by_path, members_of
from tfx_sequences.components.network.model import build_model, compile_model
from tfx_sequences.components.network.named_weights import named_axes, weights_by_name
from tfx_sequences.components.network.task_statistics import HeadStatistics, TaskStatistics
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def with_members(spec, size, **training):
    """The spec with an ensemble; gradients are not clipped, because a bound would hold for all members together."""
    plain = {"optimizer": "sgd", "learning_rate": 0.01, "ema_momentum": None, "gradient_clip_norm": None, **training}
    return spec.model_copy(
        update={
            "model": spec.model.model_copy(update={"ensemble": size}),
            "training": spec.training.model_copy(update=plain),
        }
    )


def compiled(spec, statistics=STATISTICS):
    model = build_model(spec, statistics)
    compile_model(model, spec, statistics, steps_per_epoch=2)
    return model


def trained(model, batches, epochs=3):
    for _ in range(epochs):
        for inputs, targets, weights in batches:
            model.train_on_batch(inputs, targets, weights)
    return model


BATCHES = [batch([1, 2, 4], 3), batch([0, 3, 5, 6], 9)]


def test_each_member_learns_what_it_would_learn_alone():
    keras.utils.set_random_seed(1)
    ensemble = compiled(with_members(SPEC, 3))
    alone = []
    for member in members_of(ensemble):
        network = compiled(with_members(SPEC, 1))
        network.set_weights(member.get_weights())
        alone.append(trained(network, BATCHES))
    trained(ensemble, BATCHES)
    for member, network in zip(members_of(ensemble), alone, strict=True):
        for found, expected in zip(member.get_weights(), network.get_weights(), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)
    first, second = (np.concatenate([w.ravel() for w in network.get_weights()]) for network in alone[:2])
    assert np.abs(first - second).max() > 0.1


def probabilities(kind, outputs):
    outputs = np.asarray(outputs, np.float64)
    if kind == "classification":
        odds = np.exp(outputs)
        return odds / odds.sum(-1, keepdims=True)
    return 1 / (1 + np.exp(-outputs)) if kind == "multi_label" else outputs


def test_the_answer_is_the_mean_of_the_members_probabilities_or_numbers():
    keras.utils.set_random_seed(1)
    ensemble = compiled(with_members(SPEC, 3))
    inputs, _, _ = batch(range(ROWS), LONGEST)
    answers, of_members = ensemble(inputs), [member(inputs) for member in members_of(ensemble)]
    for name, label in SPEC.heads.items():
        expected = np.mean([probabilities(label.type, outputs[name]) for outputs in of_members], axis=0)
        np.testing.assert_allclose(probabilities(label.type, answers[name]), expected, rtol=1e-5, atol=1e-7)


def test_logits_of_sure_members_stay_finite():
    sure = [tf.constant([[200.0, -200.0]]), tf.constant([[-200.0, 200.0]])]
    for kind, expected in (("classification", [[0.5, 0.5]]), ("multi_label", [[0.5, 0.5]])):
        answer = kind_named(kind).average(sure)
        assert np.isfinite(answer).all()
        np.testing.assert_allclose(probabilities(kind, answer), expected, rtol=1e-6)


def test_the_loss_of_an_epoch_is_the_mean_over_members_and_in_validation_that_of_the_ensemble():
    keras.utils.set_random_seed(1)
    ensemble = compiled(with_members(SPEC, 2, learning_rate=1e-9))
    inputs, targets, weights = batch(range(ROWS), LONGEST)
    losses = []
    for member in members_of(ensemble):
        network = compiled(with_members(SPEC, 1))
        network.set_weights(member.get_weights())
        losses.append(network.evaluate(inputs, targets, sample_weight=weights, verbose=0, return_dict=True)["loss"])
    found = ensemble.train_on_batch(inputs, targets, weights, return_dict=True)["loss"]
    np.testing.assert_allclose(found, np.mean(losses), rtol=1e-5)
    of_ensemble = ensemble.evaluate(inputs, targets, sample_weight=weights, verbose=0, return_dict=True)["loss"]
    # Every loss here is convex in the probabilities or numbers that are averaged.
    assert of_ensemble < np.mean(losses)


def test_weights_have_names_after_their_member():
    spec = SequenceSpec(
        name="s", sequence={"word": {"type": "categorical"}}, label={"key": "y"}, model={"units": (4,), "ensemble": 2}
    )
    model = build_model(spec, TaskStatistics({"sequence.word": 4}, {"label": HeadStatistics(("a", "b"))}))
    names = weights_by_name(model)
    assert len(names) == len(model.weights)
    assert {name.split("/")[0] for name in names} == {"member_1", "member_2"}
    axes = named_axes(model, {"sequence.word_embedding": ("x", "y", "z")}, {"logits": ("a", "b")})
    assert axes["member_2/tables/sequence.word_embedding"].names == ("x", "y", "z")
    assert axes["member_1/logits/0/kernel"].axis == 1
    assert {path.split("/")[0] for path, _ in layers_by_path(model)} == {"member_1", "member_2"}


@pytest.mark.parametrize("label", [{"sampled_softmax": 2}, {}])
def test_one_head_with_a_loss_of_its_own_in_training(label):
    spec = SequenceSpec(
        name="s",
        sequence={"x": {"type": "numeric", "shape": (2,)}},
        label={"key": "y", "classes": ("a", "b", "c", "d"), **label},
        model={"units": (4,), "dropout": 0.0},
    )
    statistics = TaskStatistics({}, {"label": HeadStatistics(("a", "b", "c", "d"), targets=8)})
    keras.utils.set_random_seed(0)
    model = compiled(with_members(spec, 2, learning_rate=0.1), statistics)
    inputs, _, _ = batch(range(ROWS), LONGEST)
    target = tf.constant([0, 1, 2, 3, 0, 1, 2])
    before = model.evaluate(inputs, target, verbose=0, return_dict=True)["loss"]
    trained(model, [(inputs, target, tf.ones(ROWS))], epochs=20)
    assert model.evaluate(inputs, target, verbose=0, return_dict=True)["loss"] < before


def test_a_saved_ensemble_answers_as_before(tmp_path):
    keras.utils.set_random_seed(1)
    ensemble = compiled(with_members(SPEC, 2))
    inputs, _, _ = batch(range(ROWS), LONGEST)
    ensemble.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    for name, expected in ensemble(inputs).items():
        np.testing.assert_allclose(loaded(inputs)[name], expected, rtol=1e-5, atol=1e-7)
    assert len(members_of(loaded)) == 2
