"""Passes Keras' epochs and steps to an input that counts its own."""

from __future__ import annotations

from typing import Any, Protocol

import keras


class Epochs(Protocol):
    """An input that counts its passes as epochs."""

    epoch: int
    step: int

    def begin(self, epoch: int, step: int = 0) -> None:
        """Starts the next pass at this step of this epoch."""


class FitEpochs(keras.callbacks.Callback):
    """Keeps the input's epochs in step with `fit`, because Keras starts passes that it does not use.

    Args:
        followed: The input; its `epoch` and `step` follow `fit`.
    """

    def __init__(self, followed: Epochs) -> None:
        super().__init__()
        self._input = followed
        self._first_step = 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        resumed = epoch == self._input.epoch
        self._first_step = self._input.step if resumed else 0
        self._input.begin(epoch, self._first_step)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._input.step = self._first_step + batch + 1

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._input.begin(epoch + 1)
