"""Counts the lengths of records in one fast pass over their files."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tfx_sequences.components.input.record_formats import RecordFormat
from tfx_sequences.components.records.opening import record_dataset
from tfx_sequences.components.transform.length_histogram import LengthHistogram

_AT_ONCE = 4096


def count_lengths(files: Sequence[str], records: RecordFormat) -> LengthHistogram:
    """The lengths of all records, before truncation and dropping. Only the lengths are parsed.

    Args:
        files: TFRecord files, uncompressed or compressed.
        records: The record format, from `transformed_records` or `raw_records`.

    Raises:
        DataError: A file cannot be opened.
    """
    counted = [
        records.lengths(serialized).numpy() for file in files for serialized in record_dataset(file).batch(_AT_ONCE)
    ]
    return LengthHistogram.of(np.concatenate(counted or [np.zeros(0, np.int64)]))
