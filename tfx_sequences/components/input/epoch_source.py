"""Inputs of the training loop: passes over records, from a position that can be saved and restored."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import tensorflow as tf

from tfx_sequences.components.input.input_counts import InputCounts
from tfx_sequences.components.input.input_state import InputState


class EpochSource(Protocol):
    """An input that counts its passes as epochs, such as `SequenceInput` or `PreparedInput`."""

    epoch: int
    step: int

    @property
    def dataset(self) -> Any:
        """Batches `(inputs, label, weight)`; each pass is the next epoch."""

    @property
    def steps_per_epoch(self) -> int | None:
        """Batches per worker in an epoch; None if the number is only known after reading."""

    @property
    def finished(self) -> Sequence[InputCounts]:
        """Counts of each epoch that was read to its end."""

    def begin(self, epoch: int, step: int = 0) -> None:
        """Starts the next pass over `dataset` at this step of this epoch."""

    def state(self) -> InputState:
        """The position of the input."""

    def restore(self, state: InputState) -> None:
        """Resumes at the position of `state`."""

    def explained(self) -> contextlib.AbstractContextManager[None]:
        """Raises the reader's own errors instead of TensorFlow's."""


class DatasetSource:
    """A `tf.data.Dataset` as a source: every pass gives the same batches.

    Args:
        dataset: The dataset; it must be deterministic for an exact resume after an interruption.
    """

    def __init__(self, dataset: tf.data.Dataset) -> None:
        self._dataset = dataset
        self.epoch = 0
        self.step = 0
        self.finished: Sequence[InputCounts] = ()

    @property
    def dataset(self) -> tf.data.Dataset:
        """The rest of the pass."""
        return self._dataset.skip(self.step)

    @property
    def steps_per_epoch(self) -> int | None:
        """Batches of a pass, if TensorFlow knows their number."""
        known = int(self._dataset.cardinality())
        return known if known >= 0 else None

    def begin(self, epoch: int, step: int = 0) -> None:
        """Starts the next pass at this step."""
        self.epoch, self.step = epoch, step

    def state(self) -> InputState:
        """The epoch and the step."""
        return InputState(source="dataset", num_workers=1, epoch=self.epoch, step=self.step)

    def restore(self, state: InputState) -> None:
        """Resumes at the position of `state`."""
        state.check("dataset", 1)
        self.begin(state.epoch, state.step)

    @contextlib.contextmanager
    def explained(self) -> Iterator[None]:
        """Does nothing: there is no reader whose errors it could raise."""
        yield
