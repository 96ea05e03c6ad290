"""The position in an epoch between two chunks: everything that is needed to resume there."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from tfx_sequences.components.input.input_counts import InputCounts


@dataclasses.dataclass(frozen=True)
class FilesPosition:
    """The positions of the files.

    Attributes:
        open: The files being read: index of the file, and index of its next record.
        opened: Number of files of the epoch that have been opened, including these.
    """

    open: tuple[tuple[int, int], ...]
    opened: int

    def to_plain(self) -> dict[str, Any]:
        """Converts to plain data, for JSON."""
        return {"open": [list(slot) for slot in self.open], "opened": self.opened}

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> FilesPosition:
        """The inverse of `to_plain`."""
        return cls(tuple((int(file), int(index)) for file, index in plain["open"]), int(plain["opened"]))


@dataclasses.dataclass(frozen=True)
class ReaderPosition:
    """A position in an epoch, after a chunk. It does not contain records.

    Attributes:
        batches: Number of complete batches.
        chunk: Number of chunks read; it determines the random numbers of the next chunk.
        files: The positions of the files.
        any_place: File and index of a record that can be parsed; None until there is one.
        open_rows: File and index of each record that waits in an unfinished batch, int64 `[N, 2]`; within a
            bucket in order of arrival.
        counts: Counts up to this position.

    >>> position = ReaderPosition(
    ...     3, 1, FilesPosition(((0, 7),), 2), (0, 0), np.array([[0, 5]]), InputCounts(0, records=6)
    ... )
    >>> ReaderPosition.from_plain(position.to_plain()).to_plain() == position.to_plain()
    True
    """

    batches: int
    chunk: int
    files: FilesPosition
    any_place: tuple[int, int] | None
    open_rows: np.ndarray
    counts: InputCounts

    def to_plain(self) -> dict[str, Any]:
        """Converts to plain data, for JSON."""
        return {
            "batches": self.batches,
            "chunk": self.chunk,
            "files": self.files.to_plain(),
            "any_place": None if self.any_place is None else list(self.any_place),
            "open_rows": self.open_rows.tolist(),
            "counts": self.counts.to_dict(),
        }

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> ReaderPosition:
        """The inverse of `to_plain`."""
        place = plain["any_place"]
        return cls(
            batches=int(plain["batches"]),
            chunk=int(plain["chunk"]),
            files=FilesPosition.from_plain(plain["files"]),
            any_place=None if place is None else (int(place[0]), int(place[1])),
            open_rows=np.array(plain["open_rows"], np.int64).reshape(-1, 2),
            counts=InputCounts.from_dict(plain["counts"]),
        )
