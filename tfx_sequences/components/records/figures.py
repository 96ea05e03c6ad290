"""What records hold: their lengths, and how often each class and term is there."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np

from tfx_sequences.components.records.missing_values import MissingCounts, merged_counts


@dataclasses.dataclass
class Figures:
    """What a batch (or several) holds.

    Attributes:
        lengths: Steps of each record.
        classes: By head, how often each class is a label; none for regression.
        terms: By column name, how often each term is there, for the columns whose
            computed vocabulary must have every term.
        missing: What is missing of each column.
    """

    lengths: list[np.ndarray] = dataclasses.field(default_factory=list)
    classes: dict[str, Counter[Any]] = dataclasses.field(default_factory=dict)
    terms: dict[str, Counter[Any]] = dataclasses.field(default_factory=dict)
    missing: dict[str, MissingCounts] = dataclasses.field(default_factory=dict)

    @property
    def records(self) -> int:
        """Number of records."""
        return sum(map(len, self.lengths))

    @property
    def steps(self) -> int:
        """Steps of all records."""
        return sum(int(lengths.sum()) for lengths in self.lengths)

    @classmethod
    def of_all(cls, parts: Iterable[Figures]) -> Figures:
        """The figures of several parts taken together."""
        whole = cls()
        for part in parts:
            whole.lengths += part.lengths
            for name, counts in part.classes.items():
                whole.classes.setdefault(name, Counter()).update(counts)
            for name, counts in part.terms.items():
                whole.terms.setdefault(name, Counter()).update(counts)
            whole.missing = merged_counts([whole.missing, part.missing])
        return whole
