"""Trains the network of a spec: with validation on held-back records and then, if useful, on all records."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

from absl import logging

from tfx_sequences.components.training.backup import BackupFile
from tfx_sequences.components.training.fitting import Fitted
from tfx_sequences.components.training.network_fitting import FittedNetwork, NetworkFitting
from tfx_sequences.components.training.refitting import epochs_to_refit
from tfx_sequences.components.training.rotating_validation import Rotation, rotations
from tfx_sequences.components.training.training_phases import LAST_PHASE, TrainingPhases
from tfx_sequences.schemas.columns.auto import chosen
from tfx_sequences.schemas.spec.training_options import Training


@dataclasses.dataclass(frozen=True)
class Refit:
    """The final training on all records.

    Attributes:
        epochs: Number of epochs: the median of `best_epochs`.
        best_epochs: The best epoch of each validated network.
        records: Number of training records, including those that were held back.
        loss: Training loss of the last epoch.
    """

    epochs: int
    best_epochs: tuple[int, ...]
    records: int
    loss: float

    def report(self) -> dict[str, Any]:
        """Converts to plain data."""
        return dataclasses.asdict(self)


@dataclasses.dataclass(frozen=True)
class TrainedNetwork:
    """The network of a run.

    Attributes:
        network: The network with the exported weights.
        validated: The result of the training that was validated on the held-back records.
        refit: The final training on all records; None if there was none.
    """

    network: FittedNetwork
    validated: Fitted
    refit: Refit | None = None


def train_network(
    fitting: NetworkFitting,
    training: Training,
    train_files: Sequence[str],
    valid_files: Sequence[str],
    *,
    backup: BackupFile | None = None,
    log_dir: str | None = None,
) -> TrainedNetwork:
    """Trains according to `training.refit` and `training.folds`.

    Args:
        fitting: Fits networks of the spec.
        training: The spec's `training` section, with all settings resolved.
        train_files: Transformed records.
        valid_files: Transformed records, held back from the training records if there is a refit.
        backup: Backup of the training state.
        log_dir: Folder for TensorBoard's logs.
    """
    if not chosen(training.refit):
        network = fitting.validated(train_files, valid_files, backup=backup, log_dir=log_dir)
        return TrainedNetwork(network, network.fitted)
    phases = TrainingPhases(backup)
    with rotations(train_files, valid_files, chosen(training.folds)) as divisions:
        validated = [
            phases.run(f"validated_{number}", functools.partial(_validated, fitting, division, number, log_dir))
            for number, division in enumerate(divisions, 1)
        ]
    epochs = epochs_to_refit(validated)
    everything = [*train_files, *valid_files]
    logging.info("Training on all records for %d epochs", epochs)
    lengths = fitting.lengths_of(everything)
    rates = validated[0].history["learning_rate"]
    last = backup.of_phase(LAST_PHASE) if backup else None
    network = fitting.refitted(everything, epochs, lengths=lengths, rates=rates, backup=last)
    best = tuple(fitted.best_epoch for fitted in validated)
    refit = Refit(epochs, best, int(lengths.counts.sum()), network.fitted.history["loss"][-1])
    return TrainedNetwork(network, validated[0], refit)


def _validated(
    fitting: NetworkFitting, division: Rotation, number: int, log_dir: str | None, backup: BackupFile | None
) -> Fitted:
    train, valid = division
    logging.info("Validation %d", number)
    # The first one uses exactly the records that Transform analyzed, and its metrics are reported.
    lengths, logs = (None, log_dir) if number == 1 else (fitting.lengths_of(train), None)
    return fitting.validated(train, valid, lengths=lengths, backup=backup, log_dir=logs).fitted
