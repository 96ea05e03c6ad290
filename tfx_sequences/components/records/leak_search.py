"""Runs all searches for leaks in the single pass of the data check."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from tfx_sequences.components.records.batches import Batch
from tfx_sequences.components.records.end_marks import EndMarks
from tfx_sequences.components.records.group_leaks import GroupLeaks
from tfx_sequences.components.records.keys import FileSample
from tfx_sequences.components.records.label_copies import LabelCopies
from tfx_sequences.components.records.leaks import Leak
from tfx_sequences.components.records.length_features import LengthFeatures
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


class LeakSearch:
    """Searches records for leaks, batch by batch.

    Args:
        spec: The spec.
        samples: Samples of all files, for the dtypes of features that the spec does not use.
    """

    def __init__(self, spec: SequenceSpec, samples: Iterable[FileSample]) -> None:
        self._copies, self._ends = LabelCopies(spec), EndMarks(spec)
        self._groups = GroupLeaks(spec, stored_dtypes(samples))
        self._lengths = LengthFeatures(spec)

    def add(self, batch: Batch, splits: Sequence[str], lengths: np.ndarray) -> None:
        """Adds a parsed batch.

        Args:
            batch: The batch.
            splits: The split of each record in a run.
            lengths: Number of steps of each record `[B]`.
        """
        self._copies.add(batch)
        self._ends.add(batch)
        self._groups.add(batch, splits)
        self._lengths.add(batch, lengths)

    def found(self) -> tuple[Leak, ...]:
        """The leaks that were found, certain ones first."""
        leaks = [*self._copies.found(), *self._ends.found(), *self._groups.found(), *self._lengths.found()]
        return tuple(sorted(leaks, key=lambda leak: ("certain", "warning", "note").index(leak.level)))


def stored_dtypes(samples: Iterable[FileSample]) -> dict[str, str]:
    """The dtypes of the context features in samples of files, without those that are stored in several ways."""
    kinds: dict[str, set[str]] = {}
    for sample in samples:
        for (is_list, key), stored in sample.kinds.items():
            if not is_list:
                kinds.setdefault(key, set()).update(kind for kind in stored if kind is not None)
    return {key: next(iter(its)) for key, its in kinds.items() if len(its) == 1}
