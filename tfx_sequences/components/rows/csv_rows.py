"""CSV files as batches of text columns; rows with another number of values are left out and named."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import csv as arrow_csv

from tfx_sequences.components.rows.row_files import RawRows, RowFile, opened_rows, unreadable
from tfx_sequences.errors import DataError

_BLOCK = 8 << 20
_MOST_HEADER = 1 << 20


def read_csv(file: RowFile, columns: Collection[str] | None, *, block: int = _BLOCK) -> Iterator[RawRows]:
    """The rows of a CSV file: a header, then values, which may be quoted and hold delimiters and line breaks.

    An empty value is null. A byte order mark and empty lines are skipped.

    Args:
        file: The file.
        columns: The columns to read; those that the file does not have are left out. None: all.
        block: Number of bytes that are parsed at a time; a row must be shorter.

    Raises:
        DataError: The file cannot be parsed at all.
    """
    header = read_header(file)
    wanted = [name for name in dict.fromkeys(header) if columns is None or name in columns]
    if not header:
        return
    broken: list[tuple[int, str, str]] = []
    # Arrow cannot read a file without any column.
    included = wanted or header[:1]

    def left_out(row: Any) -> str:
        reason = f"{row.actual_columns} values, where the header has {row.expected_columns}"
        # Arrow counts the header, and from 1 on.
        broken.append((row.number - 2, reason, row.text))
        return "skip"

    try:
        with opened_rows(file.path) as stream:
            reader = arrow_csv.open_csv(
                stream,
                read_options=arrow_csv.ReadOptions(
                    use_threads=False, block_size=block, column_names=[f"{n}" for n in range(len(header))], skip_rows=0
                ),
                parse_options=arrow_csv.ParseOptions(
                    delimiter=file.delimiter, newlines_in_values=True, invalid_row_handler=left_out
                ),
                convert_options=_as_text([str(header.index(name)) for name in included]),
            )
            at, is_first = 0, True
            # Rows of later blocks may be parsed, and left out, before a block is given.
            left: set[int] = set()
            for batch in reader:
                table = pa.Table.from_batches([batch]).rename_columns(included)
                if is_first and table.num_rows:
                    table, is_first = table.slice(1), False
                unnamed, broken[:] = list(broken), []
                left |= {place for place, _, _ in unnamed}
                places = _places(at, table.num_rows, left)
                if len(places):
                    at = int(places[-1]) + 1
                    left = {place for place in left if place >= at}
                yield RawRows(table.select(wanted), places, unnamed)
            if broken:
                yield RawRows(pa.table({}), np.zeros(0, np.int64), broken)
    except (OSError, pa.ArrowException) as error:
        raise unreadable(file.path, error) from error


def _as_text(names: list[str]) -> arrow_csv.ConvertOptions:
    return arrow_csv.ConvertOptions(
        include_columns=names,
        column_types=dict.fromkeys(names, pa.binary()),
        strings_can_be_null=True,
        null_values=[""],
        check_utf8=False,
    )


def _places(at: int, count: int, broken: set[int]) -> np.ndarray:
    """The numbers of `count` rows from `at` on that are not broken, int64 `[count]`."""
    places = np.arange(at, at + count + len(broken), dtype=np.int64)
    return places[~np.isin(places, list(broken))][:count] if broken else places


def read_header(file: RowFile) -> list[str]:
    """The names of a CSV file's columns; empty for an empty file.

    Raises:
        DataError: A name occurs twice, or the file cannot be decompressed.
    """
    try:
        with opened_rows(file.path) as stream:
            text = stream.read(_MOST_HEADER).decode("utf-8-sig", "replace")
    except OSError as error:
        raise unreadable(file.path, error) from error
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=file.delimiter)
    header = next((row for row in rows if row), [])
    for name in header:
        if header.count(name) > 1:
            raise DataError(
                f"{file.path} has two columns with the name '{name}'.",
                expected="different names in the header",
                received=f"'{file.delimiter.join(header)[:100]}'",
                fix="Rename one of the columns.",
            )
    return header


def line_of(file: RowFile, place: int) -> int | None:
    """The line where a row of a CSV file begins, from 1 on; None if the file has fewer rows.

    Args:
        file: The file.
        place: The number of the row, from 0 on.
    """
    with opened_rows(file.path) as stream:
        lines = io.TextIOWrapper(io.BufferedReader(stream), "utf-8-sig", "replace", newline="")
        rows = csv.reader(lines, delimiter=file.delimiter)
        number, begins = -1, 1
        for row in rows:
            if row and number == place:
                return begins
            number += bool(row)
            begins = rows.line_num + 1
    return None
