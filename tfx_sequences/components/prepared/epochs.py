"""The prepared store as the trainer's input: epoch after epoch, followed through `fit`."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator

import keras
import tensorflow as tf

from tfx_sequences.components.input.fit_epochs import FitEpochs
from tfx_sequences.components.input.input_counts import InputCounts
from tfx_sequences.components.input.input_state import InputState
from tfx_sequences.components.prepared.prepared_input import PreparedStore, Worker


class PreparedInput:
    """Training batches from a prepared store; replaces `SequenceInput`.

    Args:
        store: The store.
        worker: This worker, if several share each epoch; None for a single worker.

    Attributes:
        epoch: The epoch, counted from 0, of the current or the next pass.
        step: Number of batches of that epoch that were taken.
    """

    def __init__(self, store: PreparedStore, worker: Worker | None = None) -> None:
        self._store = store
        self._worker = worker or Worker()
        self.epoch = 0
        self.step = 0
        self._next = (0, 0)

    @functools.cached_property
    def dataset(self) -> tf.data.Dataset:
        """Batches as in `PreparedStore.epochs`; each pass is the next epoch. With `fit`, add `callback`."""
        return self._store.epochs(self._begin_pass, self._worker)

    @functools.cached_property
    def steps_per_epoch(self) -> int:
        """Batches per worker in the first epoch; later epochs differ by a few."""
        return self._store.batches(workers=self._worker.count) // self._worker.count

    @property
    def callback(self) -> keras.callbacks.Callback:
        """Callback for `fit`: keeps the input's epochs in step with Keras."""
        return FitEpochs(self)

    @property
    def finished(self) -> list[InputCounts]:
        """Counts of each epoch before `epoch`, for all workers together: batched, truncated and dropped records."""
        return [self._store.counts(epoch=epoch, workers=self._worker.count) for epoch in range(self.epoch)]

    def begin(self, epoch: int, step: int = 0) -> None:
        """Starts the next pass over `dataset` at this step of this epoch."""
        self.epoch, self.step = epoch, step
        self._next = (epoch, step)

    def state(self) -> InputState:
        """The position of the input: after the last batch that was taken."""
        return InputState(source=self._store.digest, num_workers=self._worker.count, epoch=self.epoch, step=self.step)

    def restore(self, state: InputState) -> None:
        """Resumes at the position of `state`: the next pass gives the rest of that epoch.

        Raises:
            UserInputError: The state belongs to another store, seed, batching or number of workers.
        """
        state.check(self._store.digest, self._worker.count)
        self.begin(state.epoch, state.step)

    @contextlib.contextmanager
    def explained(self) -> Iterator[None]:
        """Does nothing: the store was checked when it was written and opened."""
        yield

    def _begin_pass(self) -> tuple[int, int]:
        epoch, step = self._next
        self._next = (epoch + 1, 0)
        return epoch, step
