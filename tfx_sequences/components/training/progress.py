"""Training speed: values for each epoch, in the history and in the log."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import keras
from absl import logging
from keras import ops

from tfx_sequences.components.input.input_counts import InputCounts
from tfx_sequences.components.training.progress_messages import EPOCH, WITHIN_EPOCH

# Seconds between two lines within an epoch.
_EVERY = 10.0


class EpochFigures:
    """Times one epoch.

    Args:
        epoch: The epoch, from 0.
        epochs: Maximum number of epochs.
        first_step: Steps of this epoch that an interrupted run already did.
    """

    def __init__(self, epoch: int, epochs: int, first_step: int = 0) -> None:
        self._epoch = epoch
        self._epochs = epochs
        self._first = self._step = first_step
        self._started = self._told = time.monotonic()
        self._figures: dict[str, float] = {}

    def step(self, logs: dict[str, Any]) -> None:
        """Counts a finished step; logs it now and then."""
        self._step += 1
        now = time.monotonic()
        if now - self._told >= _EVERY:
            self._told = now
            speed = (self._step - self._first) / (now - self._started)
            words = f"loss {float(logs['loss']):.4f}, {speed:,.1f} steps/s"
            logging.info(WITHIN_EPOCH, self._epoch + 1, self._epochs, self._step, words)

    def trained(self, step: int, finished: Sequence[InputCounts], replicas: int = 1) -> None:
        """Ends the training steps of the epoch.

        Args:
            step: Number of steps, including those of an interrupted run.
            finished: Counts of the input, for the number of real steps per batch.
            replicas: Batches per step.
        """
        seconds = max(time.monotonic() - self._started, 1e-9)
        self._figures["steps_per_second"] = (step - self._first) / seconds
        if finished and finished[-1].batches:
            latest = finished[-1]
            self._figures["real_steps_per_second"] = (
                self._figures["steps_per_second"] * replicas * latest.real_steps / latest.batches
            )
            self._figures["padding_share"] = latest.padding_share

    def to_logs(self, optimizer: keras.optimizers.Optimizer) -> dict[str, float]:
        """Values by name: steps and real time steps per second, padding ratio, learning rate."""
        return {**self._figures, "learning_rate": float(ops.convert_to_numpy(optimizer.learning_rate))}

    def log(self, logs: dict[str, float]) -> None:
        """Logs the epoch's line."""
        fast = self._figures
        words = [f"{name} {value:.4f}" for name, value in logs.items() if name not in fast and name != "learning_rate"]
        words += [f"learning rate {logs['learning_rate']:.3g}", f"{fast['steps_per_second']:,.1f} steps/s"]
        if "padding_share" in fast:
            words.append(f"{fast['real_steps_per_second']:,.0f} real steps/s, {fast['padding_share']:.1%} padding")
        logging.info(EPOCH, self._epoch + 1, self._epochs, ", ".join(words))
