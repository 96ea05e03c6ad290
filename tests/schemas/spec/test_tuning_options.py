import pydantic
import pytest

from tests.schemas.spec.tuned_specs import make
from tfx_sequences.errors import SpecError
from tfx_sequences.schemas.spec.spec_io import spec_from_json, spec_from_yaml, spec_to_json, spec_to_yaml
from tfx_sequences.schemas.spec.tuned_spec import tuned_spec
from tfx_sequences.schemas.spec.tuning_options import Parameter, Tuning


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "choices, or min and max"),
        ({"choices": [1], "min": 1}, "choices, or min and max"),
        ({"choices": []}, "at least one value"),
        ({"choices": [1], "scale": "log"}, "cannot be combined with step or scale"),
        ({"min": 3, "max": 3}, "min below max"),
        ({"min": 3}, "needs min and max"),
        ({"min": 0.0, "max": 1.0, "scale": "log"}, "min above 0"),
        ({"min": 1, "max": 9, "step": 0.5}, "integer step"),
    ],
)
def test_values_that_cannot_be_are_errors(options, message):
    with pytest.raises(pydantic.ValidationError, match=message):
        Parameter(**options)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"model__unit": {"choices": [[3]]}}, "the key 'model.unit' does not exist. Did you mean 'units'"),
        ({"modle__units": {"choices": [[3]]}}, "Did you mean 'model'"),
        ({"model": {"choices": [3]}}, "whole section"),
        ({"batching__batch_size": {"min": 1, "max": 3}}, "Known keys: 'model', 'training'"),
        ({"model__dropout": {"min": 0.0, "max": 1.5}}, "model.dropout cannot be 1.5: Input should be less than 1"),
        ({"model__cell": {"choices": ["gru", "rnn"]}}, "model.cell cannot be 'rnn'"),
        ({"training__schedule__type": {"choices": ["cosin"]}}, "cannot be 'cosin'"),
    ],
)
def test_a_value_that_its_key_cannot_take_is_an_error(parameters, message):
    with pytest.raises(pydantic.ValidationError, match=message):
        make(**parameters)


def test_a_search_survives_yaml_and_json_and_an_error_names_its_line():
    spec = make(
        model__units={"choices": [[8], [8, 4]]}, training__learning_rate={"min": 1e-4, "max": 0.1, "scale": "log"}
    )
    assert spec_from_yaml(spec_to_yaml(spec)) == spec
    assert spec_from_json(spec_to_json(spec)) == spec
    text = "name: s\nsequence: {x: {type: numeric}}\nlabel: {key: y}\ntuning:\n  parameters: {model.units: {min: 3}}\n"
    with pytest.raises(SpecError, match=r"line 5: tuning\.parameters\.model\.units: a range needs min and max"):
        spec_from_yaml(text)


def test_values_are_put_in_their_places():
    spec = make(model__units={"choices": [[8], [8, 4]]})
    values = {
        "model.units": "[8, 4]",
        "model.cell": '"gru"',
        "training.schedule.type": '"cosine"',
        "training.learning_rate": 0.5,
        "training.epochs": 3,
        "tuner/epochs": 2,
    }
    tuned = tuned_spec(spec, values)
    assert (tuned.model.units, tuned.model.cell, tuned.training.schedule.type) == ((8, 4), "gru", "cosine")
    assert (tuned.training.learning_rate, tuned.training.epochs) == (0.5, 3)


@pytest.mark.parametrize(
    ("objective", "direction"), [(None, "min"), ("val_mean_squared_error", "min"), ("val_accuracy", "max")]
)
def test_the_direction_follows_the_name(objective, direction):
    tuning = Tuning(parameters={"model.dropout": Parameter(min=0.0, max=0.5)}, objective=objective)
    assert tuning.direction_of("min") == direction
    assert tuning.model_copy(update={"direction": "max"}).direction_of("min") == "max"
