"""Reads plain rows for requests from mappings, DataFrames or JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tfx_sequences.errors import DataError, UserInputError

Rows = Any


def read_rows(source: Rows) -> Iterator[Mapping[str, Any]]:
    """The rows of `source`.

    Args:
        source: A mapping (one row), several mappings, a pandas DataFrame, a file of JSON lines, or their text.

    Raises:
        DataError: A line is not a JSON object; the message names the line.
        UserInputError: `source` is none of these.
    """
    if isinstance(source, Mapping):
        yield source
    elif hasattr(source, "to_dict") and hasattr(source, "columns"):
        yield from source.to_dict("records")
    elif isinstance(source, str | Path):
        yield from _lines(source)
    elif isinstance(source, Iterable) and not isinstance(source, bytes):
        for index, row in enumerate(source):
            if not isinstance(row, Mapping):
                raise DataError(
                    f"Row {index} is not a mapping.",
                    expected="a mapping of feature keys to values",
                    received=f"{row!r:.60} ({type(row).__name__})",
                    fix="Give one mapping per record.",
                )
            yield row
    else:
        raise UserInputError(
            "Rows cannot be read from this object.",
            expected="a mapping, several mappings, a DataFrame, or JSON lines",
            received=type(source).__name__,
            fix="Convert it to one of these.",
        )


def _lines(source: str | Path) -> Iterator[Mapping[str, Any]]:
    is_text = isinstance(source, str) and source.lstrip()[:1] in ("{", "")
    try:
        text = str(source) if is_text else Path(source).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserInputError(
            "The rows cannot be read.",
            expected="a file of JSON lines in UTF-8",
            received=f"{source}: {error}",
            fix="Correct the path or the file.",
        ) from error
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            if not isinstance(row, dict):
                raise ValueError("not an object")
        except (ValueError, RecursionError) as error:
            raise DataError(
                f"Line {number} is not a JSON object.",
                expected="a JSON object of feature keys and values",
                received=f"{line[:60]!r}: {error}",
                fix="Write one object per line.",
            ) from error
        yield row
