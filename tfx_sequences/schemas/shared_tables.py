"""Embedding tables that several columns share: what they must agree on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tfx_sequences.errors import SpecError
from tfx_sequences.schemas.column_base import BaseColumn, IdColumn

# combiner and max_norm act on a lookup, so they may differ.
_OF_THE_TABLE = ("dimension", "initializer", "trainable", "vectors_file", "vectors_terms_file")


def columns_by_table(columns: Iterable[BaseColumn]) -> Mapping[str, list[IdColumn]]:
    """The columns that are embedded, by the name of their table.

    Raises:
        SpecError: Columns that share a table disagree on what it is.

    >>> from tfx_sequences.schemas.columns import CategoricalColumn, Embedding
    >>> shared = Embedding(dimension=4, table="item")
    >>> seen = CategoricalColumn(key="seen", hash_bucket_size=9, embedding=shared, is_sequence=True)
    >>> target = CategoricalColumn(key="target", hash_bucket_size=9, embedding=shared)
    >>> {table: [c.key for c in users] for table, users in columns_by_table([seen, target]).items()}
    {'item': ['seen', 'target']}
    """
    tables: dict[str, list[IdColumn]] = {}
    for column in columns:
        if isinstance(column, IdColumn) and not column.is_indicator:
            tables.setdefault(column.table, []).append(column)
    for table, users in tables.items():
        first = users[0]
        for other in users[1:]:
            _agree(table, first, other)
    return tables


def _agree(table: str, first: IdColumn, other: IdColumn) -> None:
    if first.id_source != other.id_source:
        raise SpecError(
            f"Columns '{first.key}' and '{other.key}' share the embedding table '{table}' but not their ids.",
            expected="the same vocabulary, buckets or hash, and the same dtype",
            received=f"{_differing(first, other) or 'columns of different types'}",
            fix="Declare both alike, or give them different tables.",
        )
    if first.embedding is None or other.embedding is None:
        return  # the same column, given twice
    for field in _OF_THE_TABLE:
        here, there = getattr(first.embedding, field), getattr(other.embedding, field)
        if here != there:
            raise SpecError(
                f"Columns '{first.key}' and '{other.key}' share the embedding table '{table}' but not its {field}.",
                expected=f"{field}: {here}, as '{first.key}' has it",
                received=f"{field}: {there}",
                fix="Declare the embedding alike, or give the columns different tables.",
            )


def _differing(first: IdColumn, other: IdColumn) -> str:
    fields = [f for f in type(first).model_fields if f not in ("key", "is_sequence", "embedding", "default_value")]
    differing = [f for f in fields if getattr(first, f) != getattr(other, f, None)]
    return "; ".join(f"{f}: {getattr(first, f)} and {getattr(other, f, 'none')}" for f in differing[:3])
