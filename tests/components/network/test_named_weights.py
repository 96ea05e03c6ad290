"""Weights by name: what is named, which rows have names, and that files give back the same arrays."""

import keras
import numpy as np
import pytest

from tests.components.network.small_models import CLASSES, make_spec
from tfx_sequences.components.kinds.sampled_logits import SampledLogits
from tfx_sequences.components.network.model import build_model
from tfx_sequences.components.network.named_weights import (
    NamedAxis,
    named_axes,
    read_weights,
    weights_by_name,
    write_weights,
)

TERMS = {"sequence.token_embedding": ["a", "b"], "context.city_embedding": ["Oslo"]}


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(3)
    return build_model(make_spec(units=(4,)), CLASSES)


def test_every_variable_has_one_name(model):
    found = weights_by_name(model)
    assert len({id(variable) for variable in found.values()}) == len(found) == len(model.weights)
    assert {"tables/sequence.token_embedding", "tables/context.city_embedding"} <= set(found)


def test_rows_of_tables_and_outputs_of_classes_have_names(model):
    axes = named_axes(model, TERMS, {"logits": ["x", "y", "z"]})
    of_classes = {name: axis for name, axis in axes.items() if not name.startswith("tables/")}
    assert axes["tables/sequence.token_embedding"] == NamedAxis(0, ("a", "b"))
    assert {(name.rsplit("/", 1)[1], axis.axis) for name, axis in of_classes.items()} == {("kernel", 1), ("bias", 0)}
    assert {axis.names for axis in of_classes.values()} == {("x", "y", "z")}


def test_sampled_logits_have_a_row_per_class():
    inputs = keras.Input((3,))
    model = keras.Model(inputs, SampledLogits(2, name="logits")(inputs))
    axes = named_axes(model, {}, {"logits": ["x", "y"]})
    assert {axis.axis for axis in axes.values()} == {0}
    assert len(axes) == 2


@pytest.mark.parametrize("folder", ["local", "ram://named_weights"])
def test_a_file_gives_back_arrays_and_names(model, tmp_path, folder):
    folder = str(tmp_path / folder) if folder == "local" else folder
    assert read_weights(folder) is None
    axes = {"tables/sequence.token_embedding": NamedAxis(0, ("ä", "b\0"))}
    write_weights(folder, model, axes)
    stored = read_weights(folder)
    assert stored.axes == axes
    for name, variable in weights_by_name(model).items():
        np.testing.assert_array_equal(stored.arrays[name], variable.numpy())
    assert stored.arrays.keys() == weights_by_name(model).keys()
