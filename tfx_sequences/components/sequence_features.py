"""Keras 3 layers that turn features by name into the tensors a recurrent network takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import keras
from keras import ops

from tfx_sequences.errors import UserInputError, did_you_mean, shortened
from tfx_sequences.schemas.columns import CategoricalColumn, NumericColumn
from tfx_sequences.schemas.spec import SequenceSpec

SEQUENCE_LENGTH = "sequence_length"
ModelColumn = NumericColumn | CategoricalColumn
_COLUMN_TYPES = {"numeric": NumericColumn, "categorical": CategoricalColumn}


def model_columns(spec: SequenceSpec, num_ids: Mapping[str, int]) -> list[ModelColumn]:
    """The spec's columns as they are after Transform: normalised numbers and ids.

    Args:
        spec: The spec.
        num_ids: Number of ids of each categorical column, by transformed name.

    >>> from tfx_sequences.schemas.spec_io import load_spec
    >>> [c.num_buckets for c in model_columns(load_spec("sentence_polarity"), {"sequence.token": 5000})]
    [5000]
    """
    columns: list[ModelColumn] = []
    for name, column in spec.columns.items():
        if isinstance(column, NumericColumn):
            columns.append(column.model_copy(update={"key": name, "dtype": "float32", "normalizer": "none"}))
        else:
            columns.append(
                CategoricalColumn(
                    key=name,
                    is_sequence=column.is_sequence,
                    dtype="int64",
                    num_buckets=num_ids[name],
                    embedding=column.embedding,
                    indicator=column.indicator,
                )
            )
    return columns


class _FeatureLayer(keras.layers.Layer):
    """What sequence and context features have in common: one dense tensor per column, joined."""

    _is_sequence: bool

    def __init__(self, columns: Iterable[ModelColumn | dict[str, Any]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.columns = sorted((_as_column(c) for c in columns), key=lambda c: c.key)
        if not self.columns:
            raise UserInputError(f"{type(self).__name__} needs at least one column.")
        for column in self.columns:
            if column.is_sequence != self._is_sequence:
                kind, layer = (
                    ("a context", "ContextFeatures") if self._is_sequence else ("a sequence", "SequenceFeatures")
                )
                raise UserInputError(
                    f"{type(self).__name__} was given {kind} column, '{column.key}'.",
                    fix=f"Give it to {layer}, or build the column's twin.",
                )
            if isinstance(column, CategoricalColumn) and column.num_buckets is None:
                raise UserInputError(
                    f"Column '{column.key}' has no ids yet.",
                    expected="a column with num_buckets: ids in [0, num_buckets)",
                    fix="Transform terms to ids first; model_columns(spec, num_ids) gives the transformed columns.",
                )
        self.embeddings = {
            c.key: keras.layers.Embedding(
                int(c.num_buckets or 0),
                c.width(int(c.num_buckets or 0)),
                trainable=c.embedding.trainable if c.embedding else True,
                dtype=self.dtype_policy,
                name=_layer_name(c.key),
            )
            for c in self.columns
            if isinstance(c, CategoricalColumn) and not c.indicator
        }

    @property
    def width(self) -> int:
        """Depth `D` of the joined tensor."""
        return sum(c.size if isinstance(c, NumericColumn) else c.width(int(c.num_buckets or 0)) for c in self.columns)

    def build(self, input_shape: Any) -> None:
        for embedding in self.embeddings.values():
            if not embedding.built:
                embedding.build(None)
        self.built = True

    def _joined(self, features: Mapping[str, Any]) -> Any:
        missing = [c.key for c in self.columns if c.key not in features]
        if missing:
            raise UserInputError(
                f"{type(self).__name__} was not given the feature '{missing[0]}'.",
                expected=shortened(c.key for c in self.columns),
                received=shortened(sorted(features)) or "no features",
                fix=f"Pass it in the dict of features.{did_you_mean(missing[0], features)}",
            )
        dense = [self._dense(column, features[column.key]) for column in self.columns]
        return dense[0] if len(dense) == 1 else ops.concatenate(dense, axis=-1)

    def _dense(self, column: ModelColumn, values: Any) -> Any:
        batch_dims = 2 if self._is_sequence else 1
        if isinstance(column, CategoricalColumn):
            if column.indicator:
                return ops.one_hot(values, int(column.num_buckets or 0), dtype=self.compute_dtype)
            return self.embeddings[column.key](values)
        rank = len(values.shape)
        if rank != batch_dims + len(column.shape):
            letters = "[B, T" if self._is_sequence else "[B"
            raise UserInputError(
                f"Feature '{column.key}' has a wrong rank.",
                expected=f"{letters}{''.join(f', {s}' for s in column.shape)}]",
                received=f"shape {tuple(values.shape)}",
            )
        values = ops.cast(values, self.compute_dtype)
        if not column.shape:
            return ops.expand_dims(values, -1)
        if len(column.shape) == 1:
            return values
        outer = [-1, ops.shape(values)[1], column.size] if self._is_sequence else [-1, column.size]
        return ops.reshape(values, outer)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "columns": [c.model_dump(mode="json") for c in self.columns]}


@keras.saving.register_keras_serializable("tfx_sequences")
class SequenceFeatures(_FeatureLayer):
    """Joins sequence columns to one tensor, with the mask that their lengths imply.

    The Keras 3 successor of `tf.keras.experimental.SequenceFeatures`.

    Args:
        columns: Sequence columns: numbers, or ids with `num_buckets`. Their order
            does not matter: the output has them in key order.

    Call arguments:
        features: Dict of one tensor per column by key, `[B, T, *shape]` for numbers
            and `[B, T]` for ids, padded on the right to one common `T`; and
            `sequence_length`, int `[B]`.

    Returns:
        `(sequence_input, sequence_length)`: `[B, T, D]` in the compute dtype, with
        a Keras mask `[B, T]` that is True for real steps; and `[B]`. `D` is the
        sum of the columns' widths. Padded steps are zero.

    Example:

    >>> import numpy as np
    >>> from tfx_sequences.schemas.columns import CategoricalColumn, NumericColumn
    >>> layer = SequenceFeatures([
    ...     NumericColumn(key="price", is_sequence=True),
    ...     CategoricalColumn(key="item", dtype="int64", num_buckets=3, indicator=True, is_sequence=True),
    ... ])
    >>> sequence_input, sequence_length = layer({
    ...     "price": np.array([[5.0, 7.0], [9.0, 0.0]]),
    ...     "item": np.array([[0, 2], [1, 0]]),
    ...     "sequence_length": np.array([2, 1]),
    ... })
    >>> print(sequence_input.numpy())
    [[[1. 0. 0. 5.]
      [0. 0. 1. 7.]]
     [[0. 1. 0. 9.]
      [0. 0. 0. 0.]]]
    """

    _is_sequence = True

    def call(self, features: Mapping[str, Any]) -> tuple[Any, Any]:
        joined = self._joined(features)
        mask = length_mask(features[SEQUENCE_LENGTH], joined)
        # Zero, not the embedding of the padding: what reads without a mask sees no ghost.
        return joined * ops.cast(mask, joined.dtype)[:, :, None], features[SEQUENCE_LENGTH]

    def compute_mask(self, inputs: Mapping[str, Any], previous_mask: Any = None) -> tuple[Any, None]:
        first = inputs[self.columns[0].key]
        return length_mask(inputs[SEQUENCE_LENGTH], first), None

    def compute_output_spec(self, features: Mapping[str, Any]) -> tuple[Any, Any]:
        first, length = features[self.columns[0].key], features[SEQUENCE_LENGTH]
        joined = keras.KerasTensor((first.shape[0], first.shape[1], self.width), self.compute_dtype)
        return joined, keras.KerasTensor(length.shape, length.dtype)


@keras.saving.register_keras_serializable("tfx_sequences")
class ContextFeatures(_FeatureLayer):
    """Joins context columns to one tensor `[B, D]`, columns in key order.

    >>> import numpy as np
    >>> from tfx_sequences.schemas.columns import NumericColumn
    >>> layer = ContextFeatures([NumericColumn(key="age"), NumericColumn(key="place", shape=(2,))])
    >>> print(layer({"age": np.array([3.0]), "place": np.array([[1.0, 2.0]])}).numpy())
    [[3. 1. 2.]]
    """

    _is_sequence = False

    def call(self, features: Mapping[str, Any]) -> Any:
        return self._joined(features)

    def compute_output_spec(self, features: Mapping[str, Any]) -> Any:
        first = features[self.columns[0].key]
        return keras.KerasTensor((first.shape[0], self.width), self.compute_dtype)


def length_mask(sequence_length: Any, steps: Any) -> Any:
    """Bool `[B, T]`, True for the first `sequence_length` steps of `steps` `[B, T, ...]`.

    >>> import numpy as np
    >>> print(length_mask(np.array([2, 0]), np.zeros((2, 3))).numpy())
    [[ True  True False]
     [False False False]]
    """
    first = steps
    while len(first.shape) > 2:
        first = first[..., 0]
    # A running count works where T is unknown while the model is built; arange(T) does not.
    position = ops.cumsum(ops.ones_like(first, dtype="int32"), axis=1)
    return position <= ops.cast(sequence_length, "int32")[:, None]


def _as_column(column: ModelColumn | dict[str, Any]) -> ModelColumn:
    if not isinstance(column, dict):
        return column
    column = {**column, **{k: tuple(v) for k, v in column.items() if isinstance(v, list)}}
    return _COLUMN_TYPES[column["type"]](**column)


def _layer_name(key: str) -> str:
    return "embedding_" + key.replace(".", "_").replace("/", "_")
