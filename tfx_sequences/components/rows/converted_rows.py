"""Batches of raw rows as usable rows; the others are counted, named and written aside."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any, TextIO

import numpy as np
import pyarrow as pa

from tfx_sequences.components.rows.row_counts import NAMED, RejectedRow, RowCounts
from tfx_sequences.components.rows.row_files import RawRows
from tfx_sequences.components.rows.row_lists import one_row_per_step
from tfx_sequences.components.rows.row_table import FILE_BITS, RowTables


def converted_rows(
    raw: RawRows,
    number: int,
    name: str,
    tables: RowTables,
    counts: RowCounts,
    line_of: Callable[[int], int | None] | None = None,
    log: TextIO | None = None,
) -> pa.Table:
    """The usable rows of a batch; the others are counted, and written aside.

    Args:
        raw: The batch.
        number: The number of its file.
        name: The file's name; empty for rows in memory.
        tables: Converts them.
        counts: Gets their numbers.
        line_of: Finds the line of a row by its number, which takes time; None: rows do not have lines.
        log: Gets the rejected rows, as JSON lines.
    """

    def reject(place: int, reason: str, values: Any) -> None:
        line = line_of(place) if line_of is not None and len(counts.first) < NAMED else None
        row = RejectedRow(name, place, reason, line=line)
        counts.reject(row)
        if log is not None:
            stored = {**dataclasses.asdict(row), "values": values}
            log.write(json.dumps(stored, default=_as_json, ensure_ascii=False) + "\n")

    raw = one_row_per_step(raw, tables.plan.rows.lists) if tables.plan.rows.lists else raw
    for place, reason, text in raw.broken:
        reject(place, reason, text)
    table, why, reasons = tables.converted(raw.table, (number << FILE_BITS) | raw.places)
    for index in np.flatnonzero(why >= 0).tolist():
        values = raw.table.slice(index, 1).to_pylist() if log is not None else []
        reject(int(raw.places[index]), reasons[why[index]], values[0] if values else None)
    counts.read += len(raw.places) + len(raw.broken)
    return table


def _as_json(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
