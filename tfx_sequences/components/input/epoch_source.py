"""What the training loop reads: passes over records, at a position that can be kept and taken up again."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import tensorflow as tf

from tfx_sequences.components.input.input_counts import InputCounts
from tfx_sequences.components.input.input_state import InputState


class EpochSource(Protocol):
    """An input whose passes are epochs of its own, such as `SequenceInput` or `PreparedInput`."""

    epoch: int
    step: int

    @property
    def dataset(self) -> Any:
        """Batches `(inputs, label, weight)`; each pass over it is the next epoch."""

    @property
    def steps_per_epoch(self) -> int | None:
        """Batches of an epoch, for each of the workers that share it; None where only reading can tell."""

    @property
    def finished(self) -> Sequence[InputCounts]:
        """What was read, of each epoch that was read to its end."""

    def begin(self, epoch: int, step: int = 0) -> None:
        """The next pass over `dataset` begins at this step of this epoch."""

    def state(self) -> InputState:
        """Where the input stands."""

    def restore(self, state: InputState) -> None:
        """Goes on where `state` was taken."""

    def explained(self) -> contextlib.AbstractContextManager[None]:
        """Within it, errors of the reader are raised as they are."""


class DatasetSource:
    """A `tf.data.Dataset` as a source: every pass gives the same batches.

    Args:
        dataset: The dataset; deterministic, if training is to go on exactly after an interruption.
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
        """Batches of a pass, where TensorFlow knows their number."""
        known = int(self._dataset.cardinality())
        return known if known >= 0 else None

    def begin(self, epoch: int, step: int = 0) -> None:
        """The next pass begins at this step."""
        self.epoch, self.step = epoch, step

    def state(self) -> InputState:
        """Epoch and step."""
        return InputState(source="dataset", num_workers=1, epoch=self.epoch, step=self.step)

    def restore(self, state: InputState) -> None:
        """Goes on where `state` was taken."""
        state.check("dataset", 1)
        self.begin(state.epoch, state.step)

    @contextlib.contextmanager
    def explained(self) -> Iterator[None]:
        """Nothing to explain."""
        yield
