"""Vocabularies that Transform computes: their names, and the columns that share one."""

from __future__ import annotations

from tfx_sequences.schemas.columns.column import TermColumn
from tfx_sequences.schemas.columns.internal_names import file_name, internal_name
from tfx_sequences.schemas.columns.shared_tables import names_by_table
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def vocabulary_name(name: str) -> str:
    """Name of the vocabulary file of a transformed feature (or of the label).

    >>> vocabulary_name("sequence.token")
    'vocabulary_sequence_token'
    """
    return "vocabulary_" + file_name(name)


def computed_vocabularies(spec: SequenceSpec) -> dict[str, list[str]]:
    """The transformed features with computed vocabularies, by the vocabulary's name.

    Columns that share an embedding table share one vocabulary with all their terms.

    >>> shared = {"type": "categorical", "embedding": {"table": "item"}}
    >>> spec = SequenceSpec(
    ...     name="s", context={"target": shared}, sequence={"seen": shared}, label={"key": "y"}
    ... )
    >>> computed_vocabularies(spec)
    {'vocabulary_of_table_item': ['context.target', 'sequence.seen']}
    """
    found: dict[str, list[str]] = {}
    of_tables = {name: (table, names) for table, names in names_by_table(spec.columns).items() for name in names}
    for name, column in spec.columns.items():
        if not isinstance(column, TermColumn) or column.vocabulary is None:
            continue
        table, names = of_tables.get(name, ("", [name]))
        file = vocabulary_name(name) if len(names) == 1 else f"vocabulary_of_table_{internal_name(table)}"
        found.setdefault(file, []).append(name)
    return found
