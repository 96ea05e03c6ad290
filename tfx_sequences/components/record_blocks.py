"""One TFRecord file in blocks of parsed records, whatever is malformed in it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from tfx_sequences.components.record_formats import PARSE_ERRORS, is_parsed
from tfx_sequences.components.record_places import broken_file, place_name, record_dataset
from tfx_sequences.components.row_store import Components, RowParser, RowStore
from tfx_sequences.components.untuned import untuned
from tfx_sequences.errors import DataError
from tfx_sequences.schemas.transformed_features import SEQUENCE_LENGTH


@dataclasses.dataclass(frozen=True)
class Block:
    """Neighbours in a file.

    Attributes:
        store: What they hold, numbered from 0; None if no record can be parsed.
        places: Where each of these stands, int64 `[N, 2]`: number of the file, index in it.
        lengths: Their lengths in steps, int64 `[N]`.
        malformed: Places of those that cannot be parsed, int64 `[M, 2]`.
    """

    store: RowStore | None
    places: np.ndarray
    lengths: np.ndarray
    malformed: np.ndarray


class BlockReader:
    """Reads a file, ahead in the background.

    Args:
        files: The files.
        size: Records per block at most.
        parser: Parses them.
        skip_malformed: Leave out records that cannot be parsed. Otherwise the first is an error.
        file: Which file, an index of `files`.
        index: The record to begin at.

    Attributes:
        file: Which file.
        index: The record that the next block begins with.
        ended: There is no next block.
    """

    def __init__(
        self, files: Sequence[str], size: int, parser: RowParser, skip_malformed: bool, file: int, index: int
    ) -> None:
        self.file = file
        self.index = index
        self.ended = False
        self._files = files
        self._parser = parser
        self._skip = skip_malformed
        blocks = record_dataset(files[file]).skip(index).batch(size).prefetch(1)
        self._blocks = iter(untuned(blocks, rewritten=False))

    def read(self) -> Block | None:
        """The next block; None at the end.

        Raises:
            DataError: The file is broken here, or a record is malformed and not to be skipped.
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
            return self._block(self._parser(serialized), places, places[:0])
        except PARSE_ERRORS as error:
            parsed = is_parsed(serialized, self._parser)
            if not self._skip:
                raise self._malformed(places[int(np.argmin(parsed))], error) from error
        if not parsed.any():
            return Block(None, places[:0], np.zeros([0], np.int64), places)
        return self._block(self._parser(tf.boolean_mask(serialized, parsed)), places[parsed], places[~parsed])

    def _block(self, components: Components, places: np.ndarray, malformed: np.ndarray) -> Block:
        lengths = self._parser.component(components, SEQUENCE_LENGTH).numpy()
        return Block(RowStore(self._parser, np.arange(len(places)), components), places, lengths, malformed)

    def _malformed(self, place: Sequence[int], error: Exception) -> DataError:
        return DataError(
            f"Record {place_name(self._files, place)} cannot be parsed.",
            expected="records as the spec describes them",
            received=f"TensorFlow's error: {str(error).splitlines()[0]}",
            fix="Write the record again, or set batching.on_error to 'skip' in the spec.",
        )
