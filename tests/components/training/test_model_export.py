"""The export is tried before training: what only it finds in a network of the user's own costs no training."""

import sys
import types

import keras
import pytest
import tensorflow_transform as tft

from tests.everything import everything_spec
from tfx_sequences.components.training.model_export import try_export, try_saving
from tfx_sequences.components.training.split_statistics import task_statistics
from tfx_sequences.errors import SpecError
from tfx_sequences.schemas.columns.internal_names import internal_name
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def good(spec, statistics, inputs, use_cudnn):
    steps = keras.layers.GRU(4, return_sequences=True, use_cudnn=use_cudnn)(inputs.steps, mask=inputs.mask)
    return inputs.network(steps=steps, pooled=steps[:, 0])


def other_weights_for_the_export(spec, statistics, inputs, use_cudnn):
    steps = keras.layers.Dense(4 if use_cudnn else 5)(inputs.steps)
    return inputs.network(steps=steps, pooled=steps[:, 0])


class OnlyInTraining(keras.layers.Layer):
    """A layer that works eagerly and in training, but not in the graph of predictions."""

    def call(self, inputs, training=None):
        if training is False:
            raise NotImplementedError("no predictions yet")
        return inputs


def not_in_predictions(spec, statistics, inputs, use_cudnn):
    steps = OnlyInTraining()(inputs.steps)
    return inputs.network(steps=steps, pooled=steps[:, 0])


@pytest.fixture
def tried(everything, monkeypatch):
    module = types.ModuleType("networks_of_a_user")
    monkeypatch.setitem(sys.modules, module.__name__, module)

    def run(builder):
        module.build = builder
        spec = everything_spec(model={"builder": f"{module.__name__}.build"})
        output = tft.TFTransformOutput(everything.transform_dir)
        return try_export(spec, task_statistics(spec, output, []), output)

    return run


def test_a_network_that_can_be_exported_passes(tried):
    tried(good)


@pytest.mark.parametrize(
    ("builder", "words"),
    [(other_weights_for_the_export, "networks_of_a_user.build"), (not_in_predictions, "no predictions yet")],
)
def test_what_the_export_would_find_after_training_is_found_before(tried, builder, words):
    with pytest.raises(SpecError, match="Nothing was trained") as refused:
        tried(builder)
    assert words in str(refused.value)


@pytest.mark.parametrize("name", ["gr\u00f6\u00dfe", "a b", "@", "%", "+", ","])
def test_names_that_only_saving_refuses_are_found_before_training(name):
    """Keys of records get derived names; these are layers as TensorFlow would get them otherwise."""
    inputs = keras.Input((None, 3))
    model = keras.Model(inputs, keras.layers.Dense(2, name=name)(inputs))
    with pytest.raises(SpecError, match=r"Nothing was trained[\s\S]*is not a valid root scope name"):
        try_saving(model, everything_spec())


@pytest.mark.parametrize("name", ["concept:name", "gr\u00f6\u00dfe x", "a@b%c+d,e"])
def test_keys_with_any_character_are_saved(name):
    spec = SequenceSpec(
        name="s", sequence={name: {"type": "numeric"}}, label={"key": f"{name} label", "type": "regression"}
    )
    inputs = keras.Input((None, 1), name=internal_name(name))
    try_saving(keras.Model(inputs, keras.layers.Dense(2, name=internal_name(f"{name}_vectors"))(inputs)), spec)
