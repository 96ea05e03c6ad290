"""The backup of a training run: one file, whole or not there, that says of what it is."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Mapping

import numpy as np
import tensorflow as tf
from absl import logging

from tfx_sequences.components.training.train_state import TrainState
from tfx_sequences.errors import UserInputError

FILE_NAME = "training_backup.npz"
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
        self._writes = writes
        self._path = os.path.join(folder, FILE_NAME)
        self._identity = dict(identity)

    def write(self, state: TrainState) -> None:
        """Takes the place of the backup before."""
        if not self._writes:
            return
        tf.io.gfile.makedirs(self.folder)
        plain = json.dumps({"identity": self._identity, **state.plain})
        buffer = io.BytesIO()
        np.savez(buffer, **{_PLAIN: np.frombuffer(plain.encode(), np.uint8), **state.arrays})
        temporary = f"{self._path}.{os.getpid()}"
        with tf.io.gfile.GFile(temporary, "wb") as file:
            file.write(buffer.getvalue())
        tf.io.gfile.rename(temporary, self._path, overwrite=True)

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
        identity = plain.pop("identity")
        other = [name for name, digest in self._identity.items() if identity.get(name) != digest]
        if other:
            raise UserInputError(
                f"The backup in {self.folder} is one of another run.",
                expected="a backup of this spec, these records and this code",
                received=f"one that differs in {' and '.join(other)}",
                fix="Delete the folder to begin anew, name another training.backup.folder, "
                "or run what was interrupted.",
            )
        logging.info("Goes on from the backup in %s", self.folder)
        return TrainState(arrays, plain)

    def delete(self) -> None:
        """Training has succeeded: the backup goes, and what killed runs left of others."""
        if not self._writes or not tf.io.gfile.isdir(self.folder):
            return
        for name in tf.io.gfile.listdir(self.folder):
            if name.startswith(FILE_NAME):
                tf.io.gfile.remove(os.path.join(self.folder, name))
        if not tf.io.gfile.listdir(self.folder):
            tf.io.gfile.rmtree(self.folder)
