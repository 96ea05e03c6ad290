"""Times in rows: text in ISO 8601, timestamps of any unit, or plain numbers; all become int64 or float64."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

OrderKind = Literal["time", "int64", "float64"]

ISO = r"^\s*\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d([.,]\d+)?)?)?\s*(Z|[+-]\d\d(:?\d\d)?)?\s*$"
_ZONE = r"(Z|[T ].*[+-]\d\d(:?\d\d)?)\s*$"
# Nineteen digits fit if the first is not a nine, which is enough for nanoseconds until 2255.
INTEGER = r"^\s*[+-]?(\d{1,18}|[0-8]\d{18})\s*$"
NUMBER = r"^\s*[+-]?((\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?|(?i:nan|inf|infinity))\s*$"


def matches(text: pa.Array, pattern: str) -> np.ndarray:
    """Whether each text matches a pattern, bool `[N]`; false for a null."""
    found = pc.fill_null(pc.match_substring_regex(text, pattern), False)
    return np.asarray(found.to_numpy(zero_copy_only=False), bool)


def is_text(kind: pa.DataType) -> bool:
    """Whether an Arrow type is text or bytes."""
    tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)
    return any(test(kind) for test in tests)


def nanoseconds(column: pa.Array, time_zone: str) -> tuple[np.ndarray, np.ndarray]:
    """Nanoseconds since 1970 of times, int64 `[N]`, and which are times, bool `[N]`.

    Args:
        column: Text in ISO 8601, timestamps or dates.
        time_zone: The zone of times without one.

    >>> nanoseconds(pa.array(["1970-01-01T01:00:00+01:00", "1970-01-01 00:00:01", "soon", None]), "UTC")
    (array([         0, 1000000000,          0,          0]), array([ True,  True, False, False]))
    """
    if is_text(column.type):
        return _of_text(column, time_zone)
    there = np.asarray(column.is_valid().to_numpy(zero_copy_only=False), bool)
    if pa.types.is_date(column.type):
        column = column.cast(pa.timestamp("s" if pa.types.is_date32(column.type) else "ms"))
    return _localized(column, time_zone), there


def _localized(column: pa.Array, time_zone: str) -> np.ndarray:
    if column.type.tz is None and time_zone != "UTC":
        # An hour that there is twice means the first of the two; one that there is not means its end.
        column = pc.assume_timezone(column, time_zone, ambiguous="earliest", nonexistent="latest")
    ticks = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}[column.type.unit]
    return np.asarray(column.cast(pa.int64()).fill_null(0).to_numpy()) * ticks


def _of_text(column: pa.Array, time_zone: str) -> tuple[np.ndarray, np.ndarray]:
    text = as_text(column)
    there, zoned = matches(text, ISO), matches(text, _ZONE)
    found = np.zeros(len(text), np.int64)
    for mask, kind in ((there & ~zoned, pa.timestamp("ns")), (there & zoned, pa.timestamp("ns", "UTC"))):
        places = np.flatnonzero(mask)
        if not len(places):
            continue
        given = pc.utf8_trim_whitespace(text.take(pa.array(places)))
        given = pc.replace_substring(given, ",", ".")
        # Arrow reads up to nine digits of a second.
        given = pc.replace_substring_regex(given, r"(\.\d{9})\d+", r"\1")
        try:
            found[places] = _localized(given.cast(kind), time_zone)
        except pa.ArrowInvalid:
            # One date of the calendar that does not exist makes Arrow refuse all of them.
            for place, single in zip(places, given, strict=True):
                try:
                    found[place] = _localized(pa.array([single.as_py()]).cast(kind), time_zone)[0]
                except pa.ArrowInvalid:
                    there[place] = False
    return found, there


def as_text(column: pa.Array) -> pa.Array:
    """Bytes as text, without a copy; regular expressions and Arrow's parsers find what is not UTF-8."""
    if column.type == pa.binary():
        return pa.Array.from_buffers(pa.string(), len(column), column.buffers(), column.null_count, column.offset)
    return column.cast(pa.string())


def parsed_numbers(text: pa.Array, there: np.ndarray, kind: pa.DataType) -> pa.Array:
    """The numbers that texts are, `[N]`; null where `there` (bool `[N]`) is false. Spaces and plus signs are ignored.

    Only texts that are there are given to Arrow's parser, because some versions also parse the bytes of null values.

    Raises:
        ArrowInvalid: A text is not a number of this type.

    >>> parsed_numbers(pa.array([" +7", "x", None, "8"]), np.array([True, False, False, True]), pa.int64()).to_pylist()
    [7, None, None, 8]
    """
    kept = text if there.all() else text.filter(pa.array(there))
    found = pc.utf8_ltrim(pc.utf8_trim_whitespace(kept), "+").cast(kind)
    return found if there.all() else found.take(pa.array(np.cumsum(there) - 1, mask=~there))


def order_kind(column: pa.Array) -> OrderKind | None:
    """What the values of `order_by` are: times, integers or other numbers; None if no value says it.

    >>> order_kind(pa.array([None, "2024-01-01"])), order_kind(pa.array(["7", "8.5"])), order_kind(pa.array([3]))
    ('time', 'float64', 'int64')
    """
    kind = column.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return "time"
    if pa.types.is_integer(kind):
        return "int64"
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "float64"
    if not is_text(kind):
        return None
    text = as_text(column)
    counts: dict[OrderKind, int] = {
        "int64": int(matches(text, INTEGER).sum()),
        "float64": int(matches(text, NUMBER).sum()),
        "time": int(matches(text, ISO).sum()),
    }
    best = max(counts, key=lambda name: counts[name])
    return best if counts[best] else None


def order_values(column: pa.Array, kind: OrderKind, time_zone: str) -> tuple[np.ndarray, np.ndarray]:
    """Numbers that sort as the column does, `[N]`, and which rows have one, bool `[N]`.

    Args:
        column: The column of `order_by`.
        kind: From `order_kind`, or declared.
        time_zone: The zone of times without one.
    """
    if kind == "time":
        return nanoseconds(column, time_zone)
    numbers = pa.int64() if kind == "int64" else pa.float64()
    try:
        if is_text(column.type):
            text = as_text(column)
            found = parsed_numbers(text, matches(text, INTEGER if kind == "int64" else NUMBER), numbers)
        else:
            found = column.cast(numbers)
    except pa.ArrowInvalid:
        return np.zeros(len(column), numbers.to_pandas_dtype()), np.zeros(len(column), bool)
    there = np.asarray(found.is_valid().to_numpy(zero_copy_only=False), bool)
    values = np.asarray(found.fill_null(0).to_numpy())
    return values, there & ~np.isnan(values) if kind == "float64" else there
