"""Columns as a layer keeps them: complete in themselves, so that a saved model needs no other file."""

from __future__ import annotations

from typing import Any, TypeVar

from tfx_sequences.errors import SpecError, did_you_mean
from tfx_sequences.schemas.base import declared
from tfx_sequences.schemas.column_base import BaseColumn
from tfx_sequences.schemas.columns import COLUMN_TYPES, TermColumn
from tfx_sequences.schemas.vocabularies import known_terms

_Column = TypeVar("_Column", bound=BaseColumn)


def column_from_config(column: Any) -> Any:
    """A column, or what `model_dump` made of it, as a column.

    Raises:
        SpecError: It is neither.
    """
    if isinstance(column, BaseColumn):
        return column
    if not isinstance(column, dict):
        raise SpecError(
            "A feature layer was given something that is no column.",
            expected="columns such as sequence_numeric_column(...) or embedding_column(...)",
            received=f"{type(column).__module__}.{type(column).__name__}",
            fix="from_feature_columns converts tf.feature_column objects.",
        )
    kind = column.get("type")
    if kind not in COLUMN_TYPES:
        raise SpecError(f"Unknown type of column: {kind!r}.{did_you_mean(kind, COLUMN_TYPES)}")
    fields = {name: _tuples(value) for name, value in column.items()}
    return declared(COLUMN_TYPES[kind], **fields)  # type: ignore[arg-type]


def resolved(column: _Column) -> _Column:
    """The column with the terms of its vocabulary file in place of the file."""
    if not isinstance(column, TermColumn) or column.vocabulary_file is None:
        return column
    terms: tuple[Any, ...] = tuple(known_terms(column) or ())
    if column.term_dtype == "int64":
        terms = tuple(int(term) for term in terms)
    return column.model_copy(  # type: ignore[return-value]
        update={"vocabulary_list": terms, "vocabulary_file": None, "vocabulary_size": None}
    )


def _tuples(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(value)
    if isinstance(value, dict):
        return {name: _tuples(inner) for name, inner in value.items()}
    return value
