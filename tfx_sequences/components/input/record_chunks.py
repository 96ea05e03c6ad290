"""Reads records of TFRecord files in bounded chunks, with the place of each.

A chunk mixes blocks of several files, so that files sorted by class or date do not produce
uniform batches. The reading position is a few numbers, from which reading can resume.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import functools
from collections.abc import Iterator, Sequence

import numpy as np

from tfx_sequences.components.input.reader_position import FilesPosition
from tfx_sequences.components.input.record_blocks import Block, BlockReader
from tfx_sequences.components.input.row_store import RowParser, RowStore

# Maximum number of records that are read from one file at a time.
_BLOCK = 2560


@dataclasses.dataclass(frozen=True)
class Rows:
    """References to records, without their contents.

    Attributes:
        numbers: Numbers of the records in a store, int64 `[N]`.
        places: The place of each record, int64 `[N, 2]`: number of its file, index in that file.
        lengths: Lengths of the records in steps, int64 `[N]`.
    """

    numbers: np.ndarray
    places: np.ndarray
    lengths: np.ndarray

    def __len__(self) -> int:
        return len(self.numbers)

    def take(self, which: np.ndarray | slice) -> Rows:
        """The rows at the given indices, of a mask `[N]`, or of a slice, which copies nothing."""
        if isinstance(which, slice):
            return Rows(self.numbers[which], self.places[which], self.lengths[which])
        # This is several times as fast as indexing with an array.
        if which.dtype == bool:
            which = np.flatnonzero(which)
        return Rows(self.numbers.take(which), self.places.take(which, axis=0), self.lengths.take(which))

    @classmethod
    def concat(cls, parts: Sequence[Rows]) -> Rows:
        """The records of all parts, concatenated."""
        if not parts:
            return cls(np.zeros([0], np.int64), np.zeros([0, 2], np.int64), np.zeros([0], np.int64))
        if len(parts) == 1:
            return parts[0]
        return cls(
            np.concatenate([p.numbers for p in parts]),
            np.concatenate([p.places for p in parts]),
            np.concatenate([p.lengths for p in parts]),
        )


@dataclasses.dataclass(frozen=True)
class Chunk:
    """A few thousand records.

    Attributes:
        rows: The records.
        stores: The records' bytes, in the same order.
        malformed: Places of records that cannot be parsed, int64 `[M, 2]`; empty unless these are skipped.
        position: The positions of the files after this chunk.
    """

    rows: Rows
    stores: list[RowStore]
    malformed: np.ndarray
    position: FilesPosition


class ChunkReader:
    """Iterates over chunks of the records of files; yields each record once.

    Args:
        files: The files, uncompressed or compressed.
        order: The reading order, as indices of `files`.
        size: Maximum number of records per chunk.
        open_files: Number of files that are read at a time.
        parser: Measures the records.
        skip_malformed: Parse each record once, and skip those that cannot be parsed.
        position: The `position` of a chunk, to resume after it.
        first_number: Number of the first record; the others follow.
    """

    def __init__(
        self,
        files: Sequence[str],
        order: Sequence[int],
        size: int,
        open_files: int,
        parser: RowParser,
        skip_malformed: bool,
        position: FilesPosition | None = None,
        first_number: int = 0,
    ) -> None:
        open_files = max(1, min(open_files, size))
        self._order = [int(i) for i in order]
        self._size = size
        # Smaller than a chunk, because a block's records are measured right after reading, from the processor's cache.
        rounds = -(-size // (open_files * _BLOCK))
        self._block = max(1, size // (open_files * rounds))
        self._number = first_number
        self._open = functools.partial(
            BlockReader, files, self._block, parser, check=skip_malformed, skip_malformed=skip_malformed
        )
        if position is None:
            count = min(open_files, len(self._order))
            position = FilesPosition(tuple((file, 0) for file in self._order[:count]), count)
        self._opened = position.opened
        self._slots = [self._open(file, index) for file, index in position.open]

    def __iter__(self) -> Iterator[Chunk]:
        # Reads and measures the next chunk while this chunk's records are batched.
        with concurrent.futures.ThreadPoolExecutor(1, "read-ahead") as thread:
            ahead = thread.submit(self._next_chunk)
            while (chunk := ahead.result()) is not None:
                ahead = thread.submit(self._next_chunk)
                yield chunk

    def _next_chunk(self) -> Chunk | None:
        blocks: list[Block] = []
        read = 0
        while self._slots and (not read or read + len(self._slots) * self._block <= self._size):
            for number in range(len(self._slots)):
                block = self._next_block(number)
                if block is not None:
                    blocks.append(block)
                    read += len(block.places) + len(block.malformed)
            self._slots = [slot for slot in self._slots if not slot.ended]
        return self._chunk(blocks) if read else None

    def _chunk(self, blocks: Sequence[Block]) -> Chunk:
        parts, stores = [Rows.concat([])], []
        for block in blocks:
            if block.store is not None:
                count = len(block.places)
                numbers = np.arange(self._number, self._number + count)
                self._number += count
                parts.append(Rows(numbers, block.places, block.lengths))
                stores.append(dataclasses.replace(block.store, numbers=numbers))
        return Chunk(
            Rows.concat(parts),
            stores,
            np.concatenate([block.malformed for block in blocks]),
            FilesPosition(tuple((slot.file, slot.index) for slot in self._slots), self._opened),
        )

    def _next_block(self, number: int) -> Block | None:
        """The next block of a slot, from another file if the slot's file has ended; None if none is left."""
        while True:
            block = self._slots[number].read()
            if block is not None or self._opened == len(self._order):
                return block
            self._slots[number] = self._open(self._order[self._opened], 0)
            self._opened += 1
