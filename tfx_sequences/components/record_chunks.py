"""Serialized records of TFRecord files in bounded chunks, with where each stands.

A chunk mixes blocks of several files, so that files sorted by class or by date do not make
batches of one kind. Where reading stands is a few numbers: it can begin there again.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfx_sequences.errors import DataError


@dataclasses.dataclass(frozen=True)
class Records:
    """Some records.

    Attributes:
        serialized: The records, bytes `[N]` (dtype object).
        places: Where each stands, int64 `[N, 2]`: number of its file, index in that file.
        lengths: Their lengths in steps, int64 `[N]`.
    """

    serialized: np.ndarray
    places: np.ndarray
    lengths: np.ndarray

    def __len__(self) -> int:
        return len(self.serialized)

    def take(self, which: np.ndarray) -> Records:
        """Those of the given indices, or of a mask `[N]`."""
        return Records(self.serialized[which], self.places[which], self.lengths[which])

    @classmethod
    def concat(cls, parts: Sequence[Records]) -> Records:
        """All parts' records, one part after another."""
        if not parts:
            return cls(np.zeros([0], object), np.zeros([0, 2], np.int64), np.zeros([0], np.int64))
        return cls(
            np.concatenate([p.serialized for p in parts]),
            np.concatenate([p.places for p in parts]),
            np.concatenate([p.lengths for p in parts]),
        )


class ChunkReader:
    """Iterates over chunks of the records of files; each record once.

    Args:
        files: The files; gzip if their names end in `.gz`.
        order: In which order to read them, as indices of `files`.
        size: Records per chunk at most.
        open_files: How many files are read at a time.
        lengths: Gives serialized records (a string tensor `[N]`) with their places `[N, 2]` their
            lengths, int64 `[N]`.
        position: `position` of another reader, to go on from there.
    """

    def __init__(
        self,
        files: Sequence[str],
        order: Sequence[int],
        size: int,
        open_files: int,
        lengths: Callable[[tf.Tensor, np.ndarray], np.ndarray],
        position: dict[str, Any] | None = None,
    ) -> None:
        open_files = max(1, min(open_files, size))
        self._files = files
        self._order = [int(i) for i in order]
        self._size = size
        self._block = max(1, size // open_files)
        self._lengths = lengths
        if position is None:
            count = min(open_files, len(self._order))
            position = {"open": [[file, 0] for file in self._order[:count]], "opened": count}
        self._opened = int(position["opened"])
        self._slots = [_Slot(files, int(file), int(index), self._block) for file, index in position["open"]]

    @property
    def position(self) -> dict[str, Any]:
        """Where the next chunk begins, as plain data: the open files, and how many were opened before."""
        return {"open": [[slot.file, slot.index] for slot in self._slots], "opened": self._opened}

    def __iter__(self) -> Iterator[Records]:
        while self._slots:
            blocks: list[Records] = []
            rows = 0
            while self._slots and (not rows or rows + len(self._slots) * self._block <= self._size):
                for number in range(len(self._slots)):
                    block = self._next_block(number)
                    if block is not None:
                        blocks.append(block)
                        rows += len(block)
                self._slots = [slot for slot in self._slots if not slot.ended]
            if rows:
                yield Records.concat(blocks)

    def _next_block(self, number: int) -> Records | None:
        """The next block of a slot, of another file where its own has ended; None if none is left."""
        while True:
            block = self._slots[number].read()
            if block is not None:
                serialized, places = block
                # While they are a tensor, for to make one of bytes again costs as much as to parse lengths.
                return Records(serialized.numpy(), places, self._lengths(serialized, places))
            if self._opened == len(self._order):
                return None
            self._slots[number] = _Slot(self._files, self._order[self._opened], 0, self._block)
            self._opened += 1


class _Slot:
    """One open file."""

    def __init__(self, files: Sequence[str], file: int, index: int, block: int) -> None:
        self.file = file
        self.index = index
        self.ended = False
        self._path = files[file]
        self._blocks = iter(record_dataset(self._path).skip(index).batch(block).prefetch(1))

    def read(self) -> tuple[tf.Tensor, np.ndarray] | None:
        try:
            serialized = next(self._blocks, None)
        except tf.errors.DataLossError as error:
            raise broken_file(self._path, self.index, error) from error
        if serialized is None:
            self.ended = True
            return None
        count = int(serialized.shape[0])
        places = np.stack([np.full(count, self.file), np.arange(self.index, self.index + count)], axis=1)
        self.index += count
        return serialized, places


def read_places(files: Sequence[str], places: np.ndarray) -> np.ndarray:
    """The records, bytes `[N]`, that stand at `places` `[N, 2]`; each of their files is read once."""
    found: dict[tuple[int, int], bytes] = {}
    for file in np.unique(places[:, 0]):
        wanted = np.sort(places[places[:, 0] == file, 1])
        first = int(wanted[0])
        stretch = record_dataset(files[file]).skip(first).take(int(wanted[-1]) - first + 1).batch(4096)
        for number, serialized in enumerate(stretch):
            start = first + number * 4096
            inside = wanted[(wanted >= start) & (wanted < start + 4096)]
            values = serialized.numpy()
            if len(inside) and inside[-1] - start >= len(values):
                break
            for index in inside:
                found[int(file), int(index)] = values[index - start]
    if len(found) < len(places):
        raise DataError(
            "The files have fewer records than when the input's state was saved.",
            expected=f"{len(places)} records that were read but not yet given out",
            received=f"{len(found)} of them",
            fix="Resume with the files of the interrupted run, or begin anew.",
        )
    serialized_records = np.empty(len(places), object)
    serialized_records[:] = [found[int(file), int(index)] for file, index in places]
    return serialized_records


def record_dataset(path: str) -> tf.data.Dataset:
    """The records of one file, plain or gzip as its name says."""
    return tf.data.TFRecordDataset(path, compression_type="GZIP" if path.lower().endswith(".gz") else "")


def broken_file(path: str, index: int, error: Exception) -> DataError:
    """The error for a file that TensorFlow cannot read on."""
    return DataError(
        f"{path} cannot be read past record {index}.",
        expected="whole TFRecords, plain or, if the name ends in .gz, gzip",
        received=f"TensorFlow's error: {str(error).splitlines()[0]}",
        fix="Write the file again; `tfx-sequences check` says where it breaks.",
    )


def place_name(files: Sequence[str], place: Sequence[int]) -> str:
    """File and index of a record, for messages.

    >>> place_name(["data/train-0.gz"], (0, 17))
    'train-0.gz:17'
    """
    return f"{os.path.basename(files[place[0]])}:{int(place[1])}"
