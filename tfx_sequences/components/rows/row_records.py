"""Tables of rows to serialized records: sort, cut, and encode, all rows at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tfx_sequences.components.rows import wire
from tfx_sequences.components.rows.cutting import WHOLE, Cuts, Piece, cut_rows
from tfx_sequences.components.rows.long_groups import LongGroup
from tfx_sequences.components.rows.row_counts import RowCounts
from tfx_sequences.components.rows.row_plan import RowPlan
from tfx_sequences.components.rows.row_splits import RowSplits
from tfx_sequences.components.rows.row_table import CLOCK, GROUP, ROW, TIME, VALUE, RowTables
from tfx_sequences.components.rows.row_values import StoredFeature, list_offsets

# Number of steps that are encoded at a time; a longer record is encoded alone.
_STEPS = 1 << 17


@dataclasses.dataclass(frozen=True)
class RecordBatch:
    """Serialized records.

    Attributes:
        records: Binary `[R]`.
        splits: int `[R]`: the index of each record's split in `RowSplits.names`.
        lengths: int `[R]`: number of steps.
        begins: bool `[R]`: whether it is the first record of its session.
        table: The rows that they are made of, and others.
        steps: int: the places in `table` of the rows of all records, one after another.
    """

    records: pa.Array
    splits: np.ndarray
    lengths: np.ndarray
    begins: np.ndarray
    table: pa.Table
    steps: np.ndarray

    @property
    def rows(self) -> np.ndarray:
        """The numbers of the rows of all records, one after another, int64."""
        return _numbers(self.table, ROW)[self.steps]

    def parts(self, records: int, padded_steps: int) -> Iterator[RecordBatch]:
        """The same records, some at a time.

        Args:
            records: Most records of a part.
            padded_steps: Most steps of a part that is padded to its longest record; a longer record is alone.
        """
        lengths, ends = self.lengths.tolist(), np.concatenate([[0], np.cumsum(self.lengths)])
        first = 0
        while first < len(lengths):
            end, longest = first, 0
            while end < min(len(lengths), first + records):
                longest = max(longest, lengths[end])
                if end > first and longest * (end + 1 - first) > padded_steps:
                    break
                end += 1
            some, steps = slice(first, end), self.steps[ends[first] : ends[end]]
            yield RecordBatch(
                self.records[some], self.splits[some], self.lengths[some], self.begins[some], self.table, steps
            )
            first = end


Batches = Iterator[RecordBatch]


def records_of(rows: pa.Table | LongGroup, tables: RowTables, splits: RowSplits, counts: RowCounts) -> Batches:
    """The records of whole groups, ordered by group and time.

    Args:
        rows: All rows of some groups, from `RowTables.converted`; or those of a long group.
        tables: What made them.
        splits: How records are divided.
        counts: Gets the numbers of rows and records.
    """
    if isinstance(rows, LongGroup):
        yield from _records_of_long(rows, tables, splits, counts)
    elif rows.num_rows:
        table = rows.combine_chunks()
        cuts = _cut(table, tables, splits)
        yield from _batches(table, cuts, tables, splits, counts)


def _records_of_long(group: LongGroup, tables: RowTables, splits: RowSplits, counts: RowCounts) -> Batches:
    """The records of a long group, piece by piece. Only the rows of one piece are in memory, and those of the records
    that have begun.
    """
    counts.groups += 1
    counts.backwards += group.backwards
    waiting: list[pa.Table] = []
    kept, new, piece = 0, 0, WHOLE
    for table, more in group.pieces(lambda table: _of_rows(table, tables, splits)):
        waiting.append(table)
        new += table.num_rows
        # As many new rows as were kept, so that the rows of a long record are not sorted again for each piece.
        if more and new < kept:
            continue
        table = pa.concat_tables(waiting).combine_chunks()
        cuts = _cut(table, tables, splits, dataclasses.replace(piece, more=more))
        yield from _batches(table, dataclasses.replace(cuts, groups=0, backwards=0), tables, splits, counts)
        waiting = [table.take(pa.array(cuts.order[cuts.done :]))] if more else []
        kept, new, piece = (len(cuts.order) - cuts.done if more else 0), 0, cuts.rest


def _of_rows(table: pa.Table, tables: RowTables, splits: RowSplits) -> np.ndarray | None:
    """The split of each row, int `[N]`, where rows are divided by time."""
    return splits.of_times(_numbers(table, CLOCK), tables.clock_kind) if CLOCK in table.column_names else None


def _cut(table: pa.Table, tables: RowTables, splits: RowSplits, piece: Piece = WHOLE) -> Cuts:
    times = _numbers(table, TIME) if TIME in table.column_names else None
    rules, of_rows = tables.plan.cut_rules(tables.kind), _of_rows(table, tables, splits)
    rows = _numbers(table, ROW)

    def of_train(last: np.ndarray) -> np.ndarray:
        found = of_rows[last] if of_rows is not None else _of_groups(table, splits, last)
        return np.asarray(splits.names, object)[found] == "train"

    leaves_train = rules.window is not None and rules.window.train == "whole" and tables.plan.with_label
    return cut_rows(_group_ranks(table), times, of_rows, rows, rules, piece, of_train if leaves_train else None)


def _of_groups(table: pa.Table, splits: RowSplits, last: np.ndarray) -> np.ndarray:
    """The split of each record by its last row, int `[R]`."""
    return splits.of_groups(lambda name: table.column(name).take(pa.array(last)))


def _batches(table: pa.Table, cuts: Cuts, tables: RowTables, splits: RowSplits, counts: RowCounts) -> Batches:
    """The records of ranges of rows."""
    _count(counts, table, cuts)
    of_rows = _of_rows(table, tables, splits)
    if of_rows is not None:
        of_records = of_rows[cuts.order[cuts.starts]]
    else:
        of_records = _of_groups(table, splits, cuts.order[cuts.stops - 1])
    for names, number in zip(*np.unique(of_records, return_counts=True), strict=True):
        counts.records[splits.names[names]] += int(number)
    for first, end in _chunks(cuts.stops - cuts.starts):
        some = slice(first, end)
        part = dataclasses.replace(
            cuts, starts=cuts.starts[some], stops=cuts.stops[some], labels=cuts.labels[some], begins=cuts.begins[some]
        )
        lengths = part.stops - part.starts
        places = np.repeat(part.starts - np.cumsum(lengths) + lengths, lengths) + np.arange(lengths.sum())
        steps = cuts.order[places]
        records = _encoded(table, tables.plan, part, steps)
        yield RecordBatch(records, of_records[some], lengths, part.begins, table, steps)


def _numbers(table: pa.Table, name: str) -> np.ndarray:
    return np.asarray(table.column(name).to_numpy())


def _chunks(lengths: np.ndarray) -> Iterator[tuple[int, int]]:
    """Ranges of records with about `_STEPS` steps each."""
    ends = np.cumsum(lengths)
    first = 0
    while first < len(lengths):
        done = ends[first - 1] if first else 0
        end = max(first + 1, int(np.searchsorted(ends, done + _STEPS, side="right")))
        yield first, end
        first = end


def _group_ranks(table: pa.Table) -> np.ndarray:
    """The rank of each row's group, int64 `[N]`; groups sort by their values."""
    ranks = np.zeros(table.num_rows, np.int64)
    for name in table.column_names:
        if name.startswith(GROUP):
            encoded = table.column(name).combine_chunks().dictionary_encode()
            encoded = encoded.chunk(0) if isinstance(encoded, pa.ChunkedArray) else encoded
            place = pc.array_sort_indices(encoded.dictionary).to_numpy()
            rank = np.empty(len(place), np.int64)
            rank[place] = np.arange(len(place))
            ranks = ranks * len(place) + rank[encoded.indices.to_numpy()]
            if name != f"{GROUP}0":
                # Small numbers again, so that further columns cannot overflow them.
                ranks = np.unique(ranks, return_inverse=True)[1]
    return ranks


