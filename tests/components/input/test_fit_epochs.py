"""An input that follows the epochs and steps of Keras."""

import dataclasses

import keras
import numpy as np
import pytest

from tfx_sequences.components.input.fit_epochs import FitEpochs


@dataclasses.dataclass
class Input:
    """Notes where its passes begin."""

    epoch: int = 0
    step: int = 0
    begun: list = dataclasses.field(default_factory=list)

    def begin(self, epoch, step=0):
        self.epoch, self.step = epoch, step
        self.begun.append((epoch, step))


class Steps(keras.callbacks.Callback):
    """Notes the input's position after each batch."""

    def __init__(self, followed):
        super().__init__()
        self.followed, self.seen = followed, []

    def on_train_batch_end(self, batch, logs=None):
        self.seen.append((self.followed.epoch, self.followed.step))


def followed(given, **fit):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    steps = Steps(given)
    model.fit(np.ones((4, 1)), np.ones((4, 1)), batch_size=2, verbose=0, callbacks=[FitEpochs(given), steps], **fit)
    return steps.seen


@pytest.mark.parametrize(
    ("given", "fit", "seen", "end"),
    [
        (Input(), {"epochs": 2}, [(0, 1), (0, 2), (1, 1), (1, 2)], (2, 0)),
        (Input(3, 5), {"epochs": 5, "initial_epoch": 3}, [(3, 6), (3, 7), (4, 1), (4, 2)], (5, 0)),
        # The input was elsewhere: the epoch begins at its first step.
        (Input(9, 5), {"epochs": 1}, [(0, 1), (0, 2)], (1, 0)),
    ],
)
def test_the_input_counts_as_fit_does_and_resumes_within_its_epoch(given, fit, seen, end):
    assert followed(given, **fit) == seen
    assert (given.epoch, given.step) == end
