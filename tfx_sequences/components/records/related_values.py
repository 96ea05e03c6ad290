"""Checks of features that belong to each other: the values of one say how those of another are read."""

from __future__ import annotations

import numpy as np

from tfx_sequences.components.records.batches import Rows
from tfx_sequences.components.records.value_errors import Where
from tfx_sequences.errors import DataError


def rows_with_unequal_counts(values: Rows, weights: Rows) -> np.ndarray:
    """The records whose values and weights are not as many, in any step.

    Args:
        values: Those of the column.
        weights: Those of the feature that weighs them.
    """
    if len(values.counts) != len(weights.counts):
        steps, others = np.diff(values.splits[0]), np.diff(weights.splits[0])
        return np.flatnonzero(steps != others)
    return np.unique(values.records_of_rows(np.flatnonzero(values.counts != weights.counts)))


def unequal_weights(name: str, key: str, per_step: bool, where: Where) -> DataError:
    """Values without a weight, or weights without a value."""
    unit = "step" if per_step else "record"
    return DataError(
        f"{name} and its weights '{key}' have different numbers of values.",
        expected=f"one weight for each value of each {unit}",
        received=f"different numbers in {where.each}",
        fix=f"Correct the records, or `weighted_by` at {name} in the spec.",
    )
