"""Checks of related features: the values of one determine how those of another are read."""

from __future__ import annotations

import numpy as np

from tfx_sequences.components.records.batches import Rows
from tfx_sequences.components.records.value_errors import Where
from tfx_sequences.errors import DataError


def rows_with_unequal_counts(values: Rows, weights: Rows) -> np.ndarray:
    """The records in which the numbers of values and weights differ in any step.

    Args:
        values: The values of the column.
        weights: Their weights, from another feature.
    """
    if len(values.counts) != len(weights.counts):
        steps, others = np.diff(values.splits[0]), np.diff(weights.splits[0])
        return np.flatnonzero(steps != others)
    return np.unique(values.records_of_rows(np.flatnonzero(values.counts != weights.counts)))


def unequal_weights(name: str, key: str, per_step: bool, where: Where) -> DataError:
    """The error for values without weights, or weights without values."""
    unit = "step" if per_step else "record"
    return DataError(
        f"{name} and its weights '{key}' have different numbers of values.",
        expected=f"one weight for each value of each {unit}",
        received=f"different numbers in {where.each}",
        fix=f"Correct the records, or `weighted_by` at {name} in the spec.",
    )


def rows_without_value(times: Rows) -> np.ndarray:
    """The records with timestamps that are missing or not finite."""
    missing = times.records_of_rows(np.flatnonzero(times.counts == 0)) if len(times.splits) == 2 else np.zeros(0, int)
    not_finite = np.flatnonzero(~np.isfinite(times.values))
    return np.union1d(missing, times.records_of_values(not_finite))


def rows_that_fall(times: Rows) -> np.ndarray:
    """The records with timestamps that are less than those before them."""
    records = times.records_of_values(np.arange(len(times.values)))
    falls = (times.values[1:] < times.values[:-1]) & (records[1:] == records[:-1])
    return np.unique(records[1:][falls])


def missing_time(name: str, where: Where) -> DataError:
    """The error for a value (or step) without a time."""
    return DataError(
        f"{name[0].upper()}{name[1:]} has no time in a step.",
        expected="a finite number in every step, because lists are aligned by it",
        received=f"none in {where.each}",
        fix="Add the time, or remove the step from all lists with these timestamps.",
    )


def falling_times(name: str, where: Where) -> DataError:
    """The error for times that are not in order."""
    return DataError(
        f"{name[0].upper()}{name[1:]} is not in chronological order.",
        expected="timestamps that do not decrease from step to step",
        received=f"a timestamp that is less than the one before it in {where.each}",
        fix="Sort the steps of the record by time, in all lists with these timestamps.",
    )
