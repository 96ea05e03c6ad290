"""Counts terms exactly in bounded memory: what does not fit is written to disk, sorted, and merged in the end."""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

# Distinct terms (or entries that are not summed yet) that are kept in memory.
_MOST_TERMS = 1 << 21
_AT_ONCE = 1 << 16
_TERM, _COUNT = "term", "count"


class VocabularyCounts:
    """How often each term occurs.

    Args:
        folder: An existing folder for the terms that do not fit into memory.
        most_terms: Number of terms that are kept in memory.

    >>> counts = VocabularyCounts("")
    >>> counts.add(np.array([b"a", b"b"], object), np.array([2, 1]))
    >>> counts.add(np.array([b"c", b"a"], object), np.array([1, 1]))
    >>> counts.ordered().to_pydict()
    {'term': [b'a', b'c', b'b'], 'count': [3, 1, 1]}
    """

    def __init__(self, folder: str, most_terms: int = _MOST_TERMS) -> None:
        self._folder = folder
        self._most = most_terms
        self._pending: list[pa.Table] = []
        self._rows = 0
        self._runs: list[str] = []

    def add(self, terms: np.ndarray, counts: np.ndarray) -> None:
        """Adds terms.

        Args:
            terms: Bytes `[N]`.
            counts: How often each of them occurs, int64 `[N]`.
        """
        if not len(terms):
            return
        columns = {_TERM: pa.array(terms, pa.large_binary()), _COUNT: pa.array(counts, pa.int64())}
        self._pending.append(pa.table(columns))
        self._rows += len(terms)
        if self._rows > self._most:
            [summed] = self._pending = [_summed(self._pending)]
            self._rows = summed.num_rows
            # Otherwise the same terms would be summed again after a few more batches.
            if self._rows > self._most // 2:
                self._spill(summed)

    def ordered(self, *, top_k: int | None = None, frequency_threshold: float | None = None) -> pa.Table:
        """The terms by descending count, equal counts by descending bytes: columns `term` and `count`.

        Args:
            top_k: Maximum number of terms.
            frequency_threshold: Minimum count.
        """
        kept = pa.table({_TERM: pa.array([], pa.large_binary()), _COUNT: pa.array([], pa.int64())})
        blocks, rows = [kept], 0
        for block in self._blocks():
            wanted = block.filter(pc.greater_equal(block[_COUNT], frequency_threshold or 0))
            blocks.append(wanted)
            rows += wanted.num_rows
            if top_k is not None and rows > top_k + self._most:
                blocks = [_first(blocks, top_k)]
                rows = blocks[0].num_rows
        return _first(blocks, top_k)

    def _spill(self, summed: pa.Table) -> None:
        path = os.path.join(self._folder, f"{id(self)}-{len(self._runs)}.arrow")
        ordered = summed.sort_by(_TERM)
        with pa.ipc.new_file(path, ordered.schema) as writer:
            writer.write_table(ordered, max_chunksize=_AT_ONCE)
        self._runs.append(path)
        self._pending, self._rows = [], 0

    def _blocks(self) -> Iterator[pa.Table]:
        """Tables of summed terms; no term is in two of them."""
        if not self._runs:
            if self._pending:
                yield _summed(self._pending)
            return
        if self._pending:
            self._spill(_summed(self._pending))
        runs = [_Run(path) for path in self._runs]
        while heads := [run for run in runs if run.fill()]:
            # Terms up to here have been read from every run.
            ends = [run.last for run in heads if run.has_more]
            yield _summed([run.take(min(ends) if ends else None) for run in heads])


class _Run:
    """A file of sorted terms, read block by block."""

    def __init__(self, path: str) -> None:
        self._reader = pa.ipc.open_file(pa.memory_map(path))
        self._next = 0
        self._head = pa.table({_TERM: pa.array([], pa.large_binary()), _COUNT: pa.array([], pa.int64())})

    @property
    def has_more(self) -> bool:
        return self._next < self._reader.num_record_batches

    @property
    def last(self) -> bytes:
        """The last term of the block."""
        return bytes(self._head[_TERM][-1].as_py())

    def fill(self) -> bool:
        """Reads the next block where this one is used up; False at the end."""
        while not self._head.num_rows and self.has_more:
            self._head = pa.Table.from_batches([self._reader.get_batch(self._next)])
            self._next += 1
        return bool(self._head.num_rows)

    def take(self, end: bytes | None) -> pa.Table:
        """Removes the terms up to `end` from the block; all, if that is None."""
        head = self._head
        number = head.num_rows
        if end is not None:
            upto = pc.less_equal(head[_TERM], pa.scalar(end, pa.large_binary()))
            number = pc.sum(pc.cast(upto, pa.int64())).as_py()
        self._head = head.slice(number)
        return head.slice(0, number)


def _summed(tables: list[pa.Table]) -> pa.Table:
    found = pa.concat_tables(tables).group_by(_TERM).aggregate([(_COUNT, "sum")])
    return pa.table({_TERM: found[_TERM], _COUNT: found[f"{_COUNT}_sum"]})


def _first(tables: list[pa.Table], number: int | None) -> pa.Table:
    whole = pa.concat_tables(tables)
    ordered = whole.sort_by([(_COUNT, "descending"), (_TERM, "descending")])
    return ordered if number is None else ordered.slice(0, number)
