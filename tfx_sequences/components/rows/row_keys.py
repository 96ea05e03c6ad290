"""The keys of rows that a prediction names: the group, and the time of each row, in plain values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tfx_sequences.components.rows.row_records import RecordBatch
from tfx_sequences.components.rows.row_table import GROUP, TIME, RowTables

_UNITS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}


class RowKeys:
    """Names records and rows by their group and time.

    Args:
        tables: What made the tables of the records.
        name_of: The name of a row without a time, by its number.
    """

    def __init__(self, tables: RowTables, name_of: Callable[[int], Any] = int) -> None:
        self._tables, self._name_of = tables, name_of

    def groups(self, batch: RecordBatch) -> list[dict[str, Any]]:
        """The values of `group_by` of each record, `[R]`.

        Args:
            batch: The records.
        """
        last = batch.steps[np.cumsum(batch.lengths) - 1]
        names = self._tables.plan.rows.group_by
        columns = [batch.table.column(f"{GROUP}{number}").take(last).to_pylist() for number in range(len(names))]
        return [dict(zip(names, map(_plain, values), strict=True)) for values in zip(*columns, strict=True)]

    def times(self, batch: RecordBatch) -> list[Any]:
        """The time of each row of all records, one after another; without `order_by` the row's name.

        Args:
            batch: The records.
        """
        if TIME not in batch.table.column_names:
            return [self._name_of(number) for number in batch.rows.tolist()]
        times = np.asarray(batch.table.column(TIME).to_numpy())[batch.steps]
        return [time_text(time) for time in times.tolist()] if self._tables.kind == "time" else times.tolist()


def _plain(value: bytes | int) -> str | int:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def time_text(nanoseconds: int) -> str:
    """A time since 1970 as ISO 8601 text, with as many digits as it needs.

    >>> time_text(1_500_000_000), time_text(60_000_000_000)
    ('1970-01-01T00:00:01.500Z', '1970-01-01T00:01:00Z')
    """
    unit = next(unit for unit, size in _UNITS.items() if nanoseconds % size == 0)
    return f"{np.datetime64(nanoseconds // _UNITS[unit], unit)}Z"
