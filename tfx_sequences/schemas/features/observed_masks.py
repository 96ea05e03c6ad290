"""Observed masks: features that Transform adds, which tell the network which numbers of a column are present."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tfx_sequences.schemas.columns.column import Column, NumericColumn

if TYPE_CHECKING:
    from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

_SUFFIX = ".observed"


def observed_masks(spec: SequenceSpec) -> Mapping[str, str]:
    """The columns with an `indicator`, by the name of the mask that Transform adds.

    >>> from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec
    >>> vitals = {"type": "numeric", "shape": (3,), "indicator": True}
    >>> observed_masks(SequenceSpec(name="s", sequence={"vitals": vitals}, label={"key": "died"}))
    {'sequence.vitals.observed': 'sequence.vitals'}
    """
    return {
        name + _SUFFIX: name
        for name, column in spec.columns.items()
        if isinstance(column, NumericColumn) and column.indicator
    }


def with_observed_masks(spec: SequenceSpec) -> SequenceSpec:
    """The spec for code that reads transformed records: with a column for each observed mask.

    >>> from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec
    >>> vitals = {"type": "numeric", "shape": (3,), "indicator": True}
    >>> spec = with_observed_masks(SequenceSpec(name="s", sequence={"vitals": vitals}, label={"key": "died"}))
    >>> list(spec.columns), spec.sequence["vitals.observed"].shape
    (['sequence.vitals', 'sequence.vitals.observed'], (3,))
    """
    masks = observed_masks(spec)
    sections: dict[str, dict[str, Column]] = {"context": dict(spec.context), "sequence": dict(spec.sequence)}
    for name in masks.values():
        column = spec.columns[name]
        section, key = name.split(".", 1)
        sections[section][key] = column.model_copy(update={"indicator": False})
        mask = key + _SUFFIX
        sections[section][mask] = NumericColumn(
            key=mask, is_sequence=column.is_sequence, shape=(getattr(column, "size", 1),), normalizer="none"
        )
    return spec.model_copy(update=sections) if masks else spec
