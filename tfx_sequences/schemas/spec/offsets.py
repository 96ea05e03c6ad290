"""Offsets that are another feature: finds its column, and checks that it can be subtracted."""

from __future__ import annotations

from collections.abc import Mapping

from tfx_sequences.schemas.columns.column import Column, NumericColumn, Scaling


def offset_column(column: Column, context: Mapping[str, Column], sequence: Mapping[str, Column]) -> Column | None:
    """The column that an offset names; None if the offset is the key of a context feature without a column.

    Context columns come before sequence columns of the same name.

    Args:
        column: The column whose offset names a feature.
        context: The context columns by name.
        sequence: The sequence columns by name.
    """
    if not isinstance(column, NumericColumn) or not isinstance(column.normalizer, Scaling):
        return None
    name = str(column.normalizer.offset)
    found = context.get(name)
    return sequence.get(name) if found is None and column.is_sequence else found


def check_offsets(
    context: Mapping[str, Column], sequence: Mapping[str, Column], known_ahead: frozenset[str] = frozenset()
) -> None:
    """Checks the offsets that are other features.

    Args:
        context: The context columns by name.
        sequence: The sequence columns by name.
        known_ahead: Names of sequence columns whose future is known.

    Raises:
        ValueError: An offset is not numeric or has another shape, or is a feature or another step although the
            column's future is known.
    """
    for section, columns in (("context", context), ("sequence", sequence)):
        for name, column in columns.items():
            if not isinstance(column, NumericColumn) or not isinstance(column.normalizer, Scaling):
                continue
            offset, where = column.normalizer.offset, f"{section}.{name}"
            if isinstance(offset, str) and section == "sequence" and name in known_ahead:
                raise ValueError(f"{where}: offset: {offset} is not possible where the future is known; give a number")
            if not column.normalizer.names_feature:
                continue
            other = offset_column(column, context, sequence)
            if other is not None and (not isinstance(other, NumericColumn) or other.size not in (1, column.size)):
                expected = "one number" if column.size == 1 else f"one number, or {column.size}"
                raise ValueError(f"{where}: offset: {offset} is not a numeric column of {expected}")
