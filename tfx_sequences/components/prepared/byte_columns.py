"""Numbers stored as bytes in a prepared store: kept in their own type, next to a byte that marks missing values.

That byte comes from `stored_numbers`; it is 0 in the row of padding.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from tfx_sequences.components.batches.byte_steps import STORED_AS, stored_numbers
from tfx_sequences.schemas.columns.column import NumericColumn
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

_PRESENT = ".present"


def encoded_columns(spec: SequenceSpec) -> dict[str, NumericColumn]:
    """The columns that are bytes in transformed records, by transformed name."""
    return {name: c for name, c in spec.columns.items() if isinstance(c, NumericColumn) and c.stays_encoded}


def present_name(name: str) -> str:
    """The name of the store's column that marks which values of another column are present."""
    return name + _PRESENT


def column_of(stored: str, encoded: Collection[str]) -> str | None:
    """The encoded feature that a column of the store belongs to, or None.

    >>> column_of("sequence.rgb.present", ["sequence.rgb"]), column_of("sequence.x", ["sequence.rgb"])
    ('sequence.rgb', None)
    """
    return next((name for name in (stored, stored.removesuffix(_PRESENT)) if name in encoded), None)


def stored_dtype(column: NumericColumn) -> str:
    """The type of the numbers in the store."""
    return STORED_AS.get(str(column.encoding), str(column.encoding))


def decoded_features(features: Mapping[str, Any], spec: SequenceSpec) -> dict[str, Any]:
    """Parsed features, with numbers instead of bytes, and whether each is present.

    Args:
        features: The parsed features by transformed name.
        spec: The spec.
    """
    found = dict(features)
    for name, column in encoded_columns(spec).items():
        values = features[name]
        numbers, present = stored_numbers(values.values if column.is_sequence else values, column)
        found[name] = values.with_values(numbers) if column.is_sequence else numbers
        found[present_name(name)] = values.with_values(present) if column.is_sequence else present
    return found
