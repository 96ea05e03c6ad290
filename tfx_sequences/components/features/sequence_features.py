"""Keras 3 layers that turn named features into the input tensors of a recurrent network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import keras
import tensorflow as tf

from tfx_sequences.components.features.column_forms import feature_value
from tfx_sequences.components.features.embedding_tables import EmbeddingTables
from tfx_sequences.components.features.feature_layer import FeatureLayer
from tfx_sequences.components.features.feature_lengths import (
    kernel_mask,
    length_mask,
    lengths_of_forms,
    require_one_batch,
)
from tfx_sequences.components.features.resolved_columns import checked_columns, column_config
from tfx_sequences.components.features.runtime_checks import behind
from tfx_sequences.components.features.step_values import as_tensor
from tfx_sequences.errors import UserInputError, did_you_mean
from tfx_sequences.schemas.columns.column import Column, TextColumn
from tfx_sequences.schemas.columns.names import SEQUENCE_LENGTH

MASK_POLICIES = ("real_steps", "cudnn")


@keras.saving.register_keras_serializable("tfx_sequences")
class SequenceFeatures(FeatureLayer):
    """Concatenates sequence columns into one tensor, with a mask from their lengths.

    The Keras 3 successor of `tf.keras.experimental.SequenceFeatures`.

    Args:
        columns: Sequence columns. Their order does not matter: the output has them in
            the order of their `name`, like in `tf.keras.experimental`.
        context_columns: Context columns, whose vectors are repeated at each step after
            those of the sequence columns.
        tables: `EmbeddingTables` shared with other layers; None creates new ones.
        mask_policy: `real_steps`: the mask is True for real steps. `cudnn`: it is also True for the first
            step, a zero, of a row without steps, because the recurrent kernels of cuDNN reject a row that is
            masked completely. The lengths stay the real ones: pool with `length_mask(lengths, states)`, so that such
            a row gives zeros and no gradient.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        features: Dict of one value per column, by key (or by its name in our parse
            specs, `sequence.KEY`). Sparse or ragged: `[B, T]`, or `[B, T, V]` for several
            values per step; numbers with a `shape` also flat, `[B, T * size]`, or
            `[B, T, *shape]`. Dense and padded on the right: `[B, T]`, `[B, T, V]` or
            `[B, T, *shape]`. Text whose tokens are the steps is one string per row, `[B]`.
        sequence_length: int `[B]`, required for dense features; can also be in `features`,
            as `sequence_length`.
        training: Whether embeddings apply their `dropout`.

    Returns:
        `(sequence_input, sequence_length)`: `[B, T, D]` in the compute dtype, with
        a Keras mask `[B, T]` that is True for real steps (see `mask_policy`); and int64 `[B]`. `D` is the
        sum of the columns' widths, `T` the length of the longest row (the features' own `T` if
        they are sparse or dense), at least 1. Padded steps are zero.

    Raises:
        UserInputError: A column is not a sequence column, or the policy is unknown. For values: a feature is
            missing or has a wrong rank or dtype, ids are out of range, or columns have different
            lengths. In a graph, checks that need values raise `InvalidArgumentError`.

    Example: from records to the network's output.

    >>> import keras, tensorflow as tf
    >>> from tfx_sequences import (SequenceFeatures, embedding_column, make_parse_example_spec,
    ...     sequence_categorical_column_with_identity, sequence_numeric_column)
    >>> rating = sequence_numeric_column("rating")
    >>> watches = sequence_categorical_column_with_identity("watches", num_buckets=1000)
    >>> columns = [rating, embedding_column(watches, dimension=10)]
    >>> def record(ratings, watched):
    ...     return tf.train.Example(features=tf.train.Features(feature={
    ...         "rating": tf.train.Feature(float_list=tf.train.FloatList(value=ratings)),
    ...         "watches": tf.train.Feature(int64_list=tf.train.Int64List(value=watched)),
    ...     })).SerializeToString()
    >>> serialized = [record([1.0, 1.1], [2, 85]), record([2.0, 2.1, 2.2, 2.3, 2.5], [33, 78, 2, 73, 1])]
    >>> features = tf.io.parse_example(serialized, make_parse_example_spec(columns))
    >>> sequence_input, sequence_length = SequenceFeatures(columns)(features)
    >>> sequence_input.shape, sequence_length.numpy()
    (TensorShape([2, 5, 11]), array([2, 5]))
    >>> rnn_layer = keras.layers.RNN(keras.layers.SimpleRNNCell(32))
    >>> outputs = rnn_layer(sequence_input)  # uses the mask
    >>> outputs.shape
    TensorShape([2, 32])

    The same from `tf.train.SequenceExample` records:

    >>> from tfx_sequences import make_parse_sequence_example_spec
    >>> context_spec, sequence_spec = make_parse_sequence_example_spec(columns)
    >>> def sequence_record(ratings, watched):
    ...     lists = tf.train.FeatureLists()
    ...     for value in ratings:
    ...         lists.feature_list["rating"].feature.add().float_list.value.append(value)
    ...     for value in watched:
    ...         lists.feature_list["watches"].feature.add().int64_list.value.append(value)
    ...     return tf.train.SequenceExample(feature_lists=lists).SerializeToString()
    >>> serialized = [sequence_record([1.0, 1.1], [2, 85])]
    >>> _, features, _ = tf.io.parse_sequence_example(serialized, context_spec or None, sequence_spec)
    >>> layer = SequenceFeatures(columns)
    >>> sequence_input, sequence_length = layer(features)
    >>> print(sequence_input[0, :, 0].numpy(), sequence_length.numpy())
    [1.  1.1] [2]
    """

    _is_sequence = True

    def __init__(
        self,
        columns: Iterable[Column | dict[str, Any]] | Column,
        *,
        context_columns: Iterable[Column | dict[str, Any]] = (),
        tables: EmbeddingTables | dict[str, Any] | None = None,
        mask_policy: Literal["real_steps", "cudnn"] = "real_steps",
        **kwargs: Any,
    ) -> None:
        if mask_policy not in MASK_POLICIES:
            raise UserInputError(
                f"Unknown mask_policy of SequenceFeatures: {mask_policy!r}.{did_you_mean(mask_policy, MASK_POLICIES)}",
                expected=f"one of {', '.join(map(repr, MASK_POLICIES))}",
                received=repr(mask_policy),
            )
        self.mask_policy = mask_policy
        context_columns = list(context_columns)
        self._context_columns: list[Column] = (
            checked_columns(context_columns, "ContextFeatures", False) if context_columns else []
        )
        self.context: ContextFeatures | None = None
        super().__init__(columns, tables=tables, **kwargs)

    def _complete(self, tables: EmbeddingTables | None) -> None:
        super()._complete(tables)
        if self._context_columns:
            self.context = ContextFeatures(
                self._context_columns, tables=self.tables, dtype=self.dtype_policy, name="context"
            )
            self.supports_jit = self.supports_jit and self.context.supports_jit

    def _replace(self, completed: Mapping[int, Column]) -> None:
        super()._replace(completed)
        self._context_columns = [completed.get(id(column), column) for column in self._context_columns]

    def _embedded(self) -> list[Column]:
        return [*self.columns, *self._context_columns]

    @property
    def widths(self) -> tuple[int, ...]:
        """The depth of each column in the concatenated tensor, in its order."""
        return super().widths + (self.context.widths if self.context else ())

    def __call__(self, features: Any, sequence_length: Any = None, **kwargs: Any) -> tuple[Any, Any]:
        features = self._given(features)
        if sequence_length is not None:
            features[SEQUENCE_LENGTH] = as_tensor(sequence_length, SEQUENCE_LENGTH)
        joined, lengths = super().__call__(features, **kwargs)
        if getattr(joined, "_keras_mask", None) is None:  # symbolic: `call` did not run
            joined._keras_mask = self._mask(length_mask(lengths, joined))
        return joined, lengths

    def call(self, features: Mapping[str, Any], training: bool | None = None) -> tuple[Any, Any]:
        forms = self._forms(features)
        rows = {column.key: form.batch() for column, form in zip(self.columns, forms, strict=True)}
        given, context, context_width = features.get(SEQUENCE_LENGTH), None, 0
        if given is not None:
            rows[SEQUENCE_LENGTH] = tf.shape(given)[0]
        if self.context is not None:
            context, context_width = self.context(features, training=training), self.context.width
            rows[self.context.columns[0].key] = tf.shape(context)[0]
        with behind(require_one_batch(rows)):
            lengths, steps = lengths_of_forms(forms, given)
            mask = tf.sequence_mask(lengths, steps)
            dense = [v(form, steps, mask, training) for v, form in zip(self._vectors, forms, strict=True)]
            if context is not None:
                dense.append(tf.broadcast_to(context[:, None], tf.concat([tf.shape(mask), [context_width]], 0)))
            joined = dense[0] if len(dense) == 1 else tf.concat(dense, axis=-1)
        are_zero = (v.is_zero_at_padding(form) for v, form in zip(self._vectors, forms, strict=True))
        if self.context is not None or not all(are_zero):
            # Zero the embeddings of padding, so that layers without a mask do not see them.
            joined = tf.where(mask[:, :, None], joined, tf.zeros([], joined.dtype))
        joined._keras_mask = self._mask(mask)
        return joined, lengths

    def _mask(self, mask: Any) -> Any:
        return kernel_mask(mask) if self.mask_policy == "cudnn" else mask

    def compute_output_spec(self, features: Mapping[str, Any], training: Any = None) -> tuple[Any, Any]:
        given = [(c, feature_value(features, c.key, is_sequence=True)) for c in self.columns]
        known = [value.shape[1] for column, value in given if _is_dense(value) and not _is_split(column)]
        batch = given[0][1].shape[0]
        joined = keras.KerasTensor((batch, known[0] if known else None, self.width), self.compute_dtype)
        return joined, keras.KerasTensor((batch,), "int64")

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "context_columns": [column_config(c) for c in self._context_columns],
            "mask_policy": self.mask_policy,
        }


@keras.saving.register_keras_serializable("tfx_sequences")
class ContextFeatures(FeatureLayer):
    """Concatenates context columns into one tensor `[B, D]`, in the order of their `name`.

    The counterpart of `SequenceFeatures` for features of the whole record.

    Args:
        columns: Context columns.
        tables: `EmbeddingTables` shared with other layers; None creates new ones.
        **kwargs: Arguments of `keras.layers.Layer`.

    Call arguments:
        features: Dict of one value per column, by key: dense `[B]` or `[B, *shape]`;
            terms and ids also dense, ragged or sparse `[B, V]`, which are combined.
        training: Whether embeddings apply their `dropout`.

    Returns:
        `[B, D]` in the compute dtype.

    >>> import numpy as np
    >>> from tfx_sequences import ContextFeatures, numeric_column
    >>> layer = ContextFeatures([numeric_column("age"), numeric_column("place", shape=2)])
    >>> print(layer({"age": np.array([3.0]), "place": np.array([[1.0, 2.0]])}).numpy())
    [[3. 1. 2.]]
    """

    _is_sequence = False

    def __call__(self, features: Any, **kwargs: Any) -> Any:
        return super().__call__(self._given(features), **kwargs)

    def call(self, features: Mapping[str, Any], training: bool | None = None) -> Any:
        forms = self._forms(features)
        rows = {column.key: form.batch() for column, form in zip(self.columns, forms, strict=True)}
        with behind(require_one_batch(rows)):
            mask = tf.ones(tf.stack([forms[0].batch(), 1]), tf.bool)
            dense = [v(form, 1, mask, training)[:, 0] for v, form in zip(self._vectors, forms, strict=True)]
            return dense[0] if len(dense) == 1 else tf.concat(dense, axis=-1)

    def compute_output_spec(self, features: Mapping[str, Any], training: Any = None) -> Any:
        first = feature_value(features, self.columns[0].key, is_sequence=False)
        return keras.KerasTensor((first.shape[0], self.width), self.compute_dtype)


def _is_dense(value: Any) -> bool:
    return not (getattr(value, "sparse", False) or getattr(value, "ragged", False))


def _is_split(column: Column) -> bool:
    return isinstance(column, TextColumn) and column.source == "context"
