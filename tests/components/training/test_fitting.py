import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tfx_sequences.components.network.model import build_model, compile_model
from tfx_sequences.components.network.task_statistics import HeadStatistics, TaskStatistics
from tfx_sequences.components.training.fitting import fit
from tfx_sequences.errors import DataError, UserInputError
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec
from tfx_sequences.schemas.spec.training_options import Schedule

SPEC = SequenceSpec(
    name="s",
    sequence={"x": {"type": "numeric"}},
    label={"key": "y", "type": "regression"},
    model={"units": (3,), "dropout": 0.0},
    training={"epochs": 30, "early_stopping_patience": 2, "learning_rate": 0.05},
)
STATISTICS = TaskStatistics({}, {"label": HeadStatistics(mean=(0.0,), std=(1.0,), targets=8)})


def dataset(x, y):
    inputs = {"sequence.x": np.float32(x), "sequence_length": np.full(len(x), len(x[0]))}
    return tf.data.Dataset.from_tensors((inputs, np.float32(y), np.ones(len(x), np.float32)))


def compiled():
    keras.utils.set_random_seed(1)
    model = build_model(SPEC, STATISTICS)
    compile_model(model, SPEC, STATISTICS, steps_per_epoch=1)
    return model


def test_the_best_weights_are_kept():
    x = np.random.default_rng(0).normal(size=(8, 4))
    # Validation wants the opposite of training, so it is best early and worse later.
    train, valid = dataset(x, x.mean(1)), dataset(x, -x.mean(1))
    model = compiled()
    fitted = fit(model, SPEC, train, valid)
    history = fitted.history
    assert len(history["val_loss"]) < 30
    assert fitted.best_epoch == np.argmin(history["val_loss"]) + 1
    np.testing.assert_allclose(model.evaluate(valid, verbose=0)[0], min(history["val_loss"]), rtol=1e-5)


def scalars(folder):
    read = EventAccumulator(str(folder))
    read.Reload()
    return {
        tag: [(e.step, float(tf.make_ndarray(e.tensor_proto))) for e in read.Tensors(tag)]
        for tag in read.Tags()["tensors"]
    }


def test_figures_of_every_epoch_are_in_the_history_and_in_tensorboard(tmp_path):
    x = np.random.default_rng(0).normal(size=(8, 4))
    data = dataset(x, x.mean(1))
    schedule = {"type": "exponential", "decay_rate": 0.5}
    training = SPEC.training.model_copy(update={"epochs": 3, "schedule": Schedule(**schedule)})
    model = build_model(SPEC, STATISTICS)
    spec = SPEC.model_copy(update={"training": training})
    compile_model(model, spec, STATISTICS, steps_per_epoch=1)
    history = fit(model, spec, data, data, log_dir=str(tmp_path)).history
    np.testing.assert_allclose(history["learning_rate"], [0.025, 0.0125, 0.00625], rtol=1e-5)
    assert all(speed > 0 for speed in history["steps_per_second"])
    train, valid = scalars(tmp_path / "train"), scalars(tmp_path / "validation")
    expected = list(enumerate(np.float32(history["loss"])))
    assert train["epoch_loss"] == expected
    assert [step for step, _ in train["epoch_learning_rate"]] == [0, 1, 2]
    assert valid["epoch_loss"] == list(enumerate(np.float32(history["val_loss"])))


def test_the_learning_rate_falls_on_a_plateau():
    nowhere = dataset([[0.0, 1.0]], [1.0])
    schedule = Schedule(type="reduce_on_plateau", patience=1, factor=0.5)
    training = SPEC.training.model_copy(
        update={"epochs": 4, "schedule": schedule, "early_stopping_patience": None, "early_stopping_min_delta": 9.0}
    )
    history = fit(compiled(), SPEC.model_copy(update={"training": training}), nowhere, nowhere).history
    np.testing.assert_allclose(history["learning_rate"], [0.05, 0.05, 0.025, 0.0125], rtol=1e-5)


def test_averaged_weights_are_validated_and_kept():
    x = np.random.default_rng(0).normal(size=(8, 4))
    data = dataset(x, x.mean(1))
    training = SPEC.training.model_copy(update={"epochs": 5, "ema_momentum": 0.5})
    spec = SPEC.model_copy(update={"training": training})
    keras.utils.set_random_seed(1)
    model = build_model(spec, STATISTICS)
    compile_model(model, spec, STATISTICS, steps_per_epoch=1)
    seen = []

    class Weights(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(self.model.get_weights())

    fitted = fit(model, spec, data, data, callbacks=(Weights(),))
    # Keras' average begins with the weights after the first step.
    average, averages = seen[0], []
    for weights in seen:
        average = [0.5 * a + 0.5 * w for a, w in zip(average, weights, strict=True)]
        averages.append(average)
    for received, expected in zip(model.get_weights(), averages[fitted.best_epoch - 1], strict=True):
        np.testing.assert_allclose(received, expected, atol=1e-5)


@pytest.mark.parametrize("split", ["training", "validation"])
def test_a_split_without_records_is_an_error(split):
    data = dataset([[0.0, 1.0]], [1.0])
    parts = {"training": data, "validation": data, split: data.take(0)}
    with pytest.raises(DataError, match=f"no {split} records"):
        fit(compiled(), SPEC, parts["training"], parts["validation"])


def test_divergence_is_an_error_that_says_what_to_change():
    nowhere = dataset([[np.nan, 1.0]], [1.0])
    with pytest.raises(UserInputError, match=r"Training diverged[\s\S]*learning_rate"):
        fit(compiled(), SPEC, nowhere, nowhere)


def test_a_figure_that_is_not_measured_cannot_be_monitored():
    x = [[0.0, 1.0]]
    spec = SPEC.model_copy(update={"training": SPEC.training.model_copy(update={"monitor": "val_mean_absolute_eror"})})
    with pytest.raises(UserInputError, match="Did you mean 'val_mean_absolute_error'"):
        fit(compiled(), spec, dataset(x, [1.0]), dataset(x, [1.0]))
