"""Embedding tables that several columns share: what they must agree on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tfx_sequences.errors import SpecError
from tfx_sequences.schemas.columns.column_base import BaseColumn, IdColumn
from tfx_sequences.schemas.columns.crossed_columns import CrossedColumn
from tfx_sequences.schemas.columns.names import weights_name

# combiner and max_norm act on a lookup, so they may differ.
_OF_THE_TABLE = ("dimension", "initializer", "trainable", "vectors_file", "vectors_terms_file")


def columns_by_table(columns: Iterable[BaseColumn]) -> Mapping[str, list[IdColumn]]:
    """The columns that are embedded, by the name of their table.

    Raises:
        SpecError: Columns that share a table disagree on what it is.

    >>> from tfx_sequences.schemas.columns.column import CategoricalColumn, Embedding
    >>> shared = Embedding(dimension=4, table="item")
    >>> seen = CategoricalColumn(key="seen", hash_bucket_size=9, embedding=shared, is_sequence=True)
    >>> target = CategoricalColumn(key="target", hash_bucket_size=9, embedding=shared)
    >>> {table: [c.key for c in users] for table, users in columns_by_table([seen, target]).items()}
    {'item': ['seen', 'target']}
    """
    embedded = [c for c in columns if isinstance(c, IdColumn) and not c.is_indicator]
    of_steps = {column.table for column in embedded if column.is_sequence}
    tables: dict[str, list[IdColumn]] = {}
    for column in embedded:
        # A context and a sequence feature may have one key: without a named table they share nothing.
        told_apart = not (column.is_sequence or column.shares_table) and column.table in of_steps
        tables.setdefault(f"context.{column.table}" if told_apart else column.table, []).append(column)
    for table, users in tables.items():
        for other in users[1:]:
            _agree(table, users[0], other)
    return tables


def names_by_table(columns: Mapping[str, BaseColumn]) -> dict[str, list[str]]:
    """The names of the columns of a spec that are embedded, by the name of their table in its model.

    Raises:
        SpecError: Columns that share a table disagree on what it is.

    >>> from tfx_sequences.schemas.columns.column import CategoricalColumn
    >>> names_by_table({"sequence.token": CategoricalColumn(key="word", is_sequence=True)})
    {'sequence.token_embedding': ['sequence.token']}
    """
    # By its name in the spec a column is the only one; by its key it may not be.
    renamed = [column.model_copy(update=_names(name, column)) for name, column in columns.items()]
    return {table: [c.key for c in users] for table, users in columns_by_table(renamed).items()}


def _names(name: str, column: BaseColumn) -> dict[str, Any]:
    """What a column is called after Transform, and what its weights are."""
    weighted = getattr(column, "weighted_by", None) is not None
    crossed = {"keys": (name,)} if isinstance(column, CrossedColumn) else {}
    return {"key": name, **({"weighted_by": weights_name(name)} if weighted else {}), **crossed}


def _agree(table: str, first: IdColumn, other: IdColumn) -> None:
    if first.id_source != other.id_source:
        raise SpecError(
            f"Columns '{first.key}' and '{other.key}' share the embedding table '{table}' but not their ids.",
            expected="the same vocabulary, buckets or hash, and the same dtype",
            received=f"{_differing(first, other) or 'columns of different types'}",
            fix="Declare both in the same way, or give them different tables.",
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
                fix="Declare the embedding in the same way, or give the columns different tables.",
            )


def _differing(first: IdColumn, other: IdColumn) -> str:
    fields = [f for f in type(first).model_fields if f not in ("key", "is_sequence", "embedding", "default_value")]
    differing = [f for f in fields if getattr(first, f) != getattr(other, f, None)]
    return "; ".join(f"{f}: {getattr(first, f)} and {getattr(other, f, 'none')}" for f in differing[:3])
