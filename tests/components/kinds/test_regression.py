import numpy as np
import tensorflow as tf

from tfx_sequences.components.kinds.registry import kind_of
from tfx_sequences.schemas.spec.label import Label

RANDOM = np.random.default_rng(1)
TARGETS, OUTPUTS = RANDOM.normal(size=(2, 8, 3)).astype("float32")
WEIGHTS = np.float32([1, 0, 2, 1, 0.5, 1, 1, 3])
VECTOR, LONE = Label(key="y", type="regression", shape=(3,)), Label(key="y", type="regression")


def test_the_loss_is_the_mean_squared_error_of_the_numbers():
    received = kind_of(VECTOR).loss(VECTOR)(TARGETS, OUTPUTS)
    np.testing.assert_allclose(received, np.square(TARGETS - OUTPUTS).mean(1), rtol=1e-5)


def test_figures_are_means_by_weight():
    measures = kind_of(VECTOR).measures(VECTOR)
    found = measures.measured(np.sum(measures.sums(TARGETS, OUTPUTS, WEIGHTS), 0))
    error = TARGETS - OUTPUTS
    expected = {
        "mean_squared_error": np.average(np.square(error).mean(1), weights=WEIGHTS),
        "mean_absolute_error": np.average(np.abs(error).mean(1), weights=WEIGHTS),
    }
    assert found.keys() == expected.keys()
    np.testing.assert_allclose([*found.values()], [*expected.values()], rtol=1e-5)


def test_a_lone_number_is_answered_as_one():
    outputs = tf.constant(OUTPUTS[:, :1])
    np.testing.assert_array_equal(kind_of(LONE).served(LONE, outputs, ())["predictions"], OUTPUTS[:, 0])
    np.testing.assert_array_equal(kind_of(LONE).loss(LONE)(OUTPUTS[:, 0], outputs), np.zeros(8))
