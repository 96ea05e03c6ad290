"""Counts over records: their lengths, and the frequencies of classes and terms."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np

from tfx_sequences.components.records.missing_values import MissingCounts, merged_counts


@dataclasses.dataclass
class Figures:
    """Counts over one or more batches.

    Attributes:
        lengths: Steps of each record.
        classes: Number of labels of each class, by head; without regression heads.
        terms: Frequency of each term, by column name, for the columns whose
            computed vocabulary must contain every term.
        missing: How much is missing of each column and label.
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
        """The combined counts of several parts."""
        whole = cls()
        for part in parts:
            whole.lengths += part.lengths
            for name, counts in part.classes.items():
                whole.classes.setdefault(name, Counter()).update(counts)
            for name, counts in part.terms.items():
                whole.terms.setdefault(name, Counter()).update(counts)
            whole.missing = merged_counts([whole.missing, part.missing])
        return whole
