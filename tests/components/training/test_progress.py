import logging

import keras
import pytest
from absl import logging as absl_logging

from tfx_sequences.components.input.input_counts import InputCounts
from tfx_sequences.components.training.progress import EpochFigures
from tfx_sequences.components.training.progress_messages import EPOCH


@pytest.fixture
def logged():
    """The records that absl's logger gets: a run's display knows ours by their constant part."""
    records = []
    handler = logging.Handler()
    handler.emit = records.append
    logger, verbosity = absl_logging.get_absl_logger(), absl_logging.get_verbosity()
    logger.addHandler(handler)
    absl_logging.set_verbosity(absl_logging.INFO)
    yield records
    absl_logging.set_verbosity(verbosity)
    logger.removeHandler(handler)


@pytest.fixture
def read():
    """An epoch of 10 batches: 4 000 real steps, a fifth of what is computed is padding."""
    counts = InputCounts(0)
    counts.records, counts.batches, counts.real_steps, counts.padded_steps = 100, 10, 4_000, 5_000
    return counts


def test_an_epochs_line_has_steps_real_steps_and_padding(read, logged):
    figures = EpochFigures(1, 60)
    figures.trained(10, [read], replicas=2)
    logs = {"loss": 0.5, "val_accuracy": 0.75} | figures.to_logs(keras.optimizers.SGD(0.02))
    # Two replicas take two batches in a step.
    assert logs["real_steps_per_second"] == pytest.approx(logs["steps_per_second"] * 2 * 400)
    assert logs["padding_share"] == pytest.approx(0.2)
    figures.log(logs)
    steps, real = f"{logs['steps_per_second']:,.1f}", f"{logs['real_steps_per_second']:,.0f}"
    expected = (
        f"loss 0.5000, val_accuracy 0.7500, learning rate 0.02, {steps} steps/s, {real} real steps/s, 20.0% padding"
    )
    assert [(record.msg, record.getMessage()) for record in logged] == [(EPOCH, f"Epoch 2/60: {expected}")]


def test_steps_of_an_interrupted_run_are_not_of_this_ones_speed(read):
    whole, rest = EpochFigures(0, 1), EpochFigures(0, 1, first_step=10)
    rest.trained(10, [read])
    whole.trained(10, [read])
    found = rest.to_logs(keras.optimizers.SGD(0.1))
    assert found["steps_per_second"] == 0 < whole.to_logs(keras.optimizers.SGD(0.1))["steps_per_second"]
