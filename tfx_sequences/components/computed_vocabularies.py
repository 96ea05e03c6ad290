"""Vocabularies that Transform computes: their names, and which columns share one."""

from __future__ import annotations

from urllib.parse import quote

from tfx_sequences.schemas.columns import IdColumn
from tfx_sequences.schemas.shared_tables import columns_by_table
from tfx_sequences.schemas.spec import SequenceSpec


def vocabulary_name(name: str) -> str:
    """Name of the file of the vocabulary of a transformed feature (or of the label).

    >>> vocabulary_name("sequence.token")
    'vocabulary_sequence_token'
    """
    return "vocabulary_" + name.replace(".", "_")


def computed_vocabularies(spec: SequenceSpec) -> dict[str, list[str]]:
    """The transformed features of which vocabularies are computed, by the vocabulary's name.

    Columns that share an embedding table have one vocabulary, of the terms of all.

    >>> shared = {"type": "categorical", "embedding": {"table": "item"}}
    >>> spec = SequenceSpec(
    ...     name="s", context={"target": shared}, sequence={"seen": shared}, label={"key": "y"}
    ... )
    >>> computed_vocabularies(spec)
    {'vocabulary_of_table_item': ['context.target', 'sequence.seen']}
    """
    tables = columns_by_table(spec.columns.values())
    found: dict[str, list[str]] = {}
    for name, column in spec.columns.items():
        if not isinstance(column, IdColumn) or getattr(column, "vocabulary", None) is None:
            continue
        is_shared = not column.is_indicator and len(tables[column.table]) > 1
        file = f"vocabulary_of_table_{quote(column.table, safe='')}" if is_shared else vocabulary_name(name)
        found.setdefault(file, []).append(name)
    return found
