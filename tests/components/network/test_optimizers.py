import keras
import numpy as np
import pytest

from tfx_sequences.components.network.optimizers import WarmUp, learning_rate, make_optimizer
from tfx_sequences.errors import UserInputError
from tfx_sequences.schemas.spec.training_options import Training


def rates(steps_per_epoch, at, **options):
    rate = learning_rate(Training(learning_rate=0.8, **options), steps_per_epoch)
    return [float(rate(step)) for step in at]


def test_cosine_falls_over_all_epochs_behind_its_warm_up():
    schedule = {"type": "cosine", "warmup_steps": 10, "final_fraction": 0.25}
    received = rates(10, [0, 5, 10, 60, 110, 500], epochs=11, schedule=schedule)
    np.testing.assert_allclose(received, [0, 0.4, 0.8, 0.5, 0.2, 0.2], rtol=1e-5)


def test_exponential_falls_epoch_by_epoch():
    schedule = {"type": "exponential", "decay_rate": 0.5}
    np.testing.assert_allclose(rates(10, [0, 10, 20], schedule=schedule), [0.8, 0.4, 0.2], rtol=1e-5)
    np.testing.assert_allclose(rates(10, [5], schedule={**schedule, "decay_steps": 5}), [0.4], rtol=1e-5)


def test_a_schedule_of_unknown_length_is_an_error():
    with pytest.raises(UserInputError, match="The cosine schedule needs its length"):
        make_optimizer(Training(learning_rate=0.8, epochs=3, ema_momentum=None, schedule={"type": "cosine"}))


def test_steps_per_epoch_of_the_spec_win():
    schedule = {"type": "exponential", "decay_rate": 0.5}
    optimizer = make_optimizer(
        Training(learning_rate=0.8, ema_momentum=None, steps_per_epoch=4, schedule=schedule), 1000
    )
    optimizer.build([keras.Variable(1.0)])
    optimizer.iterations.assign(4)
    np.testing.assert_allclose(float(optimizer.learning_rate), 0.4, rtol=1e-5)


@pytest.mark.parametrize(
    ("options", "kind", "attributes"),
    [
        ({}, "Adam", {"global_clipnorm": None, "clipvalue": None, "use_ema": False}),
        ({"optimizer": "adamw", "weight_decay": 0.1}, "AdamW", {"weight_decay": 0.1}),
        ({"optimizer": "adamw"}, "AdamW", {"weight_decay": 0.004}),
        ({"optimizer": "rmsprop", "momentum": 0.5}, "RMSprop", {"momentum": 0.5}),
        ({"gradient_accumulation_steps": 3}, "Adam", {"gradient_accumulation_steps": 3}),
        ({"ema_momentum": 0.9}, "Adam", {"use_ema": True, "ema_momentum": 0.9}),
    ],
    ids=str,
)
def test_the_options_reach_keras(options, kind, attributes):
    optimizer = make_optimizer(Training(**{"learning_rate": 0.1, "ema_momentum": None, **options}))
    assert type(optimizer).__name__ == kind
    assert {name: getattr(optimizer, name) for name in attributes} == attributes


def test_a_warm_up_can_be_saved():
    schedule = WarmUp(keras.optimizers.schedules.ExponentialDecay(0.8, 10, 0.5), 4)
    copy = keras.optimizers.schedules.deserialize(keras.optimizers.schedules.serialize(schedule))
    np.testing.assert_allclose([float(copy(s)) for s in (2, 14)], [float(schedule(s)) for s in (2, 14)])
    assert float(copy(14)) == pytest.approx(0.4)
