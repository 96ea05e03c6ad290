"""Finds groups of records, such as the records of one user, that are in more than one split."""

from __future__ import annotations

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfx_sequences.components.records.batches import Batch
from tfx_sequences.components.records.leaks import Leak
from tfx_sequences.components.records.well_formed import parse_errors
from tfx_sequences.schemas.columns.group_names import is_group_name, is_id_name
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

# A key with more values is ignored: it identifies records, or its values would not fit into memory.
_MOST_VALUES = 2_000_000
# From this number of groups on, a key that determines the label is found, whatever its name.
_FEWEST_GROUPS, _FEWEST_RECORDS = 20, 2.0
_FEWEST_NAMED, _FEWEST_OF_NAMED = 3, 1.5


@dataclasses.dataclass
class _Values:
    """The counts for one key.

    Attributes:
        records: Number of records with each value, by split.
        labels: The label of the records with each value; `_MIXED` if they differ.
    """

    records: dict[str, Counter[Any]] = dataclasses.field(default_factory=lambda: defaultdict(Counter))
    labels: dict[Any, Any] = dataclasses.field(default_factory=dict)


_MIXED = object()


class GroupLeaks:
    """Searches context features with one term, including features that the spec does not use.

    Args:
        spec: The spec.
        dtypes: The stored dtype of each context feature of the data, by key.
    """

    def __init__(self, spec: SequenceSpec, dtypes: Mapping[str, str]) -> None:
        self._spec = spec
        roles = {spec.id_key, spec.example_weight, *(x.key for x in spec.heads.values() if not x.per_step)}
        of_columns = {column.key for column in spec.context.values() if column.type == "categorical"}
        wanted = {
            key: dtype
            for key, dtype in dtypes.items()
            if key not in roles
            and (key in of_columns or is_group_name(key) or is_id_name(key) or key == spec.splits.group)
            and dtype in ("string", "int64")
        }
        self._dtypes = wanted
        self._values = {key: _Values() for key in wanted}
        labels = [x for x in spec.heads.values() if x.kind.has_one_class and not x.per_step]
        self._label = labels[0].raw_name if labels else None

    def add(self, batch: Batch, splits: Sequence[str]) -> None:
        """Adds a parsed batch.

        Args:
            batch: The batch.
            splits: The split of each record in a run.
        """
        if not self._values:
            return
        labels = self._labels(batch)
        for key, terms in self._terms(batch).items():
            values = self._values[key]
            for term, split, label in zip(terms, splits, labels, strict=True):
                if term is not None:
                    values.records[split][term] += 1
                    if values.labels.setdefault(term, label) != label:
                        values.labels[term] = _MIXED
            if len(values.labels) > _MOST_VALUES:
                del self._values[key]

    def found(self) -> list[Leak]:
        """A leak for each key with values that are both in `train` and in another split."""
        return [leak for key, values in self._values.items() if (leak := self._leak(key, values)) is not None]

    def _leak(self, key: str, values: _Values) -> Leak | None:
        train, groups = values.records.get("train", Counter()), values.labels
        is_group, per_group, decides = self._described(key, values)
        shared = {
            split: (sum(n for term, n in counts.items() if term in train), counts.total())
            for split, counts in values.records.items()
            if split != "train"
        }
        shared = {split: (here, of) for split, (here, of) in shared.items() if here > 0.01 * of}
        if not shared or not is_group:
            return None
        counts = ", ".join(f"{here} of {of} records of {split}" for split, (here, of) in sorted(shared.items()))
        same = "; all records of a group have the same label" if decides else ""
        return Leak(
            "group",
            "warning",
            f"Records with the same '{key}' are in train and in {' and '.join(sorted(shared))}.",
            "all records of a group in one split; otherwise, the network is tested with groups that it has seen",
            f"{len(groups)} values of '{key}', {per_group:.1f} records each; values from train are in {counts}{same}",
            "Divide the records into files by this key."
            if self._spec.splits.group == key
            else f"Set `splits: {{group: {key}}}`, for splits that are held back; or divide the records into files "
            "by this key.",
        )

    def likely(self) -> dict[str, str]:
        """The keys whose values are groups of records, in whatever splits these are, with the counts in words."""
        found = {}
        for key, values in self._values.items():
            is_group, per_group, decides = self._described(key, values)
            if is_group:
                same = ", whose records have the same label" if decides else ""
                found[key] = f"{len(values.labels)} values, {per_group:.1f} records each{same}"
        return found

    def _described(self, key: str, values: _Values) -> tuple[bool, float, bool]:
        """Whether the values of a key are groups; their mean number of records; whether the group decides the label."""
        groups = values.labels
        per_group = sum(counts.total() for counts in values.records.values()) / max(len(groups), 1)
        decides = self._decides(groups) and len(groups) >= _FEWEST_GROUPS and per_group >= _FEWEST_RECORDS
        named = (is_group_name(key) or is_id_name(key)) and len(groups) >= _FEWEST_NAMED
        is_group = decides or key == self._spec.splits.group or (named and per_group >= _FEWEST_OF_NAMED)
        return is_group, per_group, decides

    def _decides(self, labels: Mapping[Any, Any]) -> bool:
        """Whether all records of each group have one label, and the groups have different labels."""
        found = set(labels.values())
        return self._label is not None and _MIXED not in found and len(found) > 1

    def _labels(self, batch: Batch) -> list[Any]:
        rows = batch.rows[self._label] if self._label else None
        if rows is None or not (rows.counts == 1).all():
            return [None] * len(batch)
        return rows.values.tolist()

    def _terms(self, batch: Batch) -> dict[str, list[Any]]:
        """The term of each record, by key; None for no term or several terms."""
        import tensorflow as tf

        serialized = tf.constant(batch.records, tf.string)
        try:
            parsed = self._parsed(serialized, list(self._values))
        except parse_errors():
            # Beyond the sample, a feature that the spec does not use can have another dtype: it is not a key of groups.
            for key in list(self._values):
                try:
                    self._parsed(serialized, [key])
                except parse_errors():
                    del self._values[key]
            parsed = self._parsed(serialized, list(self._values)) if self._values else {}
        found = {}
        for index, key in enumerate(list(self._values)):
            values, splits = parsed[f"key{index}"].values.numpy(), parsed[f"key{index}"].row_splits.numpy()
            terms = np.full(len(batch), None, object)
            there = np.diff(splits) == 1
            terms[there] = values[splits[:-1][there]]
            found[key] = terms.tolist()
        return found

    def _parsed(self, serialized: Any, keys: Sequence[str]) -> dict[str, Any]:
        """The terms of some keys, ragged `[B, values]`, as `key0`, `key1` and so on."""
        import tensorflow as tf

        features = {
            f"key{index}": tf.io.RaggedFeature(tf.as_dtype(self._dtypes[key]), value_key=key, row_splits_dtype=tf.int64)
            for index, key in enumerate(keys)
        }
        if self._spec.record == "Example":
            return dict(tf.io.parse_example(serialized, features))
        parsed, _, _ = tf.io.parse_sequence_example(serialized, features)
        return dict(parsed)
