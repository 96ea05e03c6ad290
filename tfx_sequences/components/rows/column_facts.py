"""What a column of a table may be: its type, its distinct values, whether it changes within groups."""

from __future__ import annotations

import dataclasses

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tfx_sequences.components.rows.row_times import (
    INTEGER,
    ISO,
    NUMBER,
    as_text,
    is_text,
    matches,
    order_kind,
    order_values,
)
from tfx_sequences.schemas.columns.time_units import TimeUnit, guess_time_unit

# The share of values that must be of a type; the others are then rejected, and named, when rows are read.
_MOST = 0.98
_EMPTY = r"^\s*$"


@dataclasses.dataclass(frozen=True)
class ColumnFacts:
    """What a column holds.

    Attributes:
        name: Its name.
        kind: `int64`, `float32`, `string` or `time`; `list` for lists, and `nothing` without values.
        unit: The unit of times that are numbers.
        size: The length of lists of numbers, if all have the same.
        item: The kind of the values of lists.
        distinct: Number of different values.
        filled: Number of rows with a value.
        words: The mean number of words of text.
        codes: int `[N]`: equal for equal values.
    """

    name: str
    kind: str
    distinct: int
    filled: int
    codes: np.ndarray
    unit: TimeUnit | None = None
    size: int | None = None
    item: str = ""
    words: float = 0.0

    @classmethod
    def of(cls, name: str, column: pa.Array) -> ColumnFacts:
        """Facts of a column `[N]`."""
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
            lengths = pc.unique(pc.list_value_length(column.drop_null())).to_pylist()
            kind, _ = _kind(column.flatten())
            size = lengths[0] if len(lengths) == 1 and kind in ("int64", "float32") else None
            places, filled = np.arange(len(column)), len(column) - column.null_count
            return cls(name, "list", len(column), filled, places, size=size, item=kind)
        kind, unit = _kind(column)
        encoded = column.cast(pa.string() if pa.types.is_decimal(column.type) else column.type).dictionary_encode(
            null_encoding="encode"
        )
        filled, words = len(column) - column.null_count, 0.0
        if is_text(column.type):
            text = as_text(column)
            filled -= int(matches(text, _EMPTY).sum())
            spaces = pc.mean(pc.count_substring_regex(text, r"\S\s+\S")).as_py() if kind == "string" else None
            words = (spaces or 0.0) + 1.0
        return cls(name, kind, len(encoded.dictionary), filled, encoded.indices.to_numpy(), unit, words=words)

    @property
    def is_number(self) -> bool:
        """Whether it is a single number."""
        return self.kind in ("int64", "float32")

    def changes(self, groups: np.ndarray) -> float:
        """The share of groups in which it has different values.

        Args:
            groups: int `[N]`: the group of each row.
        """
        order = np.lexsort((self.codes, groups))
        group, code = groups[order], self.codes[order]
        differs = (group[1:] == group[:-1]) & (code[1:] != code[:-1])
        several = len(np.unique(group[1:][group[1:] == group[:-1]]))
        return len(np.unique(group[1:][differs])) / several if several else 0.0


def _kind(column: pa.Array) -> tuple[str, TimeUnit | None]:
    kind = column.type
    if not len(column) or column.null_count == len(column):
        return "nothing", None
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return "time", None
    if pa.types.is_boolean(kind) or pa.types.is_nested(kind):
        return ("int64" if pa.types.is_boolean(kind) else "nothing"), None
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        whole = pa.types.is_floating(kind) and bool(pc.all(pc.equal(pc.floor(column), column)).as_py())
        return ("int64" if whole and column.null_count else "float32"), None
    if pa.types.is_integer(kind):
        return _integers(column)
    text = as_text(column) if is_text(kind) else column.cast(pa.string())
    filled = len(text) - text.null_count - int(matches(text, _EMPTY).sum())
    if not filled:
        return "nothing", None
    for pattern, name in ((INTEGER, "int64"), (NUMBER, "float32"), (ISO, "time")):
        there = matches(text, pattern)
        if name == "int64" and (matches(text, NUMBER) & ~there).any():
            continue
        if there.sum() >= _MOST * filled:
            return _integers(text.filter(pa.array(there))) if name == "int64" else (name, None)
    return "string", None


def _integers(column: pa.Array) -> tuple[str, TimeUnit | None]:
    values, there = order_values(column, order_kind(column) or "int64", "UTC")
    unit = (
        guess_time_unit(values[there][[values[there].argmin(), values[there].argmax()]].tolist())
        if there.any()
        else None
    )
    return ("time", unit) if unit else ("int64", None)
