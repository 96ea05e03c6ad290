"""Rows to records with Beam: Arrow batches, divided by a hash of their group, then sorted and cut as without Beam.

Python code runs per batch and not per row. What goes through Beam are batches, serialized by Arrow.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa

from tfx_sequences.components.records.hold_back import empty_split
from tfx_sequences.components.rows.converted_rows import converted_rows
from tfx_sequences.components.rows.frames import column_of, flat
from tfx_sequences.components.rows.row_counts import RowCounts
from tfx_sequences.components.rows.row_files import RawRows, RowFile, find_row_files
from tfx_sequences.components.rows.row_plan import RowPlan
from tfx_sequences.components.rows.row_reading import read_rows
from tfx_sequences.components.rows.row_records import records_of
from tfx_sequences.components.rows.row_splits import RowSplits
from tfx_sequences.components.rows.row_store import RowStore, group_hashes
from tfx_sequences.components.rows.row_table import RowTables
from tfx_sequences.components.rows.row_times import OrderKind
from tfx_sequences.errors import DataError
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec
from tfx_sequences.schemas.spec.spec_io import spec_from_json, spec_to_json
from tfx_sequences.temporary_names import temporary_folder

_COUNTS = "counts"
# A row of a query has no place; its number is a hash of its values, of this number of bits.
_NUMBER_BITS = 62
_QUERY_ROWS = 10_000
_SHARD_BYTES = 16 << 20
_FEWEST_SHARDS, _MOST_SHARDS = 16, 4096

Kinds = tuple[OrderKind | None, OrderKind | None]


@dataclasses.dataclass
class Seen:
    """What became of some rows, which columns they had, and what their times are."""

    counts: RowCounts
    found: set[str] = dataclasses.field(default_factory=set)
    kinds: set[Kinds] = dataclasses.field(default_factory=set)

    @staticmethod
    def together(several: Iterable[Seen]) -> Seen:
        """The sum."""
        whole = Seen(RowCounts())
        for its in several:
            whole.counts.add(its.counts)
            whole.found |= its.found
            whole.kinds |= its.kinds
        return whole


class ReadRows(beam.PTransform):
    """The rows of files, as `(number of the file, file, rows)`.

    Args:
        files: The files.
        plan: What the spec needs of them.
    """

    def __init__(self, files: list[RowFile], plan: RowPlan) -> None:
        super().__init__()
        self._files, self._columns = files, plan.columns

    def expand(self, begin: Any) -> beam.PCollection:
        files = begin | "Files" >> beam.Create(list(enumerate(self._files)))
        return files | "Read" >> beam.FlatMap(_read, self._columns)


def _read(numbered: tuple[int, RowFile], columns: list[str]) -> Iterator[tuple[int, RowFile, RawRows]]:
    number, file = numbered
    for rows in read_rows(file, columns):
        yield number, file, rows


class RowsOfQuery(beam.PTransform):
    """The rows of a query (or of any other source), dicts of their columns, in the form of `ReadRows`.

    They do not have an order of their own, so rows with the same group and time are ordered by a hash of their values.
    """

    def expand(self, rows: beam.PCollection) -> beam.PCollection:
        batches = rows | "Batch" >> beam.BatchElements(min_batch_size=1, max_batch_size=_QUERY_ROWS)
        return batches | "ToArrow" >> beam.Map(_from_dicts)


def _from_dicts(rows: list[Mapping[str, Any]]) -> tuple[int, None, RawRows]:
    names = dict.fromkeys(name for row in rows for name in row)
    table = flat(pa.table({name: column_of([row.get(name) for row in rows]) for name in names}))
    numbers = [_number(row) for row in rows]
    return 0, None, RawRows(table, np.array(numbers, np.int64))


def _number(row: Mapping[str, Any]) -> int:
    said = repr(sorted(row.items(), key=lambda item: item[0])).encode()
    return int.from_bytes(hashlib.sha256(said).digest()[:8], "big") >> (64 - _NUMBER_BITS)


class RecordsOfRows(beam.PTransform):
    """The serialized records of rows, by split: a mapping from the name of a split to a PCollection of bytes.

    The records are those that `ingest` writes, in any order. Too many rows that cannot be used, and missing columns,
    are errors before the first record.

    Args:
        spec: A spec with `rows`.
        splits_with_files: The splits that have files; `train` is divided for the others.
        kinds: What the values of `order_by` and `splits.time` are, as `kinds_of` finds it; None: each batch says it.
        shards: Into how many parts rows are divided by the hash of their group.
    """

    def __init__(
        self,
        spec: SequenceSpec,
        splits_with_files: Iterable[str] = ("train",),
        kinds: Kinds = (None, None),
        shards: int = _FEWEST_SHARDS,
    ) -> None:
        super().__init__()
        self._spec, self._with_files = spec_to_json(spec), tuple(sorted(splits_with_files))
        self._kinds, self._shards = kinds, shards
        self._names = list(_divided(self._spec, self._with_files))

    def expand(self, rows: beam.PCollection) -> dict[str, beam.PCollection]:
        names = self._names
        shard = beam.ParDo(_Shard(self._spec, self._kinds, self._shards)).with_outputs(_COUNTS, main="rows")
        tables, seen = rows | "Shard" >> shard
        checked = (
            seen | "AddRead" >> beam.CombineGlobally(Seen.together) | "CheckRead" >> beam.Map(_checked, self._spec)
        )
        cut = beam.ParDo(_Cut(self._spec, self._with_files), beam.pvalue.AsSingleton(checked))
        parts = tables | "ByGroup" >> beam.GroupByKey() | "Cut" >> cut.with_outputs(_COUNTS, *names)
        made = parts[_COUNTS] | "AddCut" >> beam.CombineGlobally(Seen.together)
        _ = made | "CheckCut" >> beam.Map(_check_cut, beam.pvalue.AsSingleton(checked), self._spec, self._with_files)
        return {name: parts[name] for name in names}


class RecordsOfRowFiles(beam.PTransform):
    """The same of all files of rows below a folder: `pipeline | RecordsOfRowFiles(spec, folder)`.

    Args:
        spec: A spec with `rows`.
        data: A folder or file of rows, on a file system that TensorFlow supports.

    Attributes:
        splits_with_files: The splits that have files.
    """

    def __init__(self, spec: SequenceSpec, data: str | os.PathLike[str]) -> None:
        super().__init__()
        self._spec, self._plan = spec, RowPlan.of(spec)
        rows = self._plan.rows
        self._files = find_row_files(data, spec.splits, rows.format, rows.delimiter)
        self.splits_with_files = {file.split for file in self._files}

    def expand(self, begin: Any) -> dict[str, beam.PCollection]:
        kinds, shards = kinds_of(self._files, self._plan), shards_of(self._files)
        rows = begin | "ReadRows" >> ReadRows(self._files, self._plan)
        return rows | RecordsOfRows(self._spec, self.splits_with_files, kinds, shards)


def kinds_of(files: Iterable[RowFile], plan: RowPlan) -> Kinds:
    """What the values of `order_by` and `splits.time` are: the first rows say it, as without Beam.

    Args:
        files: The files, in their order.
        plan: What the spec needs of them.
    """
    tables = RowTables(plan)
    for file in files:
        for rows in read_rows(file, plan.columns):
            tables.converted(rows.table, rows.places)
            if tables.kind is not None and (tables.clock_kind is not None or plan.spec.splits.time is None):
                return tables.kind, tables.clock_kind
    return tables.kind, tables.clock_kind


def shards_of(files: Iterable[RowFile]) -> int:
    """A number of parts such that each has some megabytes of rows."""
    return min(_MOST_SHARDS, max(_FEWEST_SHARDS, sum(file.size for file in files) // _SHARD_BYTES))


class _Shard(beam.DoFn):
    """Batches of raw rows to `(shard, (split, usable rows))`."""

    def __init__(self, spec: str, kinds: Kinds, shards: int) -> None:
        self._spec, self._kinds, self._shards = spec, kinds, shards

    def process(self, element: tuple[int, RowFile | None, RawRows]) -> Iterator[Any]:
        number, file, rows = element
        tables, counts = RowTables(RowPlan.of(spec_from_json(self._spec)), *self._kinds), RowCounts()
        table = converted_rows(rows, number, str(file.path) if file else "", tables, counts)
        if table.num_rows:
            yield from self._divided(file.split if file else "train", table)
        seen = Seen(counts, tables.found)
        if table.num_rows:
            seen.kinds.add((tables.kind, tables.clock_kind))
        yield beam.pvalue.TaggedOutput(_COUNTS, seen)

    def _divided(self, split: str, table: pa.Table) -> Iterator[tuple[int, tuple[str, bytes]]]:
        shards = (group_hashes(table) >> np.uint64(40)).astype(np.int64) % self._shards
        order = np.argsort(shards, kind="stable")
        found, starts = np.unique(shards[order], return_index=True)
        table = table.take(pa.array(order))
        for shard, start, end in zip(found.tolist(), starts, [*starts[1:], len(order)], strict=True):
            yield shard, (split, _packed(table.slice(start, end - start)))


class _Cut(beam.DoFn):
    """The rows of a shard to records, by split; in bounded memory."""

    def __init__(self, spec: str, with_files: tuple[str, ...]) -> None:
        self._spec, self._with_files = spec, with_files

    def process(self, element: tuple[int, Iterable[tuple[str, bytes]]], checked: Seen) -> Iterator[Any]:
        _, parts = element
        [kinds] = checked.kinds
        tables, counts = RowTables(RowPlan.of(spec_from_json(self._spec)), *kinds), RowCounts()
        with temporary_folder("rows") as folder:
            stores: dict[str, RowStore] = {}
            for split, packed in parts:
                if split not in stores:
                    stores[split] = RowStore(Path(folder))
                stores[split].add(_unpacked(packed))
            for split, store in stores.items():
                splits = _splits(tables.plan, self._with_files, split)
                for group in store.tables():
                    for batch in records_of(group, tables, splits, counts):
                        for record, place in zip(batch.records.to_pylist(), batch.splits.tolist(), strict=True):
                            yield beam.pvalue.TaggedOutput(splits.names[place], record)
        yield beam.pvalue.TaggedOutput(_COUNTS, Seen(counts))


def _packed(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def _unpacked(data: bytes) -> pa.Table:
    return pa.ipc.open_stream(data).read_all()


def _splits(plan: RowPlan, with_files: Iterable[str], split: str) -> RowSplits:
    return RowSplits.of(plan, tuple(with_files)) if split == "train" else RowSplits.whole(plan, split)


def _divided(spec: str, with_files: Iterable[str]) -> dict[str, None]:
    """The names of all splits that get records."""
    divided = _splits(RowPlan.of(spec_from_json(spec)), with_files, "train")
    return dict.fromkeys([*divided.names, *with_files])


def _checked(seen: Seen, spec: str) -> Seen:
    tables = RowTables(RowPlan.of(spec_from_json(spec)), found=seen.found)
    if seen.counts.read:
        tables.check_found()
    seen.counts.check_rejected(tables.plan.rows.max_rejected)
    if len(seen.kinds) > 1:
        raise DataError(
            "The times of the rows are of several types.",
            expected="one type",
            received=", ".join(sorted({str(kind) for kinds in seen.kinds for kind in kinds if kind})),
            fix="Declare the type of order_by in rows.columns.",
        )
    return seen


def _check_cut(cut: Seen, read: Seen, spec: str, with_files: tuple[str, ...]) -> None:
    whole = Seen.together([read, cut]).counts
    whole.check_sum()
    held_back = _splits(RowPlan.of(spec_from_json(spec)), with_files, "train").held_back
    for name in _divided(spec, with_files):
        if not whole.records[name]:
            raise empty_split(name, held_back, {name: whole.records[name] for name in held_back.names})
