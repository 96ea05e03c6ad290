"""Columns normalized per record: whether each step uses only the steps up to it, or the whole record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tfx_sequences.schemas.columns.numeric_columns import RECORD_NORMALIZERS, NumericColumn

if TYPE_CHECKING:
    from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def is_causal(spec: SequenceSpec, column: NumericColumn) -> bool:
    """Whether each step of the column is normalized with the steps up to it, instead of its whole record.

    >>> from tfx_sequences.schemas.spec.spec_io import load_spec
    >>> spec = load_spec("japanese_vowels")
    >>> is_causal(spec, spec.sequence["lpc"])
    False
    """
    if column.causal is not None:
        return column.causal
    tuned = spec.tuning is not None and "model.bidirectional" in spec.tuning.parameters
    of_steps = any(label.per_step or label.kind.from_windows for label in spec.heads.values())
    return of_steps or tuned or not spec.model.bidirectional


def say_causal(dumped: dict[str, Any], spec: SequenceSpec) -> None:
    """Writes `causal` of each column into a spec's plain data, for readers that do not have its network."""
    for name, column in spec.sequence.items():
        if isinstance(column, NumericColumn) and column.normalizer in ("auto", *RECORD_NORMALIZERS):
            dumped["sequence"][name]["causal"] = is_causal(spec, column)
