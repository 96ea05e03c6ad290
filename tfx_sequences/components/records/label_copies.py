"""Finds features that copy a label: in the same record or step, or in a later step that the network reads.

The values may have other names than the classes; they only have to correspond one to one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any, Literal

import numpy as np

from tfx_sequences.components.records.batches import Batch
from tfx_sequences.components.records.keys import feature_name
from tfx_sequences.components.records.leaks import Leak, RowKeys, row_keys
from tfx_sequences.errors import shortened
from tfx_sequences.schemas.columns.names import raw_name
from tfx_sequences.schemas.features.raw_features import RawFeature, feature_of, raw_features
from tfx_sequences.schemas.spec.label import Label
from tfx_sequences.schemas.spec.model_options import Conv1DLayer
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

Relation = Literal["same", "later", "all", "first", "last"]

_LATER = (1, 2, 3)
# Fewer pairs may correspond by chance.
_FEWEST_PAIRS = 20
_MOST_COMPONENTS = 64
_FIRST = 200


@dataclasses.dataclass
class _Candidate:
    """One way in which a feature may reveal a label.

    Attributes:
        head: The label's head.
        feature: The feature.
        component: The element of a vector; None for the whole value.
        relation: `same` step or record; `later` steps; the single value of `all` steps of a record; or the value of its
            `first` or `last` step.
        later: Number of steps by which the feature is later.
        may_rename: The label is a class, which the feature may call otherwise; numbers are equal or not.
        pairs: Number of pairs of a label and a value.
        labels: The label of each value of the feature.
        values: The value of each label.
        equal: Whether label and value are equal in all pairs.
        varies: Whether there were records with more than one step.
    """

    head: str
    feature: RawFeature
    component: int | None
    relation: Relation
    later: int = 0
    may_rename: bool = True
    pairs: int = 0
    labels: dict[Any, Any] = dataclasses.field(default_factory=dict)
    values: dict[Any, Any] = dataclasses.field(default_factory=dict)
    equal: bool = True
    varies: bool = False

    def add(self, labels: np.ndarray, values: np.ndarray) -> bool:
        """Adds pairs `[N]`; returns False if label and feature do not correspond."""
        # The first pairs rule out nearly all features.
        return self._add(labels[:_FIRST], values[:_FIRST]) and self._add(labels[_FIRST:], values[_FIRST:])

    def _add(self, labels: np.ndarray, values: np.ndarray) -> bool:
        there = np.array([a is not None and b is not None for a, b in zip(labels, values, strict=True)], bool)
        self.pairs += int(there.sum())
        for label, value in dict.fromkeys(zip(labels[there].tolist(), values[there].tolist(), strict=True)):
            if self.labels.setdefault(value, label) != label or self.values.setdefault(label, value) != value:
                return False
            self.equal = self.equal and _are_equal(label, value)
            if not (self.equal or self.may_rename):
                return False
        return True

    @property
    def is_found(self) -> bool:
        """Whether there are enough pairs, and values repeat (distinct numbers always correspond one to one)."""
        repeats = self.equal or self.pairs >= 2 * len(self.labels)
        varies = self.varies or self.relation not in ("all", "first", "last")
        return self.pairs >= _FEWEST_PAIRS and len(self.labels) > 1 and repeats and varies


class LabelCopies:
    """Searches the features that the network of a spec reads.

    Args:
        spec: The spec.
    """

    def __init__(self, spec: SequenceSpec) -> None:
        self._spec = spec
        self._labels = {
            feature.tensor_name: feature for feature in raw_features(spec) if feature.role in ("label", "feature")
        }
        self._alive = [
            dataclasses.replace(candidate, may_rename=label.has_classes)
            for head, label in spec.heads.items()
            if not label.is_cut_out
            for candidate in _candidates(spec, head, label)
        ]

    def add(self, batch: Batch) -> None:
        """Adds a parsed batch."""
        if not self._alive:
            return
        known: dict[tuple[str, int | None], RowKeys] = {}

        def keys(feature: RawFeature, component: int | None = None) -> RowKeys:
            place = feature.tensor_name, component
            if place not in known:
                known[place] = row_keys(batch.rows[feature.tensor_name], feature, component)
            return known[place]

        alive = []
        for candidate in self._alive:
            label = self._spec.heads[candidate.head]
            of_label = keys(self._labels[raw_name(label.key, of_steps=label.per_step)])
            pairs = _pairs(of_label, keys(candidate.feature, candidate.component), candidate, label.shift or 0)
            if pairs is not None and candidate.add(*pairs):
                alive.append(candidate)
        self._alive = alive

    def found(self) -> list[Leak]:
        """The leaks that were found, certain ones first; only the simplest one per feature and head.

        Later steps that reveal the label only count if the network is declared to read them: `auto` does not.
        """
        seen, leaks = set(), []
        order = ("same", "all", "later", "first", "last")
        is_auto = reads_later_steps(self._spec) == "auto"
        found = [c for c in self._alive if c.is_found and not (c.relation == "later" and is_auto)]
        for candidate in sorted(found, key=lambda c: (order.index(c.relation), c.component is not None, c.later)):
            place = candidate.head, candidate.feature.tensor_name
            if place not in seen:
                seen.add(place)
                leaks.append(self._leak(candidate))
        return leaks

    def certain(self) -> list[tuple[str, Leak]]:
        """The copies that are certain, with the transformed name of a column of the feature."""
        names = {feature_of(column).tensor_name: name for name, column in self._spec.columns.items()}
        found = [c for c in self._alive if c.is_found and c.relation in ("same", "all") and c.component is None]
        return [(names[c.feature.tensor_name], self._leak(c)) for c in found]

    def told_later(self) -> dict[str, str]:
        """A text for each head whose label is a later step's feature, with the feature and the number of steps."""
        return {
            c.head: f"it is {feature_name(c.feature, self._spec)} of {_steps(c.later)} later, in all {c.pairs} steps"
            for c in sorted(self._alive, key=lambda c: -c.later)
            if c.relation == "later" and c.is_found
        }

    def _leak(self, candidate: _Candidate) -> Leak:
        spec, label = self._spec, self._spec.heads[candidate.head]
        where, name = spec.where_of_head(candidate.head), feature_name(candidate.feature, self._spec)
        if candidate.component is not None:
            name = f"element {candidate.component} of {name}"
        unit = "steps" if label.per_step else "records"
        named = "equal" if candidate.equal else "the same except for the names of the values"
        examples = shortened((f"{_text(v)} for {_text(c)}" for c, v in candidate.values.items()), 3)
        received = f"{named} in all {candidate.pairs} {unit} that have both" + (
            "" if candidate.equal else f": {examples}"
        )
        allow = f"add it to `{where}.allowed_copies`"
        if candidate.relation == "later":
            setting = "model.bidirectional: false"
            if reads_later_steps(spec) == "front":
                setting += ", and a causal model.front"
            return Leak(
                "later",
                "warning",
                f"The label '{label.key}' is {name} of {_steps(candidate.later)} later.",
                "a network that does not read later steps, unless they are known when a step is predicted",
                received,
                f"Set `{setting}`.",
            )
        of = {"same": "", "all": " in every step", "first": " of the first step", "last": " of the last step"}
        certain = candidate.relation in ("same", "all")
        return Leak(
            "copy",
            "certain" if certain else "warning",
            f"The label '{label.key}' is a copy of {name}{of[candidate.relation]}.",
            "features that are known without knowing the label",
            received,
            f"Remove the feature from the spec. If it is known when a record is predicted, {allow} instead.",
        )


