"""The backup of a training run: one file, whole or not there, that says of what it is."""

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

    It is written beside the one before and takes its name when it is whole: whenever a run is
    killed, one whole backup is there.

    Args:
        folder: Local, or remote as TensorFlow reads it. Made if need be.
        identity: Digests of what the run depends on, by what messages call it.
        writes: False where another process writes it: of several workers, all but the chief.
    """

    def __init__(self, folder: str, identity: Mapping[str, str], *, writes: bool = True) -> None:
        self.folder = folder
        self.writes = writes
        self._path = os.path.join(folder, FILE_NAME)
        self.identity = dict(identity)

    def of_phase(self, name: str) -> BackupFile:
        """The backup of one phase of a training that has several, in a folder of its own."""
        return BackupFile(os.path.join(self.folder, name), {**self.identity, "the phase": name}, writes=self.writes)

    def write(self, state: TrainState) -> None:
        """Takes the place of the backup before."""
        if not self.writes:
            return
        tf.io.gfile.makedirs(self.folder)
        plain = json.dumps({"identity": self.identity, **state.plain})
        buffer = io.BytesIO()
        np.savez(buffer, **{_PLAIN: np.frombuffer(plain.encode(), np.uint8), **state.arrays})
        with written_whole(self._path) as file:
            file.write(buffer.getvalue())

    def read(self) -> TrainState | None:
        """The backup; None if there is none.

        Raises:
            UserInputError: It is one of another spec, of other records or code, or damaged.
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
                fix="Delete it; training then begins anew.",
            ) from error
        self.require_own(plain.pop("identity"))
        logging.info("Goes on from the backup in %s", self.folder)
        return TrainState(arrays, plain)

    def require_own(self, identity: Mapping[str, str]) -> None:
        """Raises `UserInputError` where what was kept is of another spec, of other records or code.

        Args:
            identity: Digests that were kept with it.
        """
        other = [name for name, digest in self.identity.items() if identity.get(name) != digest]
        if other:
            raise UserInputError(
                f"The backup in {self.folder} is one of another run.",
                expected="a backup of this spec, these records and this code",
                received=f"one that differs in {' and '.join(other)}",
                fix="Delete the folder to begin anew, name another training.backup.folder, "
                "or run what was interrupted.",
            )

    def delete(self) -> None:
        """Training has succeeded: the backup goes, and what killed runs left of others."""
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
    """Where the state of training is kept: the spec's folder, or one for this spec and data in `config["backups"]`.

    Args:
        spec: The spec.
        config: The trainer's `custom_config`.
        files: All records that are read.
        transform_output: The transform graph's folder.
        writes: False in a worker that is not the chief.
    """
    options = spec.training.backup
    if options is None or not (options.folder or config.get(BACKUPS)):
        return None
    # How backups are made does not change what is trained.
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
