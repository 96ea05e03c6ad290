"""The backup of a training run: one file, complete or absent, that identifies its run."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from absl import logging

from tfx_sequences.components.training.train_state import TrainState
from tfx_sequences.errors import UserInputError
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec
from tfx_sequences.schemas.spec.spec_io import TRAIN_SECTIONS, digest_of, fingerprint
from tfx_sequences.whole_files import written_whole

FILE_NAME = "training_backup.npz"
BACKUPS = "backups"
_PLAIN = "plain"


class BackupFile:
    """The backup in a folder.

    It is written next to the previous backup and renamed when it is complete. So whenever a run is
    killed, there is one complete backup.

    Args:
        folder: Local, or a URI that TensorFlow reads. Created if necessary.
        identity: Digests of what the run depends on, by their names in messages.
        writes: False if another process writes it: only the chief of several workers writes.
    """

    def __init__(self, folder: str, identity: Mapping[str, str], *, writes: bool = True) -> None:
        self.folder = folder
        self.writes = writes
        self._path = os.path.join(folder, FILE_NAME)
        self.identity = dict(identity)

    def of_phase(self, name: str) -> BackupFile:
        """The backup of one phase of a multi-phase training, in a separate folder."""
        return BackupFile(os.path.join(self.folder, name), {**self.identity, "the phase": name}, writes=self.writes)

    def write(self, state: TrainState) -> None:
        """Replaces the previous backup."""
        if not self.writes:
            return
        tf.io.gfile.makedirs(self.folder)
        plain = json.dumps({"identity": self.identity, **state.plain})
        buffer = io.BytesIO()
        np.savez(buffer, **{_PLAIN: np.frombuffer(plain.encode(), np.uint8), **state.arrays})
        with written_whole(self._path) as file:
            file.write(buffer.getvalue())

    def read(self) -> TrainState | None:
        """The backup; None if none exists.

        Raises:
            UserInputError: It belongs to another spec, other records or other code, or it is damaged.
        """
        if not tf.io.gfile.exists(self._path):
            return None
        try:
            with tf.io.gfile.GFile(self._path, "rb") as file, np.load(io.BytesIO(file.read())) as stored:
                arrays = {name: stored[name] for name in stored.files}
            plain = json.loads(arrays.pop(_PLAIN).tobytes())
        except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
            raise UserInputError(
                f"The backup {self._path} is damaged: {error}",
                fix="Delete it; training then starts from the beginning.",
            ) from error
        self.require_own(plain.pop("identity"))
        logging.info("Resuming from the backup in %s", self.folder)
        return TrainState(arrays, plain)

    def require_own(self, identity: Mapping[str, str]) -> None:
        """Raises `UserInputError` if the backup belongs to another spec, other records or other code.

        Args:
            identity: Digests stored in the backup.
        """
        other = [name for name, digest in self.identity.items() if identity.get(name) != digest]
        if other:
            raise UserInputError(
                f"The backup in {self.folder} belongs to a different run.",
                expected="a backup of this spec, these records and this code",
                received=f"a backup that differs in {' and '.join(other)}",
                fix="Delete the folder to start from the beginning, choose another training.backup.folder, "
                "or resume the interrupted run.",
            )

    def delete(self) -> None:
        """Deletes the backup after a successful training, and incomplete backups left by killed runs."""
        if not self.writes or not tf.io.gfile.isdir(self.folder):
            return
        for name in tf.io.gfile.listdir(self.folder):
            if name.lstrip(".").startswith(FILE_NAME):
                tf.io.gfile.remove(os.path.join(self.folder, name))
        if not tf.io.gfile.listdir(self.folder):
            tf.io.gfile.rmtree(self.folder)


def backup_of(
    spec: SequenceSpec, config: Mapping[str, Any], files: Sequence[str], transform_output: str, *, writes: bool = True
) -> BackupFile | None:
    """The backup of a training: in the spec's folder, or in one for this spec and data in `config["backups"]`.

    Args:
        spec: The spec.
        config: The trainer's `custom_config`.
        files: All records that are read.
        transform_output: The transform graph's folder.
        writes: False in a worker other than the chief.
    """
    options = spec.training.backup
    if options is None or not (options.folder or config.get(BACKUPS)):
        return None
    # The backup options do not change the trained model.
    training = spec.training.model_copy(update={"backup": None})
    records = [[file, tf.io.gfile.stat(file).length] for file in files]
    identity = {
        "the spec": fingerprint(spec.model_copy(update={"training": training}), TRAIN_SECTIONS),
        "the records": digest_of([transform_output, *records])[:16],
        "the code": str(config.get("code_digest", "")),
    }
    return BackupFile(
        options.folder or os.path.join(config[BACKUPS], digest_of(identity)[:16]), identity, writes=writes
    )
