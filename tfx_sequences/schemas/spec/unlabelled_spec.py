"""The declaration of records without a label, for an input alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from tfx_sequences.errors import SpecError
from tfx_sequences.schemas.columns.base import declared
from tfx_sequences.schemas.columns.column_base import BaseColumn
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


class UnlabelledSpec(SequenceSpec):
    """A spec that may lack a label: its batches then only have features.

    >>> from tfx_sequences.schemas.columns.column import NumericColumn
    >>> UnlabelledSpec(name="s", sequence=[NumericColumn(key="x", is_sequence=True)]).heads
    {}
    """

    needs_label: ClassVar[bool] = False


def spec_of_columns(
    columns: Iterable[BaseColumn] | BaseColumn, label: Mapping[str, Any] | str | None = None, **sections: Any
) -> UnlabelledSpec:
    """The spec of these columns.

    Several columns of one feature, such as two representations of the same terms, are read once.

    Args:
        columns: Sequence columns and context columns.
        label: The fields of a label, or the key of a label that is a class; None for no label.
        **sections: Other sections and fields of the spec.

    Raises:
        SpecError: A sequence column is missing, or something else is not a column.

    >>> from tfx_sequences import numeric_column, sequence_numeric_column
    >>> columns = [sequence_numeric_column("x"), numeric_column("age")]
    >>> spec = spec_of_columns(columns, {"key": "y", "type": "regression"})
    >>> list(spec.columns), list(spec.heads)
    (['context.age', 'sequence.x'], ['label'])
    """
    given = [columns] if isinstance(columns, BaseColumn) else list(columns)
    for column in given:
        if not isinstance(column, BaseColumn):
            raise SpecError(
                "make_dataset was given an object that is not a column.",
                expected="a SequenceSpec, or columns such as sequence_numeric_column(...)",
                received=f"{type(column).__module__}.{type(column).__name__}",
                fix="from_feature_columns converts tf.feature_column objects; load_spec reads a spec.",
            )
    of_steps = _named(column for column in given if column.is_sequence)
    if not of_steps:
        raise SpecError(
            "make_dataset needs a sequence column.",
            expected="at least one column that determines the steps of a record",
            received=", ".join(column.key for column in given) or "no columns",
            fix="Use the sequence_... functions for features of steps.",
        )
    context = _named(column for column in given if not column.is_sequence)
    fields = {"key": label} if isinstance(label, str) else label
    return declared(UnlabelledSpec, name="dataset", sequence=of_steps, context=context, label=fields, **sections)


def _named(columns: Iterable[BaseColumn]) -> dict[str, BaseColumn]:
    """The columns by key; further columns of the same feature, which may need other features too, by their names."""
    found: dict[str, BaseColumn] = {}
    for column in columns:
        found[column.name if column.key in found else column.key] = column
    return found
