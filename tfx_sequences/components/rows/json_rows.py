"""Files with one JSON object per line as batches; lines that do not parse are left out and named."""

from __future__ import annotations

import io
import json
from collections.abc import Collection, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import json as arrow_json

from tfx_sequences.components.rows.frames import column_of, flat
from tfx_sequences.components.rows.row_files import RawRows, RowFile, opened_rows, unreadable

_BLOCK = 8 << 20
_BOM = b"\xef\xbb\xbf"
_LONGEST_BLANK = 2


def read_json_lines(file: RowFile, columns: Collection[str] | None, *, block: int = _BLOCK) -> Iterator[RawRows]:
    """The rows of a file with one object per line. The number of a row is that of its line, from 0 on.

    Args:
        file: The file.
        columns: The columns to read; `a.b` is the member `b` of the object `a`. None: all.
        block: Number of bytes that are parsed at a time.

    Raises:
        DataError: The file cannot be decompressed.
    """
    texts: set[str] | None = None
    line = 0
    try:
        for data in _blocks(file, block):
            count = data.count(b"\n") + (not data.endswith(b"\n"))
            places = line + _filled_lines(data)
            try:
                table = _parsed(data, texts or set())
                if texts is None:
                    texts = {
                        f.name for f in table.schema if pa.types.is_timestamp(f.type) or pa.types.is_string(f.type)
                    }
                    if any(pa.types.is_timestamp(field.type) for field in table.schema):
                        table = _parsed(data, texts)
                if table.num_rows != len(places):
                    raise pa.ArrowInvalid("several objects in a line")
                table = flat(table)
                yield RawRows(table if columns is None else table.select(_known(table, columns)), places)
            except pa.ArrowInvalid:
                yield _by_line(data, line, columns)
            line += count
    except (OSError, pa.ArrowException) as error:
        raise unreadable(file.path, error) from error


def _blocks(file: RowFile, block: int) -> Iterator[bytes]:
    """Whole lines of about `block` bytes."""
    with opened_rows(file.path) as stream:
        rest, is_first = b"", True
        while data := stream.read(block):
            if is_first:
                data, is_first = data.removeprefix(_BOM), False
            whole, found, end = data.rpartition(b"\n")
            if found:
                yield rest + whole + found
                rest = end
            else:
                rest += data
        if rest:
            yield rest


def _filled_lines(data: bytes) -> np.ndarray:
    """The numbers of lines that are not blank, int64 `[N]`."""
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == ord("\n"))
    ends = ends if data.endswith(b"\n") else np.append(ends, len(data))
    starts = np.concatenate([[0], ends[:-1] + 1])
    filled = ends - starts >= _LONGEST_BLANK
    for line in np.flatnonzero(~filled):
        filled[line] = bool(data[starts[line] : ends[line]].strip())
    return np.flatnonzero(filled)


def _parsed(data: bytes, texts: set[str]) -> pa.Table:
    """Rows as Arrow parses them; it must not turn text into times in some blocks and not in others."""
    schema = pa.schema([(name, pa.string()) for name in sorted(texts)]) if texts else None
    options = arrow_json.ReadOptions(use_threads=False, block_size=len(data) + 1)
    return arrow_json.read_json(
        io.BytesIO(data), read_options=options, parse_options=arrow_json.ParseOptions(explicit_schema=schema)
    )


def _by_line(data: bytes, first: int, columns: Collection[str] | None) -> RawRows:
    """The same line by line, for a block that Arrow refuses: for a faulty line, or for values of several types."""
    rows, places, broken = [], [], []
    for number, text in enumerate(data.split(b"\n"), first):
        if not text.strip():
            continue
        try:
            row = json.loads(text)
            fault = None if isinstance(row, dict) else "JSON that is not an object"
        except ValueError:
            row, fault = None, "not JSON"
        if fault:
            broken.append((number, fault, text.decode("utf-8", "replace")))
        else:
            rows.append(row)
            places.append(number)
    columns = dict.fromkeys(name for row in rows for name in row) if columns is None else columns
    found = {name: [_member(row, name) for row in rows] for name in columns if any(_has(row, name) for row in rows)}
    table = pa.table({name: column_of(values) for name, values in found.items()})
    return RawRows(table, np.array(places, np.int64), broken)


def _known(table: pa.Table, columns: Collection[str]) -> list[str]:
    return [name for name in table.column_names if name in columns]


def _has(row: dict[str, Any], name: str) -> bool:
    return name in row or name.partition(".")[0] in row


def _member(row: Any, name: str) -> Any:
    """The value of a column in a row; `a.b` is a member of a member."""
    if not isinstance(row, dict):
        return None
    if name in row:
        return row[name]
    outer, _, inner = name.partition(".")
    return _member(row.get(outer), inner) if inner else None
