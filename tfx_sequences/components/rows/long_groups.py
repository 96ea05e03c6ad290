"""The rows of one group that are too many to sort in memory: in a file, and then in files by ranges of time."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tfx_sequences.components.rows.row_table import GROUP, ROW, TIME

_SAMPLE = 1 << 16
# A file is open for each range.
_MOST_RANGES = 256

SplitOfRows = Callable[[pa.Table], np.ndarray | None]


class LongGroup:
    """Rows of one group, given back in pieces that are sorted among each other.

    Args:
        folder: Where to make files; it is removed by its owner.
        piece: About the number of rows of a piece.

    Attributes:
        backwards: Number of rows whose time is before that of the row added before.
    """

    def __init__(self, folder: Path, piece: int) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix=".long-", dir=folder))
        self._piece = max(1, piece)
        self._writer: Any = None
        self._group: pa.Table | None = None
        self._rows = 0
        self._latest: Any = None
        self.backwards = 0

    def taken(self, table: pa.Table) -> np.ndarray:
        """Takes the rows of its group, which is that of the first row it gets.

        Args:
            table: Rows that seem to be of this group, by its hash.

        Returns:
            Which rows were taken, bool `[N]`.
        """
        names = [name for name in table.column_names if name.startswith(GROUP)]
        if self._group is None:
            self._group = table.select(names).slice(0, 1)
            self._writer = pa.ipc.new_stream(str(self._folder / "rows"), table.schema)
        mine = np.ones(table.num_rows, bool)
        for name in names:
            mine &= pc.equal(table.column(name), self._group.column(name)[0]).to_numpy()
        table = table if mine.all() else table.filter(pa.array(mine))
        if TIME in table.column_names and table.num_rows:
            times = table.column(TIME).to_numpy()
            self.backwards += int((times[1:] < times[:-1]).sum())
            self.backwards += self._latest is not None and bool(times[0] < self._latest)
            self._latest = times[-1]
        self._writer.write_table(table)
        self._rows += table.num_rows
        return mine

    def pieces(self, split_of: SplitOfRows) -> Iterator[tuple[pa.Table, bool]]:
        """The rows, split by split and in ranges of time, each with whether more rows of its split follow.

        Rows of the same time are in one piece, however many they are.

        Args:
            split_of: Gives the split of each row of a table, int `[N]`; None: all are of one split.
        """
        self._writer.close()
        bounds = self._bounds(split_of)
        writers: dict[tuple[int, int], Any] = {}
        for table in self._stored():
            splits, times = _keys(table, split_of)
            for split in np.unique(splits).tolist():
                ranges = np.searchsorted(bounds.get(split, times[:0]), times, side="right")
                ranges[splits != split] = -1
                for number in np.unique(ranges[ranges >= 0]).tolist():
                    place = (split, number)
                    if place not in writers:
                        writers[place] = pa.ipc.new_stream(str(self._folder / f"{split}-{number}"), table.schema)
                    writers[place].write_table(table.filter(pa.array(ranges == number)))
        for writer in writers.values():
            writer.close()
        (self._folder / "rows").unlink()
        ordered = sorted(writers)
        for place, after in zip(ordered, [*ordered[1:], None], strict=True):
            path = self._folder / f"{place[0]}-{place[1]}"
            yield pa.ipc.open_stream(pa.OSFile(str(path))).read_all(), after is not None and after[0] == place[0]
            path.unlink()

    def _bounds(self, split_of: SplitOfRows) -> dict[int, np.ndarray]:
        """The times at which the ranges of each split begin, apart from the first: quantiles of a sample."""
        every = -(-self._rows // _SAMPLE)
        some = (table.take(pa.array(np.arange(0, table.num_rows, every))) for table in self._stored())
        splits, times = (np.concatenate(keys) for keys in zip(*(_keys(t, split_of) for t in some), strict=True))
        piece = max(self._piece, -(-self._rows // _MOST_RANGES)) / every
        bounds = {}
        for split in np.unique(splits).tolist():
            ordered = np.sort(times[splits == split])
            ranges = max(1, round(len(ordered) / piece))
            bounds[split] = np.unique(ordered[np.arange(1, ranges) * len(ordered) // ranges])
        return bounds

    def _stored(self) -> Iterator[pa.Table]:
        for batch in pa.ipc.open_stream(pa.OSFile(str(self._folder / "rows"))):
            yield pa.Table.from_batches([batch])


def _keys(table: pa.Table, split_of: SplitOfRows) -> tuple[np.ndarray, np.ndarray]:
    """What rows are ordered by: the split, and the time or else the number of the row."""
    splits = split_of(table)
    times = table.column(TIME if TIME in table.column_names else ROW).to_numpy()
    return np.zeros(len(times), int) if splits is None else splits, times