def reads_later_steps(spec: SequenceSpec) -> Literal["no", "auto", "yes", "front"]:
    """Whether the network of a spec reads later steps; `auto` means: unless they reveal the label.

    >>> from tfx_sequences.schemas.spec.spec_io import load_spec
    >>> reads_later_steps(load_spec("japanese_vowels"))
    'auto'
    """
    if spec.model.builder is not None:
        return "no"  # unknown; its author decides
    if any(isinstance(layer, Conv1DLayer) and layer.padding == "same" for layer in spec.model.front):
        return "front"
    if spec.model.bidirectional == "auto":
        return "auto"
    return "yes" if spec.model.bidirectional else "no"


def _candidates(spec: SequenceSpec, head: str, label: Label) -> Iterator[_Candidate]:
    features = {f.tensor_name: f for f in map(feature_of, spec.columns.values())}
    for name, feature in features.items():
        if label.allowed_copies and feature.key in label.allowed_copies:
            continue
        components: list[int | None] = [None]
        if 1 < feature.size <= _MOST_COMPONENTS and not label.is_vector:
            components += range(feature.size)
        for component in components:
            if name == label.raw_name:
                continue  # a label with `shift`, whose network is causal
            if label.per_step or not feature.is_sequence:
                yield _Candidate(head, feature, component, "same")
            else:
                for relation in ("all", "first", "last"):
                    yield _Candidate(head, feature, component, relation)
            if label.per_step and feature.is_sequence and reads_later_steps(spec) != "no":
                for later in _LATER:
                    yield _Candidate(head, feature, component, "later", later)


def _pairs(label: RowKeys, feature: RowKeys, candidate: _Candidate, shift: int) -> tuple[np.ndarray, np.ndarray] | None:
    """Pairs of labels and values of the feature, `[N]`; None if the feature cannot be a copy."""
    if label.splits is None:
        if feature.splits is None:
            return label.keys, feature.keys
        first, end = feature.splits[:-1], feature.splits[1:]
        there = np.flatnonzero(end > first)
        candidate.varies |= bool((end - first > 1).any())
        values = feature.keys[(first if candidate.relation == "first" else end - 1)[there]]
        if candidate.relation == "all":
            for place, record in enumerate(there):
                if len(set(feature.keys[first[record] : end[record]].tolist())) > 1:
                    return None  # it varies within a record, but the label does not
                values[place] = feature.keys[first[record]]
        return label.keys[there], values
    if feature.splits is None:
        return label.keys, np.repeat(feature.keys, np.diff(label.splits))
    if not np.array_equal(label.splits, feature.splits):
        return label.keys[:0], feature.keys[:0]  # the check of the steps reports this
    steps = np.arange(len(label.keys)) - np.repeat(label.splits[:-1], np.diff(label.splits))
    left = np.repeat(np.diff(label.splits), np.diff(label.splits)) - steps
    at = np.flatnonzero(left > max(shift, candidate.later))
    return label.keys[at + shift], feature.keys[at + candidate.later]


def _steps(later: int) -> str:
    return "one step" if later == 1 else f"{later} steps"


def _are_equal(label: Any, value: Any) -> bool:
    return bool(label == value) or _text(label) == _text(value)


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return f"{value:g}" if isinstance(value, float) else str(value)
