"""Number of records in a chunk: `shuffle_buffer`, or fewer if the records are large."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from absl import logging

from tfx_sequences.components.input.record_places import record_blocks
from tfx_sequences.errors import DataError

# A chunk is in memory about three times: while it is read, while it is arranged, and as batches that wait.
MOST_BYTES = 256 << 20
_MEASURED = 32


def chunk_size(files: Sequence[str], wanted: int, most_bytes: int = MOST_BYTES) -> int:
    """The number of records that are read and shuffled at a time.

    It depends only on the records, so that an input resumes with the same chunks.

    Args:
        files: TFRecord files, uncompressed or compressed.
        wanted: `shuffle_buffer`.
        most_bytes: Maximum size of a chunk, in bytes, estimated from the first records.
    """
    mean = _mean_bytes(files)
    fitting = max(1, int(most_bytes / mean)) if mean else wanted
    if fitting >= wanted:
        return wanted
    logging.warning(
        "Records have about %d kB, so that %d of them are read and shuffled at a time (%d MB), not "
        "batching.shuffle_buffer = %d.",
        round(mean / 1000),
        fitting,
        most_bytes >> 20,
        wanted,
    )
    return fitting


def _mean_bytes(files: Sequence[str]) -> float:
    """The mean size of the first records of the first file that has any; 0 if they cannot be read."""
    try:
        for file in files:
            for serialized in record_blocks(file, 0, _MEASURED).take(1):
                return float(np.mean(tf.strings.length(serialized)))
    except (tf.errors.OpError, DataError):
        # The reader itself finds the same error, and knows its place.
        return 0.0
    return 0.0
