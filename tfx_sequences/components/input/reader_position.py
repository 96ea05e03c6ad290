"""Where the reading of an epoch stands between two chunks: all that is needed to resume there."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from tfx_sequences.components.input.input_counts import InputCounts


@dataclasses.dataclass(frozen=True)
class FilesPosition:
    """Where the files stand.

    Attributes:
        open: The files that are being read: index of the file, and of its next record.
        opened: How many files of the epoch's order have been opened, these included.
    """

    open: tuple[tuple[int, int], ...]
    opened: int

    def to_plain(self) -> dict[str, Any]:
        """As plain data, for JSON."""
        return {"open": [list(slot) for slot in self.open], "opened": self.opened}

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> FilesPosition:
        """The inverse of `to_plain`."""
        return cls(tuple((int(file), int(index)) for file, index in plain["open"]), int(plain["opened"]))


@dataclasses.dataclass(frozen=True)
class ReaderPosition:
    """A position of an epoch, after a chunk. It holds no records.

    Attributes:
        batches: Batches that were complete.
        chunk: Number of chunks that were read; what is drawn for the next is determined by it.
        files: Where the files stand.
        any_place: File and index of a record that can be parsed; None while there is none.
        open_rows: File and index of each record that waits in an unfinished batch, int64 `[N, 2]`, those of one
            bucket in order of arrival.
        counts: What was read until then.

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
        """As plain data, for JSON."""
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
