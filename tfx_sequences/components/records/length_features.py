"""Finds context numbers that equal the length of their record, if the label depends on the length."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx_sequences.components.records.batches import Batch
from tfx_sequences.components.records.keys import feature_name
from tfx_sequences.components.records.leaks import Leak, row_keys
from tfx_sequences.schemas.features.raw_features import feature_of
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

_FEWEST_RECORDS = 20
# Minimum fraction of the length's variance explained by the label, also as a multiple of chance.
_EXPLAINED, _TIMES = 0.02, 5.0


class LengthFeatures:
    """Searches the numeric context features of a spec.

    Args:
        spec: The spec.
    """

    def __init__(self, spec: SequenceSpec) -> None:
        self._spec = spec
        numbers = [c for c in spec.context.values() if c.type in ("numeric", "bucketized")]
        self._alive = {f.tensor_name: f for f in map(feature_of, numbers) if f.size == 1}
        self._heads = [n for n, x in spec.heads.items() if not x.per_step and not x.is_cut_out and not x.is_vector]
        self._lengths: list[np.ndarray] = []
        self._labels: dict[str, list[Any]] = {head: [] for head in self._heads}

    def add(self, batch: Batch, lengths: np.ndarray) -> None:
        """Adds a parsed batch, with the steps of its records `[B]`."""
        for name, feature in list(self._alive.items()):
            values = row_keys(batch.rows[name], feature).keys
            if any(value is not None and value != length for value, length in zip(values, lengths, strict=True)):
                del self._alive[name]
        if not self._alive:
            return
        self._lengths.append(lengths)
        for head in self._heads:
            rows = batch.rows[self._spec.heads[head].raw_name]
            ones = (rows.counts == 1).all()
            self._labels[head] += rows.values.tolist() if ones else [None] * len(batch)

    def found(self) -> list[Leak]:
        """A note for each such feature."""
        if not self._alive or not self._lengths:
            return []
        lengths = np.concatenate(self._lengths).astype(np.float64)
        depends = [head for head in self._heads if _depends(lengths, self._labels[head])]
        if len(lengths) < _FEWEST_RECORDS or not depends:
            return []
        label = self._spec.heads[depends[0]]
        return [
            Leak(
                "length",
                "note",
                f"The feature {feature_name(feature, self._spec)} is the number of steps of the record, "
                f"and the label '{label.key}' depends on it.",
                "features that are known when a record is predicted",
                f"equal to the length in all {len(lengths)} records",
                "Remove it if the length is not known then, or if it is a result of how the records were made.",
            )
            for feature in self._alive.values()
        ]


def _depends(lengths: np.ndarray, labels: list[Any]) -> bool:
    """Whether the mean lengths of classes differ, or numbers correlate with the length, by more than chance."""
    if any(label is None for label in labels) or lengths.std() == 0:
        return False
    if isinstance(labels[0], float):
        values = np.asarray(labels)
        explained = float(np.corrcoef(values, lengths)[0, 1] ** 2) if values.std() else 0.0
        by_chance = 1 / len(lengths)
    else:
        classes, of = np.unique([str(label) for label in labels], return_inverse=True)
        means = np.bincount(of, lengths) / np.bincount(of)
        explained = float(((means[of] - lengths.mean()) ** 2).mean() / lengths.var())
        by_chance = (len(classes) - 1) / len(lengths)
    return explained > max(_EXPLAINED, _TIMES * by_chance)
