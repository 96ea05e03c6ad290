"""Columns whose numbers take values of later steps, where a network must not know these."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tfx_sequences.schemas.columns.column import Column, NumericColumn, Scaling, TimeColumn
from tfx_sequences.schemas.spec.label import Label


def check_later_steps(labels: Mapping[str, Label], sequence: Mapping[str, Column]) -> None:
    """Refuses columns that read later steps beside labels that are of later steps.

    Args:
        labels: By where the spec declares them.
        sequence: The sequence columns.

    Raises:
        ValueError: A column does so, and a label is a forecast or has a `shift`.
    """
    later = next((where for where, label in labels.items() if label.shift or label.kind.from_windows), None)
    for name, column in sequence.items() if later else ():
        for option in _reads_later(column):
            raise ValueError(f"sequence.{name}: {option} takes values of later steps, which {later} is to predict")


def _reads_later(column: Column) -> Iterable[str]:
    if isinstance(column, TimeColumn) and "age" in column.features:
        yield "features: age"
    if not isinstance(column, NumericColumn):
        return
    if column.missing == "interpolate":
        yield "missing: interpolate"
    if isinstance(column.normalizer, Scaling) and column.normalizer.offset == "last":
        yield "offset: last"
