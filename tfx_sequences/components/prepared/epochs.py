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
    """Training batches of a prepared store; takes the place of `SequenceInput`.

    Args:
        store: The store.
        worker: Which of the workers that share each epoch this is; None: the only one.

    Attributes:
        epoch: The epoch, from 0, that the next pass gives, or that one is giving.
        step: Batches of that epoch that were taken.
    """

    def __init__(self, store: PreparedStore, worker: Worker | None = None) -> None:
        self._store = store
        self._worker = worker or Worker()
        self.epoch = 0
        self.step = 0
        self._next = (0, 0)

    @functools.cached_property
    def dataset(self) -> tf.data.Dataset:
        """Batches as of `PreparedStore.epochs`; each pass is the next epoch. Under `fit` add `callback`."""
        return self._store.epochs(self._begin_pass, self._worker)

    @functools.cached_property
    def steps_per_epoch(self) -> int:
        """Batches of the first epoch, for each of the workers that share it; later ones differ by a few."""
        return self._store.batches(workers=self._worker.count) // self._worker.count

    @property
    def callback(self) -> keras.callbacks.Callback:
        """For `fit`: makes Keras' epochs those of the input."""
        return FitEpochs(self)

    @property
    def finished(self) -> list[InputCounts]:
        """What was batched, cut and left out, of each epoch before `epoch`; of all workers together."""
        return [self._store.counts(epoch=epoch, workers=self._worker.count) for epoch in range(self.epoch)]

    def begin(self, epoch: int, step: int = 0) -> None:
        """The next pass over `dataset` begins at this step of this epoch."""
        self.epoch, self.step = epoch, step
        self._next = (epoch, step)

    def state(self) -> InputState:
        """Where the input stands: behind the last batch that was taken."""
        return InputState(source=self._store.digest, num_workers=self._worker.count, epoch=self.epoch, step=self.step)

    def restore(self, state: InputState) -> None:
        """Goes on where `state` was taken: the next pass gives the rest of that epoch.

        Raises:
            UserInputError: The state is one of another store, seed, batching or number of workers.
        """
        state.check(self._store.digest, self._worker.count)
        self.begin(state.epoch, state.step)

    @contextlib.contextmanager
    def explained(self) -> Iterator[None]:
        """Nothing to explain: the store was checked when it was written and opened."""
        yield

    def _begin_pass(self) -> tuple[int, int]:
        epoch, step = self._next
        self._next = (epoch + 1, 0)
        return epoch, step
