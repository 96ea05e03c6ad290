"""The finished phases of a multi-phase training: a restarted run does not repeat them."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable

import tensorflow as tf

from tfx_sequences.components.training.backup import BackupFile
from tfx_sequences.components.training.fitting import Fitted
from tfx_sequences.whole_files import written_whole

PHASES_FILE = "finished_phases.json"
LAST_PHASE = "refitted"


class TrainingPhases:
    """The phases of a training, by name, with their results.

    A phase has its own backup while it runs. When it has finished, its result is stored next to the backups,
    without weights: a later phase starts with new ones.

    Args:
        backup: Backup of the whole training; None stores nothing.

    Raises:
        UserInputError: The stored results belong to another spec, other records or other code.
    """

    def __init__(self, backup: BackupFile | None) -> None:
        self._backup = backup
        self._finished: dict[str, Fitted] = {}
        if backup and tf.io.gfile.exists(self._path):
            with tf.io.gfile.GFile(self._path) as file:
                kept = json.load(file)
            backup.require_own(kept["identity"])
            self._finished = {name: _fitted(plain) for name, plain in kept["phases"].items()}

    def run(self, name: str, phase: Callable[[BackupFile | None], Fitted]) -> Fitted:
        """The result of the phase, from this run or from the interrupted run that finished it.

        Args:
            name: The phase's name, also used as a folder name.
            phase: Fits a network, with a backup for its state.
        """
        if name not in self._finished:
            whole = self._backup
            backup = whole.of_phase(name) if whole else None
            self._finished[name] = phase(backup)
            if whole and backup and whole.writes:
                tf.io.gfile.makedirs(whole.folder)
                self._write(whole)
                backup.delete()
        return self._finished[name]

    @property
    def _path(self) -> str:
        return os.path.join(self._backup.folder, PHASES_FILE) if self._backup else ""

    def _write(self, backup: BackupFile) -> None:
        phases = {name: dataclasses.asdict(fitted) for name, fitted in self._finished.items()}
        with written_whole(self._path) as file:
            file.write(json.dumps({"identity": backup.identity, "phases": phases}).encode())


def delete_phases(backup: BackupFile) -> None:
    """Deletes all stored state after a successful training.

    Args:
        backup: Backup of the whole training.
    """
    finished = os.path.join(backup.folder, PHASES_FILE)
    if backup.writes and tf.io.gfile.exists(finished):
        tf.io.gfile.remove(finished)
    backup.of_phase(LAST_PHASE).delete()
    backup.delete()


def _fitted(plain: dict[str, object]) -> Fitted:
    at = plain.pop("resumed_at")
    return Fitted(**plain, resumed_at=tuple(at) if at else None)  # type: ignore[arg-type]
