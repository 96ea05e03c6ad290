import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.busy import busy
from tfx_sequences.components.training.determinism import deterministic_ops, weights_digest
from tfx_sequences.errors import SpecError, UserInputError


def test_what_threads_add_up_as_they_come_is_added_up_in_order():
    random = np.random.default_rng(0)
    rows = random.normal(size=(20_000, 8)).astype(np.float32)
    ids = random.integers(0, 50, len(rows))
    # One row after another, as a float32 sum: so NumPy defines it.
    expected = np.zeros((50, 8), np.float32)
    np.add.at(expected, ids, rows)
    table = tf.Variable(tf.zeros([50, 8]))
    with deterministic_ops(True):
        for _ in range(20):
            table.assign(tf.zeros([50, 8]))
            table.scatter_add(tf.IndexedSlices(rows, ids))
            np.testing.assert_array_equal(table, expected)


def unseeded(values):
    """`fractional_max_pool` draws where it cuts."""
    return tf.nn.fractional_max_pool(values, [1.0, 1.4, 1.4, 1.0])[0]


def test_an_op_that_cannot_keep_the_promise_is_an_error_that_says_which():
    values = tf.ones([1, 6, 6, 1])
    with (
        pytest.raises(UserInputError, match=r"deterministic is true[\s\S]*received: .*fractional_max_pool[\s\S]*fix:"),
        deterministic_ops(True),
    ):
        unseeded(values)
    # Only within, and only where it is wanted.
    unseeded(values)
    with deterministic_ops(False):
        unseeded(values)


@pytest.mark.parametrize("error", [ValueError("a shape"), RuntimeError("a thread"), SpecError("not determined")])
def test_other_errors_stay_as_they_are(error):
    with pytest.raises(type(error)) as raised, deterministic_ops(True):
        raise error
    assert raised.value is error


def test_one_within_the_other_keeps_the_promise_to_the_end():
    with deterministic_ops(True):
        with deterministic_ops(True):
            pass
        with pytest.raises(ValueError, match="determinism"):
            unseeded(tf.ones([1, 6, 6, 1]))
            pytest.fail("the inner one has ended the outer one's promise")


def digest_of(value):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    model.set_weights([np.full((2, 3), value, np.float32), np.zeros(3, np.float32)])
    return weights_digest(model)


def test_the_digest_sees_the_last_bit():
    assert digest_of(1.0) == digest_of(1.0)
    assert digest_of(1.0) != digest_of(np.nextafter(np.float32(1), np.float32(2)))
    assert digest_of(0.0) != digest_of(-0.0)


@pytest.mark.slow
def test_a_busy_machine_does_not_change_a_bit_of_the_weights(tmp_path):
    """Four threads for each op, as on machines of more cores, and four processes beside them."""
    threads = {"TF_NUM_INTRAOP_THREADS": "4", "TF_NUM_INTEROP_THREADS": "4"}

    def trained():
        words = [sys.executable, "-m", "tests.components.training.repeated_training", tmp_path]
        done = subprocess.run(words, env=os.environ | threads, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    alone = trained()
    with busy():
        beside = trained()
    assert len(alone) == 2
    assert beside == alone
