"""A file with records and the trainer's predictions for them, which needs only NumPy to read."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

FILE_NAME = "trainer_predictions.npz"
_OUTPUT = "output."


def write(directory: str, records: list[bytes], outputs: Mapping[str, Any]) -> None:
    """Writes serialized records and, row by row, the outputs of the trainer's model for them."""
    # One buffer and lengths: NumPy's own byte strings lose trailing zero bytes.
    arrays: dict[str, Any] = {
        "records": np.frombuffer(b"".join(records), np.uint8),
        "record_lengths": np.array([len(r) for r in records], np.int64),
    }
    arrays |= {_OUTPUT + name: _as_array(value) for name, value in outputs.items()}
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    tf.io.gfile.makedirs(directory)
    with tf.io.gfile.GFile(f"{directory}/{FILE_NAME}", "wb") as file:
        file.write(buffer.getvalue())


def _as_array(value: Any) -> np.ndarray:
    array = np.asarray(value)
    # TensorFlow's strings are objects, which only pickle could store.
    return np.char.decode(array.astype(np.bytes_), "utf-8") if array.dtype == object else array
