import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.components.network.padded_records import batch
from tests.components.network.small_models import CLASSES, make_spec
from tfx_sequences.components.input.input_state import InputState
from tfx_sequences.components.network.model import build_model, compile_model
from tfx_sequences.components.training.train_state import Position, TrainState
from tfx_sequences.components.training.training_loop import build_all
from tfx_sequences.errors import UserInputError

POSITION = Position(2, 7, InputState(source="s", num_workers=1, epoch=2, step=7), {"loss": [2.0, 1.0]})
LABELS, WEIGHTS = np.array([0, 2, 1, 1]), np.ones(4, "float32")


def compiled(seed, units=(3,)):
    keras.utils.set_random_seed(seed)
    spec = make_spec(units=units, dropout=0.5)
    model = build_model(spec, CLASSES)
    compile_model(model, spec, CLASSES, steps_per_epoch=3)
    build_all(model, tf.data.Dataset.from_tensors((batch(4), LABELS, WEIGHTS)).element_spec)
    return model


def callbacks(model):
    both = [keras.callbacks.EarlyStopping(restore_best_weights=True), keras.callbacks.ReduceLROnPlateau()]
    keras.callbacks.CallbackList(both, model=model).on_train_begin()
    return both


def train(model, times):
    for _ in range(times):
        loss = float(model.train_step((batch(4), LABELS, WEIGHTS))["loss"])
    return loss


def test_a_second_model_goes_on_as_the_first_with_dropout_metrics_and_callbacks():
    model = compiled(1)
    first = callbacks(model)
    train(model, 3)
    for epoch, loss in enumerate((1.0, 2.0)):
        for callback in first:
            callback.on_epoch_end(epoch, {"val_loss": loss})
    state = TrainState.of(model, first, POSITION)
    expected = [train(model, 1) for _ in range(3)]

    other = compiled(9)
    second = callbacks(other)
    assert state.restore(other, second) == POSITION
    assert [train(other, 1) for _ in range(3)] == expected
    stop, plateau = second
    assert (stop.best, stop.wait, stop.best_epoch, plateau.wait) == (1.0, 1, 0, 1)
    for received, kept in zip(stop.best_weights, first[0].best_weights, strict=True):
        np.testing.assert_array_equal(received, kept)


def test_metrics_alone():
    model = compiled(1)
    train(model, 2)
    state = TrainState.of(model, [], POSITION)
    measured = {name: float(value) for name, value in model.get_metrics_result().items()}
    weights = model.get_weights()
    model.reset_metrics()
    state.restore_metrics(model)
    assert {name: float(value) for name, value in model.get_metrics_result().items()} == measured
    np.testing.assert_array_equal(weights[-1], model.get_weights()[-1])


def test_another_model_is_refused():
    state = TrainState.of(compiled(1), [], POSITION)
    with pytest.raises(UserInputError, match=r"a different model[\s\S]*different are model/"):
        state.restore(compiled(1, units=(4,)), [])
