"""A column of a table as a spec's feature stores it: binary, int64 or float32, or lists of these."""

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
    nanoseconds,
    parsed_numbers,
)
from tfx_sequences.components.rows.wire import Dtype, offsets_of

_NANOSECONDS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
ARROW_TYPES: dict[str, pa.DataType] = {"string": pa.binary(), "int64": pa.int64(), "float32": pa.float32()}


@dataclasses.dataclass(frozen=True)
class StoredFeature:
    """How a record stores one column.

    Attributes:
        key: The key of the feature, which is the name of the column.
        of_steps: It is a feature list; otherwise a context feature.
        dtype: `string`, `int64` or `float32`.
        size: Number of values in each row; None for any number.
        unit: For numbers from times: the unit since 1970.
    """

    key: str
    of_steps: bool
    dtype: Dtype
    size: int | None = 1
    unit: str = "s"

    @property
    def is_list(self) -> bool:
        """Whether a row has a list of values."""
        return self.size != 1

    @property
    def arrow_type(self) -> pa.DataType:
        """The Arrow type of the converted column."""
        kind = ARROW_TYPES[self.dtype]
        return pa.list_(kind) if self.is_list else kind


def converted(column: pa.Array, feature: StoredFeature, time_zone: str) -> tuple[pa.Array, np.ndarray]:
    """The column as the feature's `arrow_type`, and which rows have a value that does not fit, bool `[N]`.

    A missing value is null, and fits.

    Args:
        column: A column `[N]` of a table.
        feature: What it becomes.
        time_zone: The zone of times without one.

    >>> feature = StoredFeature("age", False, "int64")
    >>> values, wrong = converted(pa.array(["7", None, "old"]), feature, "UTC")
    >>> values.to_pylist(), wrong.tolist()
    ([7, None, None], [False, False, True])
    """
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_null(column.type):
        return pa.nulls(len(column), feature.arrow_type), np.zeros(len(column), bool)
    if feature.is_list:
        return _lists(column, feature, time_zone)
    if _is_list(column.type):
        return _single(column, feature, time_zone)
    return _scalars(column, feature, time_zone)


def _is_list(kind: pa.DataType) -> bool:
    return any(test(kind) for test in (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list))


def _is_there(column: pa.Array) -> np.ndarray:
    return np.asarray(column.is_valid().to_numpy(zero_copy_only=False), bool)


def _single(column: pa.Array, feature: StoredFeature, time_zone: str) -> tuple[pa.Array, np.ndarray]:
    """The values of lists of at most one value."""
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy()
    values, wrong = _scalars(column.flatten(), feature, time_zone)
    first = pa.array(np.cumsum(lengths) - lengths, mask=lengths != 1)
    return values.take(first), (lengths > 1) | _any_in_list(wrong, lengths)


def _any_in_list(wrong: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    sums = np.concatenate([[0], np.cumsum(wrong)])
    ends = np.concatenate([[0], np.cumsum(lengths)])
    return np.asarray(sums[ends[1:]] > sums[ends[:-1]])


def _lists(column: pa.Array, feature: StoredFeature, time_zone: str) -> tuple[pa.Array, np.ndarray]:
    there = _is_there(column)
    if _is_list(column.type):
        lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy().astype(np.int32)
        column = column.flatten()
        while _is_list(column.type):  # inner dimensions of a shape are one flat list
            inner = pc.fill_null(pc.list_value_length(column), 0).to_numpy()
            ends = np.concatenate([[0], np.cumsum(inner)])
            bounds = np.concatenate([[0], np.cumsum(lengths)])
            lengths = np.diff(ends[bounds]).astype(np.int32)
            column = column.flatten()
    else:
        lengths, column = there.astype(np.int32), column.drop_null()
    values, wrong = _scalars(column, feature, time_zone)
    bad = _any_in_list(wrong | (~_is_there(values) if feature.dtype != "float32" else False), lengths)
    if feature.size is not None:
        bad |= there & (lengths != feature.size)
        keep = there & ~bad
        if not keep.all():
            values = values.filter(pa.array(np.repeat(keep, lengths)))
            lengths = np.where(keep, lengths, 0).astype(np.int32)
    if feature.dtype == "float32" and values.null_count:
        values = values.fill_null(float("nan"))
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), values), bad


