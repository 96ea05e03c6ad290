"""The base of the layers for features: columns, their embedding tables, and statistics from `adapt`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import keras

from tfx_sequences.components.features.column_forms import feature_value
from tfx_sequences.components.features.column_vectors import ColumnVectors
from tfx_sequences.components.features.embedding_tables import EmbeddingTables
from tfx_sequences.components.features.resolved_columns import checked_columns, column_config, what_adapt_finds
from tfx_sequences.components.features.split_figures import SplitFigures, feature_batches
from tfx_sequences.components.features.step_values import as_tensor
from tfx_sequences.errors import EnvironmentNotSupportedError, UserInputError, shortened
from tfx_sequences.schemas.columns.column import Column


class FeatureLayer(keras.layers.Layer):
    """The base of sequence and context features: concatenates one dense tensor per column."""

    _is_sequence: bool
    columns: list[Column]
    tables: EmbeddingTables

    def __init__(
        self,
        columns: Iterable[Column | dict[str, Any]] | Column,
        *,
        tables: EmbeddingTables | dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        if keras.config.backend() != "tensorflow":
            raise EnvironmentNotSupportedError(
                f"{type(self).__name__} needs Keras on TensorFlow.",
                expected="KERAS_BACKEND=tensorflow",
                received=f"the backend {keras.config.backend()}",
                fix="Set the environment variable KERAS_BACKEND before Keras is imported.",
            )
        super().__init__(**{"autocast": False, **kwargs})
        # The layers convert strings, ragged and sparse tensors themselves.
        self._convert_input_args = False
        self._allow_non_tensor_positional_args = True
        self.supports_masking = True
        self.columns = checked_columns(columns, type(self).__name__, self._is_sequence)
        if isinstance(tables, dict):
            tables = keras.saving.deserialize_keras_object(tables)
        waiting = self._waiting()
        if not waiting:
            self._complete(tables if isinstance(tables, EmbeddingTables) else None)
        elif isinstance(tables, EmbeddingTables):
            raise UserInputError(
                f"{type(self).__name__} was given embedding tables before its columns are complete.",
                expected="tables of columns that do not need statistics of data",
                received=f"tables, and the column '{waiting[0].key}', which needs {what_adapt_finds(waiting[0])}",
                fix="Adapt a layer without tables first; its `columns` are then complete.",
            )

    def _complete(self, tables: EmbeddingTables | None) -> None:
        """Makes what needs complete columns."""
        self.tables = tables or EmbeddingTables(self._embedded(), dtype=self.dtype_policy)
        self._vectors = [ColumnVectors(column, self.tables, self.dtype_policy) for column in self.columns]
        # XLA does not support strings, but it can compile numbers and ids.
        self.supports_jit = all(vectors.supports_jit for vectors in self._vectors)

    def _waiting(self) -> list[Column]:
        """The columns that `adapt` must complete first."""
        return [column for column in self._embedded() if what_adapt_finds(column)]

    def adapt(self, data: Any, *, steps: int | None = None) -> None:
        """Computes what the columns need of the training data, as the layers of Keras do that have `adapt`.

        These are computed vocabularies (in the order of `tft.vocabulary`: by falling count, then by falling bytes),
        mean and standard deviation for `z_score`, minimum and maximum for `min_max`, quartiles for `robust`, and
        quantiles for `num_buckets`. Each real step counts once; padding, missing values and steps beyond
        `sequence_length` do not. Afterwards `columns` contains the results, and so does a saved layer.

        Args:
            data: The training data: a dataset of `make_dataset`, or any iterable of dicts of features, or of tuples
                that begin with one; or one dict. A dataset of `make_dataset` is afterwards where it was before.
            steps: Maximum number of batches to read; None for all.

        Raises:
            UserInputError: No column needs it, or the layer was adapted already; a feature is missing.
            DataError: All values are missing, or every term is too rare.

        >>> import tensorflow as tf
        >>> from tfx_sequences import SequenceFeatures, sequence_numeric_column
        >>> layer = SequenceFeatures([sequence_numeric_column("x", normalizer="z_score")])
        >>> layer.adapt({"x": tf.ragged.constant([[1.0, 3.0], [5.0]])})
        >>> print(layer({"x": tf.ragged.constant([[3.0], [5.0]])})[0].numpy().round(3)[:, 0, 0])
        [0.    1.225]
        """
        waiting = self._waiting()
        if not waiting:
            raise UserInputError(
                f"{type(self).__name__} does not need adapt: its columns are complete.",
                expected="a column with a computed vocabulary, num_buckets, or a normalizer of the training split",
                received=shortened(column.name for column in self.columns),
                fix="Remove adapt; to adapt to other data, make a new layer.",
            )
        figures = SplitFigures(waiting)
        for features in feature_batches(data, steps):
            figures.add(features)
        self._replace({id(column): figures.completed(column) for column in waiting})
        self._complete(None)

    def _replace(self, completed: Mapping[int, Column]) -> None:
        self.columns = [completed.get(id(column), column) for column in self.columns]

    def _embedded(self) -> list[Column]:
        return self.columns

    @property
    def width(self) -> int:
        """Depth `D` of the concatenated tensor."""
        return sum(self.widths)

    @property
    def widths(self) -> tuple[int, ...]:
        """The depth of each column in the concatenated tensor, in its order."""
        self._require_complete()
        return tuple(vectors.width for vectors in self._vectors)

    def build(self, input_shape: Any = None) -> None:
        if not self.tables.built:
            self.tables.build()
        self.built = True

    def build_from_config(self, config: dict[str, Any]) -> None:
        self.build()

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> None:
        return None

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "columns": [column_config(c) for c in self.columns],
            # The object itself, so that Keras serializes it once if several layers share it.
            "tables": getattr(self, "tables", None),
        }

    def _require_complete(self) -> None:
        if waiting := self._waiting():
            raise UserInputError(
                f"{type(self).__name__} needs statistics of training data: column '{waiting[0].key}' is not complete.",
                expected=f"a call of adapt, which finds {what_adapt_finds(waiting[0])}",
                received="a layer that was not adapted",
                fix="Call adapt(dataset) with the training data first; in a pipeline, use model_columns.",
            )

    def _given(self, features: Any) -> dict[str, Any]:
        self._require_complete()
        if not isinstance(features, Mapping):
            raise UserInputError(
                f"{type(self).__name__} was not given a dict of features.",
                expected=f"a dict with {shortened(c.key for c in self.columns)}",
                received=f"{type(features).__module__}.{type(features).__name__}",
            )
        return {name: as_tensor(value, name) for name, value in features.items() if value is not None}

    def _forms(self, features: Mapping[str, Any]) -> list[Any]:
        return [
            v.form(
                *(
                    feature_value(features, key, is_sequence=self._is_sequence)
                    for key in (v.column.key, *(f.key for f in v.column.further_features))
                )
            )
            for v in self._vectors
        ]
