"""Rows of any number in bounded memory: few stay in memory, many go to files by the hash of their group.

All rows of a group are in the same file, so each file is sorted and cut alone. A group that is too long for that has
files of its own.
"""

from __future__ import annotations

import collections
import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tfx_sequences.components.rows.long_groups import LongGroup
from tfx_sequences.components.rows.row_table import GROUP
from tfx_sequences.components.rows.wire import offsets_of

# Rows in memory, in bytes, before they go to files; and about the size of each file.
BUDGET = 64 << 20
_PARTS = 32
# A file of more than half of the budget is divided again, up to this depth.
_DEEPEST = 3
# A group of more than this share of the budget has files of its own, each with about half as many rows.
_LONG = 4
_MULTIPLIER, _MIX = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)


class RowStore:
    """Tables of rows, given back as tables of whole groups.

    Args:
        folder: Where to make the files.
        budget: Number of bytes that may stay in memory.
        depth: How often these rows have been divided.
    """

    def __init__(self, folder: Path, budget: int = BUDGET, depth: int = 0) -> None:
        self._parent, self._budget, self._depth = folder, budget, depth
        self._waiting: list[pa.Table] = []
        self._bytes = 0
        self._folder: Path | None = None
        self._writers: dict[int, Any] = {}

    def add(self, table: pa.Table) -> None:
        """Takes rows."""
        if not table.num_rows:
            return
        self._waiting.append(table)
        self._bytes += table.nbytes
        if self._bytes >= (self._budget if self._folder is None else self._budget // 4):
            self._divide()

    def tables(self) -> Iterator[pa.Table | LongGroup]:
        """Tables (and long groups) that together have all rows, each with all rows of its groups.

        The files are gone afterwards.
        """
        if self._folder is None:
            if self._waiting:
                yield pa.concat_tables(self._waiting)
            return
        if self._waiting:
            self._divide()
        for part in sorted(self._writers):
            self._writers[part].close()
        for part in sorted(self._writers):
            path = self._folder / str(part)
            if path.stat().st_size > self._budget // 2 and self._depth < _DEEPEST:
                yield from self._again(self._folder, part)
            else:
                # A copy in memory: the file is removed while its rows are in use.
                yield pa.ipc.open_stream(pa.OSFile(str(path))).read_all()
            path.unlink()
        self.close()

    def close(self) -> None:
        """Removes the files."""
        if self._folder is not None:
            for writer in self._writers.values():
                with contextlib.suppress(OSError, pa.ArrowException):
                    writer.close()
            shutil.rmtree(self._folder, ignore_errors=True)

    def _again(self, folder: Path, part: int) -> Iterator[pa.Table | LongGroup]:
        """The rows of a file: divided once more, with the long groups apart."""
        inner = RowStore(self._parent, self._budget, self._depth + 1)
        try:
            rows, size = 0, 0
            for table in _stored(folder / str(part)):
                rows, size = rows + table.num_rows, size + table.nbytes
            most = rows * self._budget / _LONG / size
            long = {number: LongGroup(folder, int(most / 2)) for number in _long_groups(folder / str(part), most)}
            for table in _stored(folder / str(part)):
                for number, group in long.items():
                    mine = np.asarray(group_hashes(table) == np.uint64(number))
                    if mine.any():
                        # Another group may have the same hash.
                        mine[mine] = group.taken(table.filter(pa.array(mine)))
                        table = table.filter(pa.array(~mine))
                inner.add(table)
            yield from inner.tables()
            yield from long.values()
        finally:
            inner.close()

    def _divide(self) -> None:
        table = pa.concat_tables(self._waiting).combine_chunks()
        self._waiting, self._bytes = [], 0
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix=".rows-", dir=self._parent))
        hashes = group_hashes(table)
        for _ in range(self._depth):
            hashes = _mixed(hashes)
        parts = (hashes >> np.uint64(32)).astype(np.int64) % _PARTS
        order = np.argsort(parts, kind="stable")
        ends = np.searchsorted(parts[order], np.arange(_PARTS + 1))
        table = table.take(pa.array(order))
        for part in np.flatnonzero(np.diff(ends)):
            if part not in self._writers:
                self._writers[part] = pa.ipc.new_stream(str(self._folder / str(part)), table.schema)
            self._writers[part].write_table(table.slice(ends[part], ends[part + 1] - ends[part]))


def _stored(path: Path) -> Iterator[pa.Table]:
    for batch in pa.ipc.open_stream(pa.OSFile(str(path))):
        yield pa.Table.from_batches([batch])


def _long_groups(path: Path, most: float) -> list[int]:
    """The hashes of the groups of a file that have more than `most` rows."""
    # First in 65536 buckets, so that not every group of the file has to be counted.
    buckets = np.zeros(1 << 16, np.int64)
    for table in _stored(path):
        buckets += np.bincount((group_hashes(table) >> np.uint64(48)).astype(np.int64), minlength=1 << 16)
    if not (buckets > most).any():
        return []
    found: collections.Counter[int] = collections.Counter()
    for table in _stored(path):
        hashes = group_hashes(table)
        hashes = hashes[(buckets > most)[(hashes >> np.uint64(48)).astype(np.int64)]]
        for number, count in zip(*np.unique(hashes, return_counts=True), strict=True):
            found[int(number)] += int(count)
    return [number for number, count in found.items() if count > most]


def group_hashes(table: pa.Table) -> np.ndarray:
    """A hash of each row's group, uint64 `[N]`: the same in every run, on every machine."""
    found = np.zeros(table.num_rows, np.uint64)
    for name in table.column_names:
        if name.startswith(GROUP):
            column = table.column(name).combine_chunks()
            column = pa.concat_arrays(column.chunks) if isinstance(column, pa.ChunkedArray) else column
            numbers = _of_bytes(column) if column.type == pa.binary() else column.to_numpy().view(np.uint64)
            found = _mixed(found * _MULTIPLIER + numbers)
    return found


def _mixed(numbers: np.ndarray) -> np.ndarray:
    numbers = (numbers ^ (numbers >> np.uint64(30))) * _MIX
    return numbers ^ (numbers >> np.uint64(27))


def _of_bytes(column: pa.Array) -> np.ndarray:
    """A polynomial hash of each text: the sum of its bytes times powers, by differences of one running sum."""
    ends = offsets_of(column).astype(np.int64)
    data = np.frombuffer(column.buffers()[2] or b"", np.uint8)[ends[0] : ends[-1]]
    ends = ends - ends[0]
    lengths = np.diff(ends)
    powers = _MULTIPLIER ** np.arange(1, lengths.max(initial=0) + 1, dtype=np.uint64)
    places = np.arange(len(data)) - np.repeat(ends[:-1], lengths)
    sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum((data.astype(np.uint64) + np.uint64(1)) * powers[places])])
    return np.asarray(sums[ends[1:]] - sums[ends[:-1]])