def _count(counts: RowCounts, table: pa.Table, cuts: Cuts) -> None:
    counts.in_records += cuts.covered
    counts.steps += int((cuts.stops - cuts.starts).sum())
    counts.cut.update(cuts.cut)
    counts.groups += cuts.groups
    counts.ties += cuts.ties
    counts.backwards += cuts.backwards
    if cuts.ties:
        rows, before = (table.take(pa.array(cuts.order[cuts.tied - back])) for back in (0, 1))
        equal = np.ones(cuts.ties, bool)
        for name in table.column_names:
            if name.startswith(VALUE):
                equal &= _equal(rows.column(name), before.column(name))
        counts.duplicates += int(equal.sum())


def _equal(one: pa.ChunkedArray, other: pa.ChunkedArray) -> np.ndarray:
    if pa.types.is_list(one.type):
        return np.array([a == b for a, b in zip(one.to_pylist(), other.to_pylist(), strict=True)], bool)
    both_missing = pc.and_(one.is_null(), other.is_null())
    return np.asarray(pc.or_(pc.fill_null(pc.equal(one, other), False), both_missing).to_numpy(), bool)


def _encoded(table: pa.Table, plan: RowPlan, cuts: Cuts, steps: np.ndarray) -> pa.Array:
    """Serialized records, binary `[R]`.

    Args:
        table: The rows.
        plan: What the spec needs.
        cuts: The records.
        steps: int: the rows of all records, one after another.
    """
    ends = np.concatenate([[0], np.cumsum(cuts.stops - cuts.starts)])
    context, lists = {}, {}
    label = plan.rows.label_from.key if plan.rows.label_from else None
    for name, feature in plan.features.items():
        column = table.column(f"{VALUE}{name}")
        if feature.of_steps:
            values = _contents(column, steps, feature)
            if plan.spec.record == "Example":
                context[feature.key] = wire.context_entry(feature.key, feature.dtype, wire.merged(values, ends))
            else:
                lists[feature.key] = wire.list_entry(feature.key, feature.dtype, values, ends)
            continue
        if feature.key == label:
            places = cuts.labels
        else:
            places = cuts.starts if plan.rows.context.get(feature.key) == "first" else cuts.stops - 1
        context[feature.key] = wire.context_entry(
            feature.key, feature.dtype, _contents(column, cuts.order[places], feature)
        )
    return wire.examples(context) if plan.spec.record == "Example" else wire.sequence_examples(context, lists)


def _contents(column: pa.ChunkedArray, rows: np.ndarray, feature: StoredFeature) -> pa.Array:
    """The values of rows as they stand in records, binary `[N]`."""
    taken = column.take(pa.array(rows))
    array = taken.chunk(0) if taken.num_chunks == 1 else pa.concat_arrays(taken.chunks)
    if not feature.is_list:
        return wire.contents(array, feature.dtype)
    return wire.merged(wire.contents(array.flatten(), feature.dtype), list_offsets(array))
