"""Leaks in the records: a label, or a record's group, that the network could look up.

The searches are `label_copies.py`, `group_leaks.py` and `length_features.py`; this module contains their common parts.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

import numpy as np

from tfx_sequences.components.records.batches import Rows
from tfx_sequences.errors import DataError, four_parts
from tfx_sequences.schemas.features.raw_features import RawFeature


@dataclasses.dataclass(frozen=True)
class Leak:
    """Something in the records that makes metrics look better than they are.

    Attributes:
        kind: The search that found it.
        level: `certain` ends a run, `warning` is shown in its summary and report, `note` only in the check.
        what: What was found.
        expected: What trustworthy metrics need.
        received: The counts.
        fix: What to change or declare.
    """

    kind: Literal["copy", "later", "group", "length"]
    level: Literal["certain", "warning", "note"]
    what: str
    expected: str
    received: str
    fix: str

    @property
    def text(self) -> str:
        """The whole message, in lines."""
        return four_parts(self.what, self.expected, self.received, self.fix)


def raise_certain(leaks: tuple[Leak, ...]) -> None:
    """Raises an error for the first certain leak.

    Raises:
        DataError: There is a certain leak; the message is its text.
    """
    for leak in leaks:
        if leak.level == "certain":
            raise DataError(leak.what, expected=leak.expected, received=leak.received, fix=leak.fix)


@dataclasses.dataclass(frozen=True)
class RowKeys:
    """The values of a feature, one hashable object per record or step; None for a missing value.

    Attributes:
        keys: The values, `[N]`.
        splits: Row splits of the steps of each record, `[B + 1]`; None for values of records.
    """

    keys: np.ndarray
    splits: np.ndarray | None


def row_keys(rows: Rows, feature: RawFeature, component: int | None = None) -> RowKeys:
    """The values of a feature in a batch, one for each record or step.

    Args:
        rows: The parsed rows.
        feature: The feature.
        component: The element of a vector; None for the whole value.
    """
    counts, values = rows.counts, rows.values
    splits = rows.splits[0] if feature.is_sequence else None
    if feature.is_sequence and len(rows.splits) == 1:  # a flat list, as in an Example
        counts = np.full(len(values) // feature.size, feature.size)
        splits = rows.splits[0] // feature.size
    starts = np.concatenate([[0], np.cumsum(counts)])[:-1]
    keys = np.full(len(counts), None, object)
    if component is not None or (not feature.multi_valued and feature.size == 1):
        there = counts > (component or 0)
        keys[there] = values[starts[there] + (component or 0)]
    else:
        plain: list[Any] = values.tolist()
        for row in np.flatnonzero(counts):
            found = plain[starts[row] : starts[row] + counts[row]]
            # Lists of terms are combined without order; one that repeats a term says no more than the term.
            terms = sorted(set(found)) if feature.multi_valued else found
            keys[row] = terms[0] if feature.multi_valued and len(terms) == 1 else tuple(terms)
    return RowKeys(keys, splits)
