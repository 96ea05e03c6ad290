"""The training loop: Keras' steps, callbacks and metrics, but with our own position.

`keras.Model.fit` cannot resume exactly within an epoch. It assumes that all epochs have as many steps as the first one
it runs, so the rest of an interrupted epoch would shorten the later ones. And it notices the end of the input only
inside a step, whose counters (such as the optimizer's iterations) advance all the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from tfx_sequences.components.input.epoch_source import EpochSource
from tfx_sequences.components.training.progress import EpochFigures
from tfx_sequences.components.training.strategies import has_several_processes
from tfx_sequences.components.training.train_state import Position, TrainState
from tfx_sequences.errors import DataError
from tfx_sequences.schemas.columns.auto import chosen
from tfx_sequences.schemas.spec.training_options import Backup, Training


class TrainingLoop:
    """Trains a compiled model epoch by epoch.

    Args:
        model: The compiled model, with all variables created: see `build_all`.
        training: The section of the spec.
        source: The training records.
        valid: Validation batches; each pass reads all of them. None for no validation.
        callbacks: Keras' callbacks.
        save: Called with the state when a backup is due; None makes no backups.

    Attributes:
        history: Metrics by name, one value per epoch.
    """

    def __init__(
        self,
        model: keras.Model,
        training: Training,
        source: EpochSource,
        valid: Any,
        callbacks: Sequence[keras.callbacks.Callback],
        save: Callable[[TrainState], None] | None = None,
    ) -> None:
        self._model = model
        self._training = training
        self._source = source
        self._valid = valid
        self._epochs = chosen(training.epochs)
        self._list = keras.callbacks.CallbackList(list(callbacks), model=model, epochs=self._epochs, verbose=0)
        self._options = training.backup or Backup()
        self._save = save
        self._last_save = time.monotonic()
        self._iterator: Any = None
        self._train_step = step_function(model, model.train_step, source.dataset.element_spec)
        self._test_step = None if valid is None else step_function(model, model.test_step, valid.element_spec)
        self.history: dict[str, list[float]] = {}

    def run(self, resumed: TrainState | None = None) -> None:
        """Trains until the last epoch, or until a callback stops it.

        Args:
            resumed: The state of an interrupted run: training resumes there as if it had not been interrupted.

        Raises:
            DataError: There are no training records.
        """
        model, callbacks = self._model, self._list
        model.stop_training = False
        callbacks.on_train_begin()
        first, step = self._restore(resumed) if resumed else (0, 0)
        for epoch in range(first, self._epochs):
            logs = self._epoch(epoch, step, resumed)
            resumed, step = None, 0
            callbacks.on_epoch_end(epoch, logs)
            for name, value in logs.items():
                self.history.setdefault(name, []).append(float(value))
            if model.stop_training:
                break
        callbacks.on_train_end()

    def _restore(self, resumed: TrainState) -> tuple[int, int]:
        """Restores the state; returns its epoch and step."""
        position = resumed.restore(self._model, self._list.callbacks)
        self._source.restore(position.input)
        self.history = {name: list(values) for name, values in position.history.items()}
        for callback in self._list.callbacks:
            if isinstance(callback, keras.callbacks.TensorBoard):
                # The log files are new in this run: write the earlier epochs again.
                for epoch in range(position.epoch):
                    callback.on_epoch_end(epoch, {name: values[epoch] for name, values in self.history.items()})
        return position.epoch, position.step

    def _epoch(self, epoch: int, step: int, resumed: TrainState | None) -> dict[str, float]:
        model, callbacks = self._model, self._list
        model.reset_metrics()
        callbacks.on_epoch_begin(epoch)
        if resumed:
            # Metrics of the current epoch are part of the state; the two lines above have just reset them.
            resumed.restore_metrics(model)
        else:
            self._keep(epoch, step)
        figures = EpochFigures(epoch, self._epochs, step)
        most = self._training.steps_per_epoch
        while most is None or step < most:
            logs = self._step(step)
            if logs is None:
                if most is None:
                    break
                continue
            step += 1
            figures.step(logs)
            if self._is_due(step):
                self._keep(epoch, step)
        figures.trained(step, self._source.finished, model.distribute_strategy.num_replicas_in_sync)
        logs = _floats(model.get_metrics_result())
        logs |= {f"val_{name}": value for name, value in self._evaluate().items()}
        logs |= figures.to_logs(model.optimizer)
        figures.log(logs)
        return logs

    def _step(self, step: int) -> dict[str, Any] | None:
        """The metrics after one more step; None at the end of a pass over the records."""
        source = self._source
        if self._iterator is None:
            self._iterator = iter(source.dataset)
        batch = next(self._iterator, None)
        if batch is None:
            if source.step == 0:
                raise DataError(
                    "There are no training records.",
                    expected="at least one record in the training split",
                    received="an epoch without a batch",
                    fix="Check the files of the split, and batching.drop_shorter_than and drop_longer_than.",
                )
            source.begin(source.epoch + 1)
            self._iterator = None
            return None
        self._list.on_train_batch_begin(step)
        logs = self._train_step(batch)
        source.step += 1
        self._list.on_train_batch_end(step, logs)
        return logs

    def _evaluate(self) -> dict[str, float]:
        if self._test_step is None:
            return {}
        model, callbacks = self._model, self._list
        model.reset_metrics()
        callbacks.on_test_begin()
        step = -1
        for step, batch in enumerate(self._valid):
            callbacks.on_test_batch_begin(step)
            callbacks.on_test_batch_end(step, self._test_step(batch))
        if step < 0:
            raise DataError("There are no validation records.", expected="at least one record in the validation split")
        found = _floats(model.get_metrics_result())
        callbacks.on_test_end(found)
        return found

    def _is_due(self, step: int) -> bool:
        options = self._options
        by_steps = options.every_steps is not None and step % options.every_steps == 0
        # Clocks differ, but all workers must read the state at the same step.
        if has_several_processes(self._model.distribute_strategy):
            return by_steps
        by_time = options.every_seconds is not None and time.monotonic() - self._last_save >= options.every_seconds
        return by_steps or by_time

    def _keep(self, epoch: int, step: int) -> None:
        if self._save is None:
            return
        position = Position(epoch=epoch, step=step, input=self._source.state(), history=self.history)
        self._save(TrainState.of(self._model, self._list.callbacks, position))
        self._last_save = time.monotonic()


def step_function(
    model: keras.Model, step: Callable[[Any], dict[str, Any]], element_spec: Any
) -> Callable[[Any], dict[str, Any]]:
    """A step of a model as a graph, traced once for batches of all shapes.

    Args:
        model: The model.
        step: Its `train_step` or `test_step`.
        element_spec: Element spec of the batches.
    """
    strategy = model.distribute_strategy

    @tf.function(input_signature=(element_spec,), jit_compile=model.jit_compile, autograph=False)
    def run(batch: Any) -> dict[str, Any]:
        return strategy.run(step, args=(batch,))

    # Metrics are equal on all replicas.
    return lambda batch: tf.nest.map_structure(lambda x: strategy.experimental_local_results(x)[0], run(batch))


def build_all(model: keras.Model, element_spec: Any) -> None:
    """Creates the variables of optimizer, losses and metrics, which Keras otherwise creates at their first use.

    Args:
        model: The compiled model.
        element_spec: Element spec of the batches.
    """
    if not model.optimizer.built:
        with model.distribute_strategy.scope():
            model.optimizer.build(model.trainable_variables)

    def zeros(spec: Any) -> Any:
        # The spec of one replica or of several, which are all equal.
        spec = getattr(spec, "_value_specs", (spec,))[0]
        return tf.zeros([size or 1 for size in spec.shape], spec.dtype)

    step = tf.function(lambda: model.test_step(tf.nest.map_structure(zeros, element_spec)), autograph=False)
    model.distribute_strategy.run(step)
    model.reset_metrics()


def _floats(logs: dict[str, Any]) -> dict[str, float]:
    return {name: float(value) for name, value in logs.items()}
