"""Finds faults in the bytes of a feature that should contain numbers, and decodes the numbers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

import numpy as np

from tfx_sequences.components.numbers.byte_decoding import decode_arrays, dequantized
from tfx_sequences.components.records import value_errors
from tfx_sequences.components.records.batches import Rows
from tfx_sequences.components.records.image_faults import first_not_decoded
from tfx_sequences.errors import DataError
from tfx_sequences.schemas.columns.byte_numbers import ByteLayout
from tfx_sequences.schemas.columns.column import NumericColumn, TermColumn, TextColumn
from tfx_sequences.schemas.features.raw_features import RawFeature

_MAY_BE_INFINITE = ("float16", "bfloat16", "float32", "float64", "tensor")


@dataclasses.dataclass(frozen=True)
class ByteFaults:
    """The faults of a batch, with the affected records (indices in the batch).

    Attributes:
        unfit: Records with a value that does not match the column's layout, and for the first such value its number of
            bytes and its step (None for context). None if all match.
        not_finite: Records with a NaN or an infinity, and the first such number.
    """

    unfit: tuple[np.ndarray, int, int | None] | None = None
    not_finite: tuple[np.ndarray, float] | None = None


def byte_faults(rows: Rows, layout: ByteLayout, *, of_steps: bool, required: bool = False) -> ByteFaults:
    """Checks all values of a batch.

    Args:
        rows: The values, at most one per innermost row.
        layout: The layout of the numbers in the values.
        of_steps: Whether they are values of steps, not of records.
        required: Whether an empty value, which otherwise is a missing one, is a fault too.
    """
    values = rows.values.tolist()
    if layout.encoding not in _MAY_BE_INFINITE:
        lengths = np.fromiter(map(len, values), np.int64, len(values))
        fits, numbers = (lengths == layout.num_bytes) | (lengths == 0), None
    else:
        found = decode_arrays(values, layout)
        fits, numbers = found.fits, found.numbers
        lengths = np.fromiter(map(len, values), np.int64, len(values))
    if required:
        fits = fits & (lengths > 0)
    wrong = np.flatnonzero(~fits)
    unfit = not_finite = None
    if len(wrong):
        records = rows.records_of_values(wrong)
        step = _row(rows, int(wrong[0])) - int(rows.splits[0][records[0]]) if of_steps else None
        unfit = records, int(lengths[wrong[0]]), step
    if numbers is not None:
        finite = np.isfinite(numbers).all(axis=1) | ~fits | (lengths == 0)
        infinite = np.flatnonzero(~finite)
        if len(infinite):
            of_first = numbers[infinite[0]]
            not_finite = rows.records_of_values(infinite), float(of_first[~np.isfinite(of_first)][0])
    return ByteFaults(unfit, not_finite)


def first_not_text(rows: Rows) -> tuple[np.ndarray, bytes] | None:
    """The records (indices in the batch) with terms that are not UTF-8, and the first such term; None if all are."""
    values = rows.values.tolist()
    # If all terms joined by line feeds are valid, each term is; this is nearly always the case.
    if _is_utf8(b"\n".join(values)):
        return None
    wrong = np.flatnonzero([not _is_utf8(value) for value in values])
    return rows.records_of_values(wrong), values[wrong[0]]


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


Error = Callable[[value_errors.Where], DataError]


def errors_of_bytes(rows: Rows, feature: RawFeature, name: str) -> Iterator[tuple[bool, np.ndarray, Error]]:
    """For each fault of a feature with encoded numbers: whether it is an infinity, the records, and the error.

    Args:
        rows: Its values in a batch.
        feature: The feature; other features do not have such faults.
        name: The feature's name in messages.
    """
    layout, image = feature.layout, feature.image
    if image is not None and (wrong := first_not_decoded(rows.values.tolist(), image)) is not None:
        at, value, why = rows.records_of_values(np.array([wrong])), rows.values[wrong], str(image.encoding)
        yield False, at, lambda where: value_errors.no_image(name, value, why, where)
    if layout is None:
        return
    found = byte_faults(rows, layout, of_steps=feature.is_sequence, required=feature.required)
    if found.unfit is not None:
        at, number, step = found.unfit
        yield False, at, lambda where: value_errors.unfit_bytes(name, layout, number, step, where)
    if found.not_finite is not None:
        at, value = found.not_finite
        yield True, at, lambda where: value_errors.not_finite(name, value, where)


def needs_text(column: TermColumn) -> bool:
    """Whether the terms must be UTF-8, because they are split or become lines of a vocabulary file."""
    return isinstance(column, TextColumn) or (column.dtype == "string" and column.vocabulary is not None)


def errors_of_text(rows: Rows, name: str) -> Iterator[tuple[np.ndarray, Error]]:
    """Yields the records with terms that are not UTF-8, and the error; nothing if all are."""
    found = first_not_text(rows)
    if found is not None:
        at, value = found
        yield at, lambda where: value_errors.not_text(name, value, where)


def _row(rows: Rows, value: int) -> int:
    """The step of a value, counted over the whole batch; in a flat list, each value is a step."""
    return value if len(rows.splits) == 1 else int(np.searchsorted(rows.splits[1], value, side="right")) - 1


@dataclasses.dataclass(frozen=True)
class _Numbers:
    """Replaces the tensor of `Rows`."""

    array: np.ndarray

    def numpy(self) -> np.ndarray:
        return self.array


def decoded_rows(rows: Rows, column: NumericColumn, layout: ByteLayout) -> Rows:
    """The dequantized numbers in the values, in the rows of their steps or records; invalid values are missing.

    Args:
        rows: The values, at most one per innermost row.
        column: The column.
        layout: The layout of the numbers in the values.
    """
    values = rows.values.tolist()
    found = decode_arrays(values, layout)
    there = found.present & found.fits
    numbers = dequantized(found.numbers[there].astype(np.float64), column)
    per_row = np.zeros(len(rows.counts), np.int64)
    np.add.at(per_row, np.searchsorted(rows.splits[-1], np.flatnonzero(there), side="right") - 1, column.size)
    ends = np.append(0, np.cumsum(per_row))
    return Rows(_Numbers(numbers.reshape(-1)), (*rows.splits[:-1], ends))
