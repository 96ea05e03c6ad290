"""Finds labels of steps with a class that marks the last step of each record.

A network that reads later steps sees where a record ends, and so which step has this class; a record that still grows
does not have an end yet.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np

from tfx_sequences.components.records.batches import Batch
from tfx_sequences.components.records.label_copies import reads_later_steps
from tfx_sequences.components.records.leaks import Leak, row_keys
from tfx_sequences.schemas.columns.column import TermColumn
from tfx_sequences.schemas.features.raw_features import RawFeature, feature_of, raw_features
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

# In fewer records, the last step may have a class of its own by chance.
_FEWEST_RECORDS = 20


@dataclasses.dataclass
class _Seen:
    """Values of a feature in the last step of each record, and in all others."""

    feature: RawFeature
    last: set[Any] = dataclasses.field(default_factory=set)
    others: set[Any] = dataclasses.field(default_factory=set)
    records: int = 0

    def add(self, batch: Batch) -> None:
        rows = row_keys(batch.rows[self.feature.tensor_name], self.feature)
        if rows.splits is None:
            return
        is_last = np.zeros(len(rows.keys), bool)
        is_last[rows.splits[1:][np.diff(rows.splits) > 0] - 1] = True
        last = [key for key in rows.keys[is_last].tolist() if key is not None]
        self.records += len(last)
        self.last.update(last)
        self.others.update(key for key in rows.keys[~is_last].tolist() if key is not None)

    @property
    def tells(self) -> bool:
        """Whether the value alone determines which step is the last one."""
        return bool(self.last) and bool(self.others) and not self.last & self.others


class EndMarks:
    """Searches the labels of a spec, batch by batch.

    Args:
        spec: The spec.
    """

    def __init__(self, spec: SequenceSpec) -> None:
        self._spec = spec
        features = {feature.tensor_name: feature for feature in raw_features(spec)}
        self._labels = {
            head: _Seen(features[label.raw_name])
            for head, label in spec.heads.items()
            if label.per_step and label.has_classes and not (label.is_vector or label.has_several_terms or label.shift)
        }
        terms = [feature_of(column) for column in spec.sequence.values() if isinstance(column, TermColumn)]
        self._terms = [_Seen(feature) for feature in terms if feature.is_sequence] if self._labels else []

    def add(self, batch: Batch) -> None:
        """Adds a parsed batch."""
        for seen in (*self._labels.values(), *self._terms):
            seen.add(batch)

    def told(self) -> dict[str, str]:
        """A text for each head with such a class, unless a feature of the same step tells as much."""
        return {
            head: f"'{_text(next(iter(seen.last)))}' is the class of the last step in all {seen.records} records, and "
            "of no other step"
            for head, seen in self._found()
        }

    def found(self) -> list[Leak]:
        """The leaks, where the network is declared to read later steps: `auto` then does not."""
        reads = reads_later_steps(self._spec)
        if reads in ("no", "auto"):
            return []
        setting = "model.bidirectional: false" + (", and a causal model.front" if reads == "front" else "")
        told = self.told()
        return [
            Leak(
                "later",
                "warning",
                f"The label '{self._spec.heads[head].key}' marks the end of the record.",
                "a network that does not read later steps, unless the end is known when a step is predicted",
                told[head],
                f"Set `{setting}`.",
            )
            for head in told
        ]

    def _found(self) -> Iterator[tuple[str, _Seen]]:
        if any(seen.tells for seen in self._terms):
            return
        for head, seen in self._labels.items():
            if seen.tells and len(seen.last) == 1 and seen.records >= _FEWEST_RECORDS:
                yield head, seen


def _text(value: Any) -> str:
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)
