"""Fits the compiled network to the input."""

from __future__ import annotations

import dataclasses
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfx_sequences.components.input.epoch_source import DatasetSource, EpochSource
from tfx_sequences.components.training.backup import BackupFile
from tfx_sequences.components.training.training_loop import TrainingLoop, build_all
from tfx_sequences.errors import UserInputError, did_you_mean
from tfx_sequences.schemas.columns.auto import chosen
from tfx_sequences.schemas.spec.auto_settings import with_auto_settings
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec
from tfx_sequences.schemas.spec.training_options import Training


@dataclasses.dataclass(frozen=True)
class Fitted:
    """The result of a training.

    Attributes:
        history: Metrics by name, one value per epoch.
        best_epoch: The epoch, counted from 1, whose weights the model has.
        resumed_at: Epoch (counted from 1) and step at which an interrupted run resumed; None if none did.
    """

    history: dict[str, list[float]]
    best_epoch: int
    resumed_at: tuple[int, int] | None = None


def fit(
    model: keras.Model,
    spec: SequenceSpec,
    train: EpochSource | tf.data.Dataset,
    valid: Any,
    *,
    backup: BackupFile | None = None,
    log_dir: str | None = None,
    callbacks: tuple[keras.callbacks.Callback, ...] = (),
) -> Fitted:
    """Fits until the last epoch or until the monitored metric stops improving; keeps the best weights.

    Args:
        model: The compiled model.
        spec: The spec.
        train: The training records.
        valid: Validation batches.
        backup: Backup of the training state; if one exists, training resumes from it.
        log_dir: Folder for TensorBoard's logs.
        callbacks: Further Keras callbacks.

    Raises:
        UserInputError: The monitored metric does not exist or was never finite, or the backup belongs to another run.
    """
    training = with_auto_settings(spec).training
    source = DatasetSource(train) if isinstance(train, tf.data.Dataset) else train
    stop = keras.callbacks.EarlyStopping(
        monitor=training.monitor,
        mode=training.monitored_direction,
        min_delta=training.early_stopping_min_delta,
        # Even without early stopping, it keeps the best weights.
        patience=training.early_stopping_patience or chosen(training.epochs) + 1,
        restore_best_weights=True,
    )
    given = [*averaging(training), *_for_schedule(spec), stop, *callbacks]
    if log_dir:
        given.append(keras.callbacks.TensorBoard(log_dir, write_graph=False))
    build_all(model, source.dataset.element_spec)
    _check_monitor(model, training.monitor)
    resumed = backup.read() if backup else None
    loop = TrainingLoop(model, training, source, valid, given, backup.write if backup else None)
    with source.explained():
        loop.run(resumed)
    monitored = loop.history[training.monitor]
    if not np.isfinite(monitored).any():
        raise UserInputError(
            f"Training diverged: {training.monitor} was not finite in any of {len(monitored)} epochs.",
            expected="a finite loss",
            received=f"training loss {loop.history['loss'][0]:g} in the first epoch",
            fix="Lower training.learning_rate or set training.gradient_clip_norm in the spec; "
            "choose a normalizer for features with extreme values.",
        )
    at = resumed.plain["position"] if resumed else None
    return Fitted(loop.history, int(stop.best_epoch) + 1, (at["epoch"] + 1, at["step"]) if at else None)


def averaging(training: Training) -> list[keras.callbacks.Callback]:
    """The callback that replaces the weights by their moving average after each epoch, if the spec has one."""
    return [] if chosen(training.ema_momentum) is None else [keras.callbacks.SwapEMAWeights(swap_on_epoch=True)]


def _for_schedule(spec: SequenceSpec) -> list[keras.callbacks.Callback]:
    schedule, training = spec.training.schedule, with_auto_settings(spec).training
    if schedule.type != "reduce_on_plateau":
        return []
    return [
        keras.callbacks.ReduceLROnPlateau(
            monitor=training.monitor,
            mode=training.monitored_direction,
            min_delta=training.early_stopping_min_delta,
            factor=schedule.factor,
            patience=schedule.patience,
            min_lr=schedule.min_learning_rate,
        )
    ]


def _check_monitor(model: keras.Model, monitor: str) -> None:
    """Raises for an unknown metric: Keras would only warn, and then never stop early."""
    known = [f"val_{name}" for name in model.get_metrics_result()]
    if monitor not in known:
        raise UserInputError(
            f"training.monitor is '{monitor}', which the model does not measure.",
            expected=f"one of {', '.join(known)}",
            received=f"'{monitor}'",
            fix=f"Correct training.monitor.{did_you_mean(monitor, known)}",
        )
