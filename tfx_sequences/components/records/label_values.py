"""Checks of labels that are vectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tfx_sequences.components.records.batches import Rows
from tfx_sequences.components.records.value_errors import Where, not_binary
from tfx_sequences.errors import DataError
from tfx_sequences.schemas.kinds.distribution import SUM_TOLERANCE, DeclaredDistribution
from tfx_sequences.schemas.spec.label import Label


def vector_fault(name: str, label: Label, rows: Rows) -> tuple[np.ndarray, Callable[[Where], DataError]] | None:
    """The records whose vectors cannot be targets, and the error; None if all vectors can.

    Args:
        name: The feature's name in messages.
        label: The label.
        rows: Its values.
    """
    values: Any = rows.values
    if not isinstance(label.kind, DeclaredDistribution):
        wrong = np.flatnonzero((values != 0) & (values != 1) & ~_missing(label, values))
        if not len(wrong):
            return None
        value = values[wrong[0]]
        return rows.records_of_values(wrong), lambda where: not_binary(name, value, where)
    size = int(label.shape[0])
    if len(values) % size:
        return None  # another check reports the number of values
    vectors = values.astype(np.float64).reshape(-1, size)
    is_distribution = (vectors >= 0).all(axis=1) & (np.abs(vectors.sum(axis=1) - 1) <= SUM_TOLERANCE)
    bad = ~is_distribution & ~_missing(label, vectors).any(axis=1)
    if not bad.any():
        return None
    at, total = np.flatnonzero(bad), float(vectors[bad][0].sum())
    return rows.records_of_values(at * size), lambda where: not_a_distribution(name, total, where)


def _missing(label: Label, values: np.ndarray) -> np.ndarray:
    """Whether each number marks the label as missing; bool, of the values' shape."""
    missing = np.isnan(values) if label.may_be_missing and values.dtype.kind == "f" else np.zeros(values.shape, bool)
    for stored in label.stored_as_missing:
        missing |= values == values.dtype.type(stored)
    return missing


def not_a_distribution(name: str, total: float, where: Where) -> DataError:
    """The error for a vector that does not consist of probabilities."""
    return DataError(
        f"{name[0].upper()}{name[1:]} has a vector that is not a distribution.",
        expected="numbers of at least 0 whose sum is 1",
        received=f"the sum {total:g} in {where.first}"
        if total >= 0 and abs(total - 1) > SUM_TOLERANCE
        else f"a negative number in {where.first}",
        fix="Divide each vector by its sum; for other vectors, use `type: regression` or `multi_label` at the label.",
    )
