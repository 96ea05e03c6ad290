"""Files of rows as tables of usable rows; the others are counted, named and written aside."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import pyarrow as pa

from tfx_sequences.components.rows.csv_rows import line_of, read_csv
from tfx_sequences.components.rows.json_rows import read_json_lines
from tfx_sequences.components.rows.parquet_rows import read_parquet
from tfx_sequences.components.rows.row_counts import NAMED, RejectedRow, RowCounts
from tfx_sequences.components.rows.row_files import RawRows, RowFile
from tfx_sequences.components.rows.row_table import FILE_BITS, RowTables

Source = tuple[str, RowFile | None, Iterator[RawRows]]


def sources_of(files: Iterable[RowFile], columns: Collection[str] | None) -> Iterator[Source]:
    """The rows of files, with their splits.

    Args:
        files: The files.
        columns: The columns to read; None: all.
    """
    return ((file.split, file, read_rows(file, columns)) for file in files)


def read_rows(file: RowFile, columns: Collection[str] | None) -> Iterator[RawRows]:
    """The rows of a file, by its format.

    Args:
        file: The file.
        columns: The columns to read; None: all.

    Raises:
        DataError: The file cannot be read.
    """
    readers: dict[str, Callable[..., Iterator[RawRows]]] = {
        "csv": read_csv,
        "jsonl": read_json_lines,
        "parquet": read_parquet,
    }
    return readers[file.format](file, columns)


def usable_rows(
    sources: Iterable[Source], tables: RowTables, counts: RowCounts, log: TextIO | None = None
) -> Iterator[tuple[str, pa.Table]]:
    """The usable rows of files, with their split.

    Args:
        sources: The rows.
        tables: Converts them.
        counts: Gets their numbers. After the last table, more rejected rows than `rows.max_rejected` are an error.
        log: Gets the rejected rows, as JSON lines.

    Raises:
        DataError: Too many rows cannot be used, a file cannot be read, or a column is in no file.
    """
    for number, (split, file, batches) in enumerate(sources):
        name = str(file.path) if file else ""
        for raw in batches:
            yield split, converted_rows(raw, number, name, file, tables, counts, log)
        counts.files += 1
    if counts.read:
        tables.check_found()
    counts.check_rejected(tables.plan.rows.max_rejected)


def converted_rows(
    raw: RawRows,
    number: int,
    name: str,
    file: RowFile | None,
    tables: RowTables,
    counts: RowCounts,
    log: TextIO | None = None,
) -> pa.Table:
    """The usable rows of a batch; the others are counted, and written aside.

    Args:
        raw: The batch.
        number: The number of its file.
        name: The file's name; empty for rows in memory.
        file: The file, in which lines are looked up; None: they are not.
        tables: Converts them.
        counts: Gets their numbers.
        log: Gets the rejected rows, as JSON lines.
    """

    def reject(place: int, reason: str, values: Any) -> None:
        line = None
        if file is not None and len(counts.first) < NAMED:
            line = {"csv": lambda: line_of(file, place), "jsonl": lambda: place + 1}.get(file.format, lambda: None)()
        row = RejectedRow(name, place, reason, line=line)
        counts.reject(row)
        if log is not None:
            stored = {**dataclasses.asdict(row), "values": values}
            log.write(json.dumps(stored, default=_as_json, ensure_ascii=False) + "\n")

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


@contextlib.contextmanager
def rejected_file(folder: Path | None) -> Iterator[TextIO | None]:
    """The file of rejected rows, `rejected.jsonl`.

    Args:
        folder: Where to make it; None: nowhere.
    """
    if folder is None:
        yield None
        return
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "rejected.jsonl").open("w", encoding="utf-8") as file:
        yield file
