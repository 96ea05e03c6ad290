"""Reads one TFRecord file in blocks of records with their lengths, and handles malformed records."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from tfx_sequences.components.input.record_formats import PARSE_ERRORS
from tfx_sequences.components.input.record_places import broken_file, malformed_record, record_blocks
from tfx_sequences.components.input.row_store import RowParser, RowStore


@dataclasses.dataclass(frozen=True)
class Block:
    """Consecutive records of a file.

    Attributes:
        store: The records, numbered from 0; None if none can be parsed.
        places: The place of each record, int64 `[N, 2]`: number of the file, index in it.
        lengths: The lengths of the records in steps, int64 `[N]`.
        malformed: Places of the records that cannot be parsed, int64 `[M, 2]`.
    """

    store: RowStore | None
    places: np.ndarray
    lengths: np.ndarray
    malformed: np.ndarray


class BlockReader:
    """Reads a file ahead in the background.

    Args:
        files: The files.
        size: Maximum number of records per block.
        parser: Measures the records, and parses them if `check` is set.
        check: Parse each record once, to find those that cannot be parsed. Otherwise only records whose
            length cannot be determined are found.
        skip_malformed: Skip these records. Otherwise the first one is an error.
        file: The file, as an index of `files`.
        index: The record to start at.

    Attributes:
        file: The file, as an index of `files`.
        index: The first record of the next block.
        ended: Whether there is no next block.
    """

    def __init__(
        self,
        files: Sequence[str],
        size: int,
        parser: RowParser,
        file: int,
        index: int = 0,
        *,
        check: bool,
        skip_malformed: bool,
    ) -> None:
        self.file = file
        self.index = index
        self.ended = False
        self._files = files
        self._parser = parser
        self._check = check
        self._skip = skip_malformed
        self._blocks = iter(record_blocks(files[file], index, size))

    def read(self) -> Block | None:
        """The next block; None at the end.

        Raises:
            DataError: The file is corrupt here, or a record is malformed and must not be skipped.
        """
        try:
            serialized = next(self._blocks, None)
        except tf.errors.DataLossError as error:
            raise broken_file(self._files[self.file], self.index, error) from error
        if serialized is None:
            self.ended = True
            return None
        places = np.empty([int(serialized.shape[0]), 2], np.int64)
        places[:, 0] = self.file
        places[:, 1] = np.arange(self.index, self.index + len(places))
        self.index += len(places)
        try:
            if self._check:
                self._parser.check(serialized)
            return self._block(serialized, places, places[:0])
        except PARSE_ERRORS as error:
            parsed = self._parser.can_parse(serialized)
            if not self._skip:
                file, index = places[int(np.argmin(parsed))].tolist()
                raise malformed_record(self._files[file], index, error) from error
        if not parsed.any():
            return Block(None, places[:0], np.zeros([0], np.int64), places)
        return self._block(tf.boolean_mask(serialized, parsed), places[parsed], places[~parsed])

    def _block(self, serialized: tf.Tensor, places: np.ndarray, malformed: np.ndarray) -> Block:
        lengths = self._parser.lengths(serialized).numpy()
        return Block(RowStore(np.arange(len(places)), serialized), places, lengths, malformed)
