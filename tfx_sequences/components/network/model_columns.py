"""The spec's columns after Transform, which are the model's inputs."""

from __future__ import annotations

from collections.abc import Mapping

from tfx_sequences.schemas.columns.column import (
    CategoricalColumn,
    Column,
    IdColumn,
    ImageColumn,
    NumericColumn,
    TimeColumn,
)
from tfx_sequences.schemas.columns.names import NO_ID, weights_name
from tfx_sequences.schemas.columns.shared_tables import names_by_table
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def model_columns(spec: SequenceSpec, num_ids: Mapping[str, int]) -> list[Column]:
    """The columns after Transform: normalized numbers, ids, and the vectors of images.

    Args:
        spec: The spec.
        num_ids: Number of ids of each id column, by transformed name.

    >>> from tfx_sequences.schemas.spec.spec_io import load_spec
    >>> num_ids = {"sequence.token": 5000, "sequence.pair": 9000}
    >>> [c.num_buckets for c in model_columns(load_spec("sentence_polarity"), num_ids)]
    [9000, 5000]
    """
    # Columns that share a table can have different numbers of ids (a default_value after the terms).
    rows = {
        name: max(num_ids[user] for user in users) for users in names_by_table(spec.columns).values() for name in users
    }
    columns: list[Column] = []
    for name, column in spec.columns.items():
        if isinstance(column, NumericColumn | TimeColumn):
            columns.append(
                NumericColumn(key=name, is_sequence=column.is_sequence, shape=column.shape, normalizer="none")
            )
        elif isinstance(column, ImageColumn):
            shape = (column.dimension,)
            columns.append(NumericColumn(key=name, is_sequence=column.is_sequence, shape=shape, normalizer="none"))
        elif isinstance(column, IdColumn):
            columns.append(
                CategoricalColumn(
                    key=name,
                    is_sequence=column.is_sequence,
                    dtype="int64",
                    num_buckets=rows.get(name, num_ids[name]),
                    default_value=NO_ID,
                    multi_valued=column.has_several_ids,
                    embedding=column.embedding,
                    indicator=column.is_indicator,
                    weighted_by=weights_name(name) if getattr(column, "weighted_by", None) else None,
                )
            )
    return columns
