import pydantic
import pytest

from tfx_sequences.errors import SpecError
from tfx_sequences.schemas.spec.spec_io import spec_from_yaml, spec_to_yaml
from tfx_sequences.schemas.spec.training_options import Training


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"optimizer": "adamax"}, "adamw"),
        ({"gradient_clip_norm": 1.0, "gradient_clip_value": 0.5}, "not both"),
        ({"weight_decay": 0.1}, "weight_decay is for adamw, but optimizer is 'adam'"),
        ({"momentum": 0.9}, "momentum is for sgd and rmsprop"),
        ({"monitor": "loss"}, "such as 'val_loss'"),
        ({"schedule": {"type": "cosine", "factor": 0.1}}, "factor does not apply to a schedule of type 'cosine'"),
        (
            {"schedule": {"type": "reduce_on_plateau", "warmup_steps": 5}},
            "has the keys factor, min_learning_rate",
        ),
        ({"schedule": {"tpye": "cosine"}}, "Did you mean 'type'"),
        ({"backup": {"every_step": 3}}, "Did you mean 'every_steps'"),
        ({"ema_momentum": 1.0}, "less than 1"),
    ],
)
def test_what_cannot_be_is_an_error(options, message):
    with pytest.raises(pydantic.ValidationError, match=message):
        Training(**options)


def test_a_clip_value_takes_the_place_of_the_norm_and_survives_yaml():
    text = "name: s\nsequence: {x: {type: numeric}}\nlabel: {key: y}\ntraining: {gradient_clip_value: 0.5}\n"
    spec = spec_from_yaml(text)
    assert (spec.training.gradient_clip_norm, spec.training.gradient_clip_value) == (None, 0.5)
    assert spec_from_yaml(spec_to_yaml(spec)) == spec


def test_an_error_names_its_line():
    text = (
        "name: s\nsequence: {x: {type: numeric}}\nlabel: {key: y}\ntraining:\n  schedule: {type: cosine, patience: 9}\n"
    )
    with pytest.raises(SpecError, match=r"line 5: training\.schedule: patience does not apply"):
        spec_from_yaml(text)
