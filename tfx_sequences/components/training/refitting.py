"""Fits a new network to all records, including the held-back ones, for the number of epochs that proved best."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

import keras

from tfx_sequences.components.input.epoch_source import EpochSource
from tfx_sequences.components.training.backup import BackupFile
from tfx_sequences.components.training.fitting import Fitted, averaging
from tfx_sequences.components.training.training_loop import TrainingLoop, build_all
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def epochs_to_refit(validated: Sequence[Fitted]) -> int:
    """The number of epochs for all records: the median of the best epochs of the validated networks.

    >>> epochs_to_refit([Fitted({}, 12), Fitted({}, 30), Fitted({}, 14)])
    14
    """
    return round(statistics.median(fitted.best_epoch for fitted in validated))


def refit(
    model: keras.Model,
    spec: SequenceSpec,
    train: EpochSource,
    epochs: int,
    *,
    rates: Sequence[float] = (),
    backup: BackupFile | None = None,
    callbacks: tuple[keras.callbacks.Callback, ...] = (),
) -> Fitted:
    """Fits for a fixed number of epochs; the weights of the last one are kept. Nothing is validated.

    Args:
        model: The compiled, untrained model.
        spec: The spec; its learning rate follows the same course as in the validated training.
        train: All records.
        epochs: Number of epochs.
        rates: The learning rate of each epoch, if the schedule depended on validation metrics.
        backup: Backup of the training state; if one exists, training resumes from it.
        callbacks: Further Keras callbacks.
    """
    training = spec.training.model_copy(update={"epochs": epochs})
    given = [*averaging(training), *callbacks]
    if training.schedule.type == "reduce_on_plateau" and rates:
        given.append(keras.callbacks.LearningRateScheduler(lambda epoch: rates[min(epoch, len(rates) - 1)]))
    build_all(model, train.dataset.element_spec)
    resumed = backup.read() if backup else None
    loop = TrainingLoop(model, training, train, None, given, backup.write if backup else None)
    with train.explained():
        loop.run(resumed)
    at = resumed.plain["position"] if resumed else None
    return Fitted(loop.history, epochs, (at["epoch"] + 1, at["step"]) if at else None)
