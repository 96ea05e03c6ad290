"""A refit on the very records of a validated training is known: it must give the weights of the best epoch."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfx_sequences.components.input.epoch_source import DatasetSource
from tfx_sequences.components.network.model import build_model, compile_model
from tfx_sequences.components.network.task_statistics import HeadStatistics, TaskStatistics
from tfx_sequences.components.training.backup import BackupFile
from tfx_sequences.components.training.fitting import Fitted, fit
from tfx_sequences.components.training.refitting import epochs_to_refit, refit
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

STATISTICS = TaskStatistics({}, {"label": HeadStatistics(mean=(0.0,), std=(1.0,), targets=8)})
PLATEAU = {"type": "reduce_on_plateau", "patience": 1, "factor": 0.1}


def make_spec(**training):
    return SequenceSpec(
        name="s",
        sequence={"x": {"type": "numeric"}},
        label={"key": "y", "type": "regression"},
        model={"units": (3,), "dropout": 0.1},
        training={"epochs": 40, "early_stopping_patience": 4, "learning_rate": 0.03, "ema_momentum": None, **training},
    )


def dataset(x, y):
    inputs = {"sequence.x": np.float32(x), "sequence_length": np.full(len(x), len(x[0]))}
    return tf.data.Dataset.from_tensors((inputs, np.float32(y), np.ones(len(x), np.float32)))


def compiled(spec):
    keras.utils.set_random_seed(1)
    model = build_model(spec, STATISTICS)
    compile_model(model, spec, STATISTICS, steps_per_epoch=1)
    return model


X = np.random.default_rng(0).normal(size=(8, 4))
# On its way to the answers of the training records the network passes those of the validation.
TRAIN, VALID = dataset(X, X.mean(1) + 1), dataset(X, X.mean(1) + 0.4)


@pytest.mark.parametrize(
    "training",
    [{}, {"ema_momentum": 0.7}, {"schedule": {"type": "cosine"}}, {"schedule": PLATEAU}],
    ids=["plain", "averaged", "cosine", "plateau"],
)
def test_it_takes_the_course_that_was_validated(training):
    spec = make_spec(**training)
    validated_model = compiled(spec)
    validated = fit(validated_model, spec, TRAIN, VALID)
    assert 1 < validated.best_epoch < len(validated.history["loss"])
    model = compiled(spec)
    rates = validated.history["learning_rate"]
    again = refit(model, spec, DatasetSource(TRAIN), validated.best_epoch, rates=rates)
    assert again.history["loss"] == validated.history["loss"][: validated.best_epoch]
    assert again.history["learning_rate"] == rates[: validated.best_epoch]
    assert not [name for name in again.history if name.startswith("val_")]
    for received, expected in zip(model.get_weights(), validated_model.get_weights(), strict=True):
        np.testing.assert_array_equal(received, expected)


def test_interrupted_it_ends_with_the_same_weights(tmp_path):
    spec = make_spec(ema_momentum=0.7, backup={"every_steps": 1})
    whole = compiled(spec)
    refit(whole, spec, DatasetSource(TRAIN), 6)
    backup = BackupFile(str(tmp_path), {"the spec": "same"})

    class Interrupt(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 3:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        refit(compiled(spec), spec, DatasetSource(TRAIN), 6, backup=backup, callbacks=(Interrupt(),))
    resumed = compiled(spec)
    assert refit(resumed, spec, DatasetSource(TRAIN), 6, backup=backup).resumed_at is not None
    for received, expected in zip(resumed.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(received, expected)


def test_the_number_of_epochs_is_the_median_of_the_best():
    assert epochs_to_refit([Fitted({}, n) for n in (3, 90, 10, 12, 11)]) == 11
