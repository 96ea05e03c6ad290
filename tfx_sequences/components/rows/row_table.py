"""Batches of raw rows as the table that records are made of: converted, checked, with group, time and split.

The columns of that table: `group.0` and so on, `time` and `clock` (numbers that sort as `order_by` and `splits.time`),
`row`, and the features by the name of their parsed tensor after `value.`.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tfx_sequences.components.rows.row_plan import RowPlan
from tfx_sequences.components.rows.row_times import OrderKind, order_kind, order_values
from tfx_sequences.components.rows.row_values import converted
from tfx_sequences.errors import DataError, did_you_mean, shortened

GROUP, TIME, CLOCK, ROW, VALUE = "group.", "time", "clock", "row", "value."
# A row's number is that of its file, and its place there.
FILE_BITS = 40


@dataclasses.dataclass
class RowTables:
    """Converts batches of raw rows; it remembers what the first batch said about the times.

    Attributes:
        plan: What the spec needs.
        kind: What the values of `order_by` are; None until a row has one.
        clock_kind: The same for `splits.time`.
        found: The columns that any batch had.
    """

    plan: RowPlan
    kind: OrderKind | None = None
    clock_kind: OrderKind | None = None
    found: set[str] = dataclasses.field(default_factory=set)

    def __post_init__(self) -> None:
        self.kind = self.kind or self.plan.declared_kind

    def converted(self, batch: pa.Table, rows: np.ndarray) -> tuple[pa.Table, np.ndarray, list[str]]:
        """The usable rows of a batch.

        Args:
            batch: Raw rows `[N]`, with the columns as a file has them. Those that it does not have are missing.
            rows: int64 `[N]`: the number of each row.

        Returns:
            The table of usable rows; for each row of the batch the index of the reason why it is rejected, or -1; and
            the reasons.
        """
        plan, count = self.plan, len(rows)
        columns = {name: _single_chunk(batch.column(name)) for name in plan.columns if name in batch.column_names}
        self.found |= set(columns)
        reasons: list[str] = []
        why = np.full(count, -1)

        def reject(where: np.ndarray, reason: str) -> None:
            where = where & (why < 0)
            if where.any():
                why[where] = len(reasons)
                reasons.append(reason)

        made: dict[str, pa.Array] = {}
        for number, key in enumerate(plan.rows.group_by):
            if key not in columns:
                reject(np.ones(count, bool), f"no column '{key}'")
                columns[key] = pa.nulls(count)
            values, wrong = converted(columns[key], plan.group_feature(key), plan.rows.time_zone)
            empty = pc.fill_null(pc.equal(values, b""), True) if values.type == pa.binary() else values.is_null()
            reject(np.asarray(empty.to_numpy(zero_copy_only=False), bool) & ~wrong, f"no value in '{key}'")
            made[f"{GROUP}{number}"] = values
        clocks = {TIME: plan.rows.order_by, CLOCK: plan.spec.splits.time}
        for name, key in ((name, key) for name, key in clocks.items() if key is not None):
            if key not in columns:
                reject(np.ones(count, bool), f"no column '{key}'")
                columns[key] = pa.nulls(count)
            times, there = self._times(name, columns[key])
            reject(~there, f"no time in '{key}'")
            made[name] = pa.array(times)
        made[ROW] = pa.array(rows, pa.int64())
        for name, feature in plan.features.items():
            values, wrong = converted(columns.get(feature.key, pa.nulls(count)), feature, plan.rows.time_zone)
            reject(wrong, f"a value of '{feature.key}' that is not {_wanted(feature.dtype, feature.size)}")
            if plan.spec.record == "Example" and feature.of_steps and feature.dtype != "float32":
                absent = values.is_null().to_numpy(zero_copy_only=False)
                reject(np.asarray(absent, bool), f"no value of '{feature.key}', which each step of a tf.Example needs")
            made[f"{VALUE}{name}"] = values
        table = pa.table(made)
        return (table if (why < 0).all() else table.filter(pa.array(why < 0))), why, reasons

    def _times(self, name: str, column: pa.Array) -> tuple[np.ndarray, np.ndarray]:
        kind = self.kind if name == TIME else self.clock_kind
        kind = kind or order_kind(column)
        if kind is None:
            # Unknown so far; the type of the column of a table without rows does not matter.
            return np.zeros(len(column), np.int64), np.zeros(len(column), bool)
        if name == TIME:
            self.kind = kind
        else:
            self.clock_kind = kind
        return order_values(column, kind, self.plan.rows.time_zone)

    def check_found(self) -> None:
        """Raises if a column that the spec reads is in none of the batches.

        Raises:
            DataError: The message names the column and the closest one.
        """
        missing = [name for name in self.plan.columns if name not in self.found]
        if missing:
            raise DataError(
                f"No row has the column '{missing[0]}', which the spec reads.",
                expected=f"the columns {shortened(self.plan.columns, 12)}",
                received=f"of these only {shortened(sorted(self.found), 12)}" if self.found else "none of these",
                fix=f"Correct the name in the spec, or add the column.{did_you_mean(missing[0], self.found)}",
            )


def _single_chunk(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _wanted(dtype: str, size: int | None) -> str:
    return f"{dtype}" if size == 1 else f"a list of {dtype}" if size is None else f"{size} values of {dtype}"
