"""The embedding tables of columns, one per name; several columns and layers can share them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf
from absl import logging

from tfx_sequences.components.features.resolved_columns import column_from_config, resolved
from tfx_sequences.errors import UserInputError, did_you_mean, shortened
from tfx_sequences.schemas.columns.column import Column, Embedding, IdColumn, TermColumn
from tfx_sequences.schemas.columns.internal_names import internal_name
from tfx_sequences.schemas.columns.pretrained import PretrainedVectors, pretrained_vectors
from tfx_sequences.schemas.columns.shared_tables import columns_by_table
from tfx_sequences.schemas.columns.vocabularies import known_terms, num_ids


@keras.saving.register_keras_serializable("tfx_sequences")
class EmbeddingTables(keras.layers.Layer):
    """One variable `[num_ids, D]` per embedding table.

    A feature layer creates its own tables; pass the same object to several layers if their
    columns share tables.

    Args:
        columns: The columns; those without an embedding are ignored.
        terms: By table, the terms in the order of their ids; for pretrained vectors, if
            the columns do not contain them.

    Raises:
        SpecError: Columns that share a table have different settings for it.

    >>> from tfx_sequences import categorical_column_with_identity, sequence_categorical_column_with_identity
    >>> from tfx_sequences import ContextFeatures, SequenceFeatures, shared_embedding_columns
    >>> seen, target = shared_embedding_columns([
    ...     sequence_categorical_column_with_identity("seen", 9), categorical_column_with_identity("target", 9),
    ... ], dimension=4, shared_embedding_collection_name="item")
    >>> tables = EmbeddingTables([seen, target])
    >>> steps, context = SequenceFeatures([seen], tables=tables), ContextFeatures([target], tables=tables)
    >>> tables.weights_of("item").shape.as_list()
    [9, 4]
    """

    def __init__(
        self,
        columns: Iterable[Column | dict[str, Any]],
        *,
        terms: Mapping[str, Sequence[str] | None] | None = None,
        **kwargs: Any,
    ) -> None:
        # Lookups cast the rows they read; casting the table first would copy all of it.
        super().__init__(**{"autocast": False, "name": "tables", **kwargs})
        given = [column_from_config(column) for column in columns]
        self.pretrained: dict[str, PretrainedVectors] = {}
        self._users = {table: [resolved(c) for c in users] for table, users in columns_by_table(given).items()}
        self._sizes = {table: max(num_ids(c) for c in users) for table, users in self._users.items()}
        self._table_of = {(c.is_sequence, c.name): table for table, users in self._users.items() for c in users}
        for table, users in self._users.items():
            self._read_vectors(table, users[0], (terms or {}).get(table))

    def _read_vectors(self, table: str, column: IdColumn, terms: Sequence[str] | None) -> None:
        embedding = column.embedding
        if embedding is None or embedding.vectors_file is None:
            return
        if terms is None and isinstance(column, TermColumn):
            terms = known_terms(column)
        read = pretrained_vectors(embedding, terms, self._sizes[table], table=table)
        self.pretrained[table] = read
        logging.info(read.report())

    def build(self, input_shape: Any = None) -> None:
        self._tables = {}
        for table, users in self._users.items():
            embedding = users[0].embedding or Embedding()
            width = self.width_of(table)
            weight = self.add_weight(
                name=internal_name(table),
                shape=(self._sizes[table], width),
                initializer=_initializer(embedding, width),
                trainable=embedding.trainable,
            )
            if table in self.pretrained:
                read = self.pretrained[table]
                weight.assign(tf.where(read.covered[:, None], tf.cast(read.vectors, weight.dtype), weight.value))
            self._tables[table] = weight
        self.built = True

    def table_of(self, column: IdColumn) -> str:
        """Name of the table of an embedded column.

        Raises:
            UserInputError: The tables were created without the column.
        """
        table = self._table_of.get((column.is_sequence, column.name))
        if table is None:
            raise UserInputError(
                f"The embedding tables do not include the column '{column.key}'.",
                expected=f"one of the columns {shortened(name for _, name in self._table_of) or 'no embedding'}",
                received=f"'{column.name}'",
                fix="Pass all columns of all layers that share the tables to EmbeddingTables.",
            )
        return table

    def width_of(self, table: str) -> int:
        """Depth `D` of a table."""
        if table in self.pretrained:
            return int(self.pretrained[table].vectors.shape[1])
        return (self._users[table][0].embedding or Embedding()).width(self._sizes[table])

    @property
    def names(self) -> list[str]:
        """Names of the tables."""
        return list(self._users)

    def weights_of(self, table: str) -> Any:
        """The table's variable, `[num_ids, D]`.

        Raises:
            UserInputError: The table does not exist.
        """
        if table not in self._users:
            raise UserInputError(
                f"Unknown embedding table '{table}'.",
                expected=shortened(self.names) or "no table: no column has an embedding",
                fix=f"Pass its columns to EmbeddingTables.{did_you_mean(table, self.names)}",
            )
        if not self.built:
            self.build()
        return self._tables[table]

    def num_ids_of(self, table: str) -> int:
        """Number of rows of the table."""
        return self._sizes[table]

    def get_config(self) -> dict[str, Any]:
        columns = [_config(column, self.width_of(table)) for table, users in self._users.items() for column in users]
        return {**super().get_config(), "columns": columns}


def _config(column: IdColumn, width: int) -> dict[str, Any]:
    """The column without its files: a saved model has the vectors as weights, and does not need them."""
    embedding = (column.embedding or Embedding()).model_copy(
        update={"dimension": width, "vectors_file": None, "vectors_terms_file": None}
    )
    return column.model_copy(update={"embedding": embedding}).model_dump(mode="json")


def _initializer(embedding: Embedding, width: int) -> Any:
    if embedding.initializer == "feature_column":
        return keras.initializers.TruncatedNormal(0.0, 1 / math.sqrt(width))
    return keras.initializers.get(embedding.initializer)