def _scalars(column: pa.Array, feature: StoredFeature, time_zone: str) -> tuple[pa.Array, np.ndarray]:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    kind = column.type
    if pa.types.is_nested(kind):
        return pa.nulls(len(column), ARROW_TYPES[feature.dtype]), _is_there(column)
    if feature.dtype == "string":
        return _texts(column), np.zeros(len(column), bool)
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        found, there = nanoseconds(column, time_zone)
        return _from_nanoseconds(found, there, feature), np.zeros(len(column), bool)
    if is_text(kind):
        return _from_text(column, feature, time_zone)
    if feature.dtype == "float32":
        return _floats(column.cast(pa.float64())), np.zeros(len(column), bool)
    try:
        return column.cast(pa.int64()), np.zeros(len(column), bool)
    except pa.ArrowInvalid:
        return _whole(column.cast(pa.float64(), safe=False))


def _floats(column: pa.Array) -> pa.Array:
    # Values beyond float32 become infinite, as in NumPy.
    return column.cast(pa.float32(), safe=False)


def _whole(numbers: pa.Array) -> tuple[pa.Array, np.ndarray]:
    """Floats as int64, where they are whole; NaN is missing, as pandas stores it."""
    values = numbers.to_numpy(zero_copy_only=False)
    there = ~np.isnan(values)
    fits = there & (np.abs(values) < 2.0**63) & (np.floor(values) == values)
    return pa.array(np.where(fits, values, 0).astype(np.int64), mask=~fits), there & ~fits


def _texts(column: pa.Array) -> pa.Array:
    if column.type == pa.binary():
        return column
    if pa.types.is_timestamp(column.type):
        column = pc.strftime(column.cast(pa.timestamp("s", column.type.tz), safe=False), "%Y-%m-%dT%H:%M:%S")
    elif pa.types.is_boolean(column.type):
        column = pc.if_else(column, "true", "false")
    elif pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column).cast(pa.string())
    elif not is_text(column.type):
        column = column.cast(pa.string())
    return column.cast(pa.binary())


def _from_text(column: pa.Array, feature: StoredFeature, time_zone: str) -> tuple[pa.Array, np.ndarray]:
    """Numbers from text; an empty text is missing, and a date becomes a number since 1970."""
    text = as_text(column)
    missing = matches(text, r"^\s*$") | ~_is_there(column)
    there = matches(text, NUMBER)
    dates = matches(text, ISO) & ~there
    numbers, integers = pa.float64(), matches(text, INTEGER)
    if feature.dtype == "int64":
        numbers = pa.int64() if (integers | ~there).all() else numbers
    values = parsed_numbers(text, there, numbers)
    wrong = ~(missing | there | dates)
    if feature.dtype == "float32":
        values = _floats(values)
    elif numbers == pa.float64():
        # A column with "3.0": its integers are parsed apart, because a float64 does not hold their last digits.
        rounded, fractions = _whole(values)
        exact = parsed_numbers(text, integers, pa.int64())
        values, wrong = pc.if_else(pa.array(integers), exact, rounded), wrong | (fractions & ~integers)
    if dates.any():
        found, real = nanoseconds(column, time_zone)
        values = pc.if_else(pa.array(dates & real), _from_nanoseconds(found, dates & real, feature), values)
        wrong |= dates & ~real
    return values, wrong


def _from_nanoseconds(found: np.ndarray, there: np.ndarray, feature: StoredFeature) -> pa.Array:
    ticks = _NANOSECONDS[feature.unit]
    if feature.dtype == "int64":
        return pa.array(found // ticks, pa.int64(), mask=~there)
    return pa.array((found / ticks).astype(np.float32), pa.float32(), mask=~there)


def list_offsets(column: pa.Array) -> np.ndarray:
    """Offsets of a list array from the first value of `flatten()` on, int `[N + 1]`."""
    offsets = offsets_of(column)
    return offsets - offsets[0]
