"""Rows in memory: data frames of pandas and Polars, Arrow tables, dicts, as Arrow tables."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, overload

import numpy as np
import pyarrow as pa

from tfx_sequences.components.rows.converted_rows import converted_rows
from tfx_sequences.components.rows.row_counts import RowCounts
from tfx_sequences.components.rows.row_files import RawRows
from tfx_sequences.components.rows.row_plan import RowPlan
from tfx_sequences.components.rows.row_records import RecordBatch, records_of
from tfx_sequences.components.rows.row_splits import RowSplits
from tfx_sequences.components.rows.row_table import RowTables
from tfx_sequences.errors import DataError
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

Frames = Any
"""A data frame of pandas or Polars, an Arrow table or batch, a mapping of columns, or an iterable of these or of rows
(mappings)."""

_ROWS_AT_A_TIME = 1 << 16


class RowRecords(Sequence[bytes]):
    """Serialized records, and what became of the rows that they are made of.

    Attributes:
        counts: Numbers of rows and records.
    """

    def __init__(self, records: list[bytes], counts: RowCounts) -> None:
        self._records = records
        self.counts = counts

    def __len__(self) -> int:
        return len(self._records)

    @overload
    def __getitem__(self, index: int) -> bytes: ...

    @overload
    def __getitem__(self, index: slice) -> list[bytes]: ...

    def __getitem__(self, index: int | slice) -> bytes | list[bytes]:
        return self._records[index]


def records_from_rows(rows: Frames, spec: SequenceSpec) -> RowRecords:
    """The serialized records of rows in memory, ordered by group and time.

    Nothing is divided into splits here, except that a record does not cross the times of `splits.valid_from` and
    `splits.test_from`.

    Args:
        rows: A data frame of pandas or Polars, an Arrow table, a mapping of columns, or an iterable of these or of rows
            (mappings from column to value).
        spec: A spec with `rows`.

    Raises:
        SpecError: The spec does not have `rows`.
        DataError: More rows than `rows.max_rejected` cannot be used, or a column is missing.

    >>> spec = SequenceSpec(
    ...     name="s",
    ...     sequence={"x": {"type": "numeric"}},
    ...     label={"key": "y"},
    ...     rows={"group_by": ("user",), "order_by": "ts"},
    ... )
    >>> rows = [{"user": "b", "ts": 2, "x": 0.5, "y": "no"}, {"user": "a", "ts": 1, "x": 1.5, "y": "yes"}]
    >>> records = records_from_rows(rows, spec)
    >>> len(records), records.counts.groups
    (2, 2)
    """
    counts, found = RowCounts(), []
    for batch in batches_from_rows(rows, RowTables(RowPlan.of(spec)), counts):
        found += batch.records.to_pylist()
    return RowRecords(found, counts)


def batches_from_rows(rows: Frames, tables: RowTables, counts: RowCounts) -> Iterator[RecordBatch]:
    """The records of rows in memory, in batches.

    Args:
        rows: See `records_from_rows`.
        tables: Converts the rows.
        counts: Gets what became of the rows; complete after the last batch.
    """
    plan, kept, at = tables.plan, [], 0
    for frame in frames_of(rows):
        counts.files = 1
        raw = RawRows(frame, np.arange(at, at + frame.num_rows, dtype=np.int64))
        at += frame.num_rows
        table = converted_rows(raw, 0, "", tables, counts)
        if table.num_rows:
            kept.append(table)
    if counts.read:
        tables.check_found()
    counts.check_rejected(plan.rows.max_rejected)
    if kept:
        splits = RowSplits.whole(plan, "train") if plan.spec.splits.time is None else RowSplits.of(plan)
        yield from records_of(pa.concat_tables(kept), tables, splits, counts)
    counts.check_sum()


def frames_of(rows: Frames) -> Iterator[pa.Table]:
    """Rows as Arrow tables.

    Raises:
        DataError: They are of a type that is not known.

    >>> [table.to_pydict() for table in frames_of([{"a": 1}, {"a": 2, "b": "x"}])]
    [{'a': [1, 2], 'b': [None, 'x']}]
    """
    table = _table(rows)
    if table is not None:
        yield table
        return
    if not isinstance(rows, Iterable) or isinstance(rows, str | bytes):
        raise _unknown(rows)
    iterator = iter(rows)
    for first in iterator:
        table = _table(first) if not _is_row(first) else None
        if table is not None:
            yield table
        elif isinstance(first, Mapping):
            yield from _tables_of_dicts(itertools.chain([first], iterator))
        else:
            raise _unknown(first)


def _table(rows: Any) -> pa.Table | None:
    """The Arrow table of a frame; None if it is not one."""
    if isinstance(rows, pa.Table):
        return flat(rows)
    if isinstance(rows, pa.RecordBatch):
        return flat(pa.Table.from_batches([rows]))
    module = type(rows).__module__.partition(".")[0]
    if module == "pandas" and hasattr(rows, "columns"):
        return flat(_from_pandas(rows))
    if module == "polars" and hasattr(rows, "to_arrow"):
        return flat(rows.to_arrow())
    if isinstance(rows, Mapping) and not _is_row(rows):
        return flat(pa.table({str(name): column_of(values) for name, values in rows.items()}))
    return None


def _from_pandas(frame: Any) -> pa.Table:
    try:
        return pa.Table.from_pandas(frame, preserve_index=False)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        # A column of objects of several types.
        columns = {str(name): column_of(frame[name].tolist()) for name in frame.columns}
        return pa.table(columns)


def _is_row(value: Any) -> bool:
    """Whether a mapping is one row: not all of its values are columns."""
    columns = (list, tuple, np.ndarray, pa.Array, pa.ChunkedArray)
    return isinstance(value, Mapping) and not all(isinstance(v, columns) for v in value.values())


def _tables_of_dicts(rows: Iterator[Mapping[str, Any]]) -> Iterator[pa.Table]:
    while some := list(itertools.islice(rows, _ROWS_AT_A_TIME)):
        names = dict.fromkeys(name for row in some for name in row)
        yield flat(pa.table({str(name): column_of([row.get(name) for row in some]) for name in names}))


def column_of(values: Any) -> pa.Array:
    """An Arrow array; values of several types become text, from which features take what they need."""
    try:
        return values if isinstance(values, pa.Array | pa.ChunkedArray) else pa.array(values, from_pandas=True)
    # The last is for integers that no type of Arrow can hold.
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return pa.array([None if v is None else v if isinstance(v, bytes) else str(v).encode() for v in values])


def flat(table: pa.Table) -> pa.Table:
    """The columns of structs as columns of their own, `a.b`."""
    while any(pa.types.is_struct(field.type) for field in table.schema):
        table = table.flatten()
    return table


def _unknown(rows: Any) -> DataError:
    return DataError(
        "Rows of this type cannot be read.",
        expected="a data frame of pandas or Polars, an Arrow table, a mapping of columns, or an iterable of rows",
        received=f"{type(rows).__module__}.{type(rows).__qualname__}",
        fix="Pass an iterable of mappings from column to value.",
    )
