"""Counts the lengths of records in one fast pass over their files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import tensorflow as tf

from tfx_sequences.components.input.record_formats import PARSE_ERRORS, RecordFormat
from tfx_sequences.components.input.record_places import broken_file, malformed_record
from tfx_sequences.components.input.row_store import parser_of
from tfx_sequences.components.records.framing import check_last_length
from tfx_sequences.components.records.opening import record_dataset
from tfx_sequences.components.records.well_formed import MalformedRecord
from tfx_sequences.components.transform.length_histogram import LengthHistogram

_AT_ONCE = 4096


def count_lengths(files: Sequence[str], records: RecordFormat, *, skip_malformed: bool = False) -> LengthHistogram:
    """The lengths of all records, before truncation and dropping. Only the lengths are parsed.

    Args:
        files: TFRecord files, uncompressed or compressed.
        records: The record format, from `transformed_records` or `raw_records`.
        skip_malformed: Leave out records that are not well-formed, or cannot be parsed.

    Raises:
        DataError: A file cannot be opened or is corrupt; or a record is not well-formed or cannot be parsed.
    """
    counted = [lengths for file in files for lengths in _of_file(file, records, skip_malformed)]
    return LengthHistogram.of(np.concatenate(counted or [np.zeros(0, np.int64)]))


def _of_file(file: str, records: RecordFormat, skip_malformed: bool) -> Iterator[np.ndarray]:
    check_last_length(file)
    batches, first = iter(record_dataset(file).batch(_AT_ONCE)), 0
    while True:
        try:
            serialized = next(batches, None)
        except tf.errors.DataLossError as error:
            raise broken_file(file, first, error) from error
        if serialized is None:
            return
        try:
            if records.malformed(serialized.numpy()).any():
                raise MalformedRecord("a record is not well-formed")
            yield records.lengths(serialized).numpy()
        except PARSE_ERRORS as error:
            parsed = parser_of(records).can_parse(serialized)
            if not skip_malformed:
                raise malformed_record(file, first + int(np.argmin(parsed)), error) from error
            if parsed.any():
                yield records.lengths(tf.boolean_mask(serialized, parsed)).numpy()
        first += int(serialized.shape[0])
