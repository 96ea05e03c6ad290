"""Files of rows as tables of usable rows; the others are counted, named and written aside."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import TextIO

import pyarrow as pa

from tfx_sequences.components.rows.converted_rows import converted_rows
from tfx_sequences.components.rows.csv_rows import line_of, read_csv
from tfx_sequences.components.rows.json_rows import read_json_lines
from tfx_sequences.components.rows.parquet_rows import read_parquet
from tfx_sequences.components.rows.row_counts import RowCounts
from tfx_sequences.components.rows.row_files import RawRows, RowFile
from tfx_sequences.components.rows.row_table import RowTables

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
            yield split, converted_rows(raw, number, name, tables, counts, _line_in(file), log)
        counts.files += 1
    if counts.read:
        tables.check_found()
    counts.check_rejected(tables.plan.rows.max_rejected)


def _line_in(file: RowFile | None) -> Callable[[int], int | None] | None:
    """Finds the first line of a row of a file, by its number."""
    if file is None or file.format not in ("csv", "jsonl"):
        return None
    return (lambda place: line_of(file, place)) if file.format == "csv" else (lambda place: place + 1)


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
