"""What a check of the records says about leaks: a label, or a record's group, that the network could look up.

The searches are `label_copies.py`, `group_leaks.py` and `length_features.py`; this module has what they share.
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
    """Something in the records that makes figures better than they are.

    Attributes:
        kind: Which search found it.
        level: `certain` ends a run, `warning` stands in its summary and report, `note` only in the check.
        what: What was found.
        expected: What honest figures need.
        received: The counts.
        fix: What to declare.
    """

    kind: Literal["copy", "later", "group", "length"]
    level: Literal["certain", "warning", "note"]
    what: str
    expected: str
    received: str
    fix: str

    @property
    def text(self) -> str:
        """All of it, in lines."""
        return four_parts(self.what, self.expected, self.received, self.fix)


def raise_certain(leaks: tuple[Leak, ...]) -> None:
    """Raises for the first leak that is certain.

    Raises:
        DataError: Its text.
    """
    for leak in leaks:
        if leak.level == "certain":
            raise DataError(leak.what, expected=leak.expected, received=leak.received, fix=leak.fix)


@dataclasses.dataclass(frozen=True)
class RowKeys:
    """The values of a feature, one hashable for each record or step; None where one is missing.

    Attributes:
        keys: `[N]`.
        splits: Where the steps of each record begin and end `[B + 1]`; None for values of records.
    """

    keys: np.ndarray
    splits: np.ndarray | None


def row_keys(rows: Rows, feature: RawFeature, component: int | None = None) -> RowKeys:
    """The values of a feature of a batch, one for each record or step.

    Args:
        rows: As parsed.
        feature: The feature.
        component: Which element of a vector; None: the whole.
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
            keys[row] = tuple(plain[starts[row] : starts[row] + counts[row]])
    return RowKeys(keys, splits)
