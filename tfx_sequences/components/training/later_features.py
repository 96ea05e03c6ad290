"""Finds labels of steps that later steps reveal: they equal a feature of a later step, or mark the record's end.

If the label of a step equals a feature one step later (as in a data set whose files contain a frame and the next
frame), a network that reads later steps sees the answer, and is useless where later steps do not exist yet. So is one
that sees where the record ends, if the label says so.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from tfx_sequences.schemas.columns.names import SEQUENCE_LENGTH, SEQUENCE_PREFIX
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

_LATER = (1, 2, 3)
_FEWEST_TARGETS = 50
_RECORDS = 256
_SAME = 1 - 1e-6


def later_features(spec: SequenceSpec, batches: Iterable[Any]) -> tuple[str, ...]:
    """The heads whose label is equal to a feature one to three steps later, or has a class for the last step alone.

    Args:
        spec: The spec.
        batches: Batches of training records, `(inputs, targets, weights)`; only the first ones are read.
    """
    suspects = {name for name, label in spec.heads.items() if label.per_step and not label.shift}
    if not suspects:
        return ()
    some, records = [], 0
    for inputs, targets, weights in batches:
        some.append((inputs, targets, weights))
        records += len(inputs[SEQUENCE_LENGTH])
        if records >= _RECORDS:
            break
    found = {name for name in suspects if any(_is_later(name, later, some) for later in _LATER)}
    return tuple(sorted(found | {name for name in suspects if some and _marks_end(name, some)}))


def _marks_end(head: str, batches: list[Any]) -> bool:
    """Whether a class is that of every last step and of no other, and no ids of the steps tell as much."""
    last: set[int] = set()
    others: set[int] = set()
    count = 0
    ids: dict[str, tuple[set[int], set[int]]] = {
        name: (set(), set()) for name, x in batches[0][0].items() if _are_ids(name, x)
    }
    for inputs, targets, weights in batches:
        target, weight = (np.asarray(x[head] if isinstance(x, Mapping) else x) for x in (targets, weights))
        if target.dtype.kind not in "iu" or target.ndim != 2:
            return False
        left = np.asarray(inputs[SEQUENCE_LENGTH])[:, None] - np.arange(target.shape[1])[None]
        is_last, is_other = (left == 1) & (weight > 0), (left > 1) & (weight > 0)
        last |= set(target[is_last].tolist())
        others |= set(target[is_other].tolist())
        count += int(is_last.sum())
        for name, (at_end, elsewhere) in ids.items():
            values = np.asarray(inputs[name])
            at_end |= set(values[left == 1].tolist())
            elsewhere |= set(values[left > 1].tolist())
    told = any(at_end and elsewhere and not at_end & elsewhere for at_end, elsewhere in ids.values())
    return len(last) == 1 and bool(others) and not last & others and count >= _FEWEST_TARGETS and not told


def _are_ids(name: str, values: Any) -> bool:
    array = np.asarray(values)
    return name.startswith(SEQUENCE_PREFIX) and array.dtype.kind in "iu" and array.ndim == 2


def _is_later(head: str, later: int, batches: list[Any]) -> bool:
    columns = [name for name in batches[0][0] if name.startswith(SEQUENCE_PREFIX)] if batches else []
    return any(_tells(head, name, later, batches) for name in columns)


def _tells(head: str, name: str, later: int, batches: list[Any]) -> bool:
    labels, features = [], []
    for inputs, targets, weights in batches:
        weight = np.asarray(weights[head] if isinstance(weights, Mapping) else weights)
        target = np.asarray(targets[head] if isinstance(targets, Mapping) else targets)
        feature = np.asarray(inputs[name])
        real = np.arange(feature.shape[1])[None] < np.asarray(inputs[SEQUENCE_LENGTH])[:, None]
        # A step without a label tells nothing.
        there = real[:, later:] & (weight[:, :-later] > 0)
        labels.append(_rows(target[:, :-later], there))
        features.append(_rows(feature[:, later:], there))
        if labels[-1].shape[1] != features[-1].shape[1]:
            return False
    return same_values(np.concatenate(labels), np.concatenate(features))


def _rows(values: np.ndarray, there: np.ndarray) -> np.ndarray:
    """The values `[B, T, ...]` of existing steps as `[N, D]`; a batch may not have any."""
    return values[there].reshape(int(there.sum()), math.prod(values.shape[2:]))


def same_values(labels: np.ndarray, features: np.ndarray) -> bool:
    """Whether labels and features correspond one to one in every element, even if the values have other names.

    Values may be normalized or numbered differently, so the function compares which values occur together: they must
    form one-to-one pairs, and at least two of them.

    Args:
        labels: `[N, D]`.
        features: `[N, D]`.

    >>> labels = np.tile([[0], [1], [2]], (40, 1))
    >>> same_values(labels, 0.5 - 3.0 * labels), same_values(labels, labels // 2)
    (True, False)
    """
    if len(labels) < _FEWEST_TARGETS:
        return False
    varied = False
    for of_label, of_feature in zip(labels.T, features.T, strict=True):
        pairs = len(np.unique(np.stack([of_label.astype(np.float64), of_feature.astype(np.float64)]), axis=1).T)
        if pairs != len(np.unique(of_label)) or pairs != len(np.unique(of_feature)):
            return False
        # Numbers that are nearly all different always form pairs.
        if pairs > len(labels) // 2 and abs(np.corrcoef(of_label, of_feature)[0, 1]) < _SAME:
            return False
        varied |= pairs > 1
    return varied
