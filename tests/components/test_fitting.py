import keras
import numpy as np
import pytest
import tensorflow as tf

from tfx_sequences.components.fitting import fit
from tfx_sequences.components.model import build_model, compile_model
from tfx_sequences.components.task_statistics import HeadStatistics, TaskStatistics
from tfx_sequences.errors import UserInputError
from tfx_sequences.schemas.spec import SequenceSpec

SPEC = SequenceSpec(
    name="s",
    sequence={"x": {"type": "numeric"}},
    label={"key": "y", "type": "regression"},
    model={"units": (3,), "dropout": 0.0},
    training={"epochs": 30, "early_stopping_patience": 2, "learning_rate": 0.05},
)
STATISTICS = TaskStatistics({}, {"label": HeadStatistics(mean=(0.0,), std=(1.0,))})


def dataset(x, y):
    inputs = {"sequence.x": np.float32(x), "sequence_length": np.full(len(x), len(x[0]))}
    return tf.data.Dataset.from_tensors((inputs, np.float32(y), np.ones(len(x), np.float32)))


def compiled():
    keras.utils.set_random_seed(1)
    model = build_model(SPEC, STATISTICS)
    compile_model(model, SPEC, STATISTICS)
    return model


def test_the_best_weights_are_kept():
    x = np.random.default_rng(0).normal(size=(8, 4))
    # Validation wants the opposite of training, so it is best early and worse later.
    train, valid = dataset(x, x.mean(1)), dataset(x, -x.mean(1))
    model = compiled()
    history = fit(model, SPEC, train, valid)
    assert len(history["val_loss"]) < 30
    np.testing.assert_allclose(model.evaluate(valid, verbose=0)[0], min(history["val_loss"]), rtol=1e-5)


def test_divergence_is_an_error_that_says_what_to_change():
    nowhere = dataset([[np.nan, 1.0]], [1.0])
    with pytest.raises(UserInputError, match=r"Training diverged[\s\S]*learning_rate"):
        fit(compiled(), SPEC, nowhere, nowhere)
