"""Turns the values of one column into vectors, `[B, T, D]`."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfx_sequences.components.features.column_forms import are_split_later, column_form
from tfx_sequences.components.features.column_ids import ColumnIds
from tfx_sequences.components.features.crossed_ids import crossed_in_cells
from tfx_sequences.components.features.embedding_tables import EmbeddingTables
from tfx_sequences.components.features.runtime_checks import after
from tfx_sequences.components.features.step_values import Dense, Ragged, Sparse
from tfx_sequences.components.features.weighted_vectors import (
    combine_flat,
    combine_grid,
    weights_of_flat,
    weights_of_grid,
)
from tfx_sequences.components.numbers.record_normalizers import normalize_records
from tfx_sequences.components.numbers.reduction import reduced
from tfx_sequences.components.numbers.split_normalizers import signed_log1p
from tfx_sequences.schemas.columns.column import (
    BucketizedColumn,
    CategoricalColumn,
    CrossedColumn,
    Embedding,
    IdColumn,
    NumericColumn,
    Scaling,
)
from tfx_sequences.schemas.columns.names import NO_ID
from tfx_sequences.schemas.columns.numeric_columns import RECORD_NORMALIZERS
from tfx_sequences.schemas.columns.vocabularies import num_ids

_SEGMENTS = {"mean": tf.sparse.segment_mean, "sum": tf.sparse.segment_sum, "sqrtn": tf.sparse.segment_sqrt_n}


class ColumnVectors(tf.Module):
    """One column in a layer.

    Args:
        column: The column; it must be complete, without files or training data.
        tables: The tables, which contain the column's embedding table if it has one.
        policy: The layer's dtype policy.
    """

    def __init__(self, column: Any, tables: EmbeddingTables, policy: Any) -> None:
        super().__init__()
        self.column = column
        self._tables = tables
        self._dtype = tf.as_dtype(policy.compute_dtype)
        # Numbers are normalized in full precision, whatever the network's precision.
        self._full = tf.as_dtype(policy.variable_dtype)
        has_own_ids = isinstance(column, IdColumn) and not isinstance(column, CrossedColumn)
        self._ids = ColumnIds(column) if has_own_ids else None
        self._num_ids, self._table = 0, ""
        self._seed = None
        if isinstance(column, IdColumn):
            self._table = "" if column.is_indicator else tables.table_of(column)
            self._num_ids = num_ids(column) if column.is_indicator else tables.num_ids_of(self._table)
            if column.embedding and column.embedding.dropout:
                self._seed = keras.random.SeedGenerator()

    @property
    def width(self) -> int:
        """Depth `D` of this column."""
        if not isinstance(self.column, IdColumn):
            return self.column.size
        return self._num_ids if self.column.is_indicator else self._tables.width_of(self._table)

    @property
    def supports_jit(self) -> bool:
        """Whether XLA can compile it for dense features: without strings and lookups."""
        column = self.column
        if isinstance(column, NumericColumn):
            # Causal medians and ranges are computed step by step, in a loop.
            return column.encoding is None and not (column.causal and column.normalizer in RECORD_NORMALIZERS)
        return isinstance(column, CategoricalColumn) and column.num_buckets is not None

    def form(self, value: Any, *others: Any) -> Dense | Ragged | Sparse:
        """The feature's value, and those of the column's `further_features`; see `column_form`."""
        return column_form(self.column, self._ids, value, *others)

    def is_zero_at_padding(self, form: Any) -> bool:
        """Whether the vectors are zero after a row's last step, whatever the feature contains."""
        if isinstance(form, Dense):
            return False
        column = self.column
        if not isinstance(column, NumericColumn | BucketizedColumn):
            return True
        if column.default_value is None or getattr(column, "normalizer", None) in RECORD_NORMALIZERS:
            return True
        if isinstance(column, BucketizedColumn) or column.default_value != 0:
            return False
        return not (isinstance(column.normalizer, Scaling) and np.any(column.normalizer.offset))

    def __call__(self, form: Any, steps: Any, mask: tf.Tensor, training: bool | None) -> tf.Tensor:
        """Vectors `[B, T, D]` in the compute dtype; zero at steps without a value or id.

        Args:
            form: See `form`.
            steps: `T`.
            mask: bool `[B, T]`, real steps; values of dense features at other steps are ignored.
            training: Whether to apply dropout.
        """
        column = self.column
        if isinstance(column, NumericColumn):
            numbers = self._numbers(form, steps, mask)
            if column.clip is not None:
                numbers = tf.clip_by_value(numbers, -column.clip, column.clip)
            return tf.cast(numbers, self._dtype)
        ids = self._dense_ids(form, steps, mask)
        if ids is None:
            vectors = self._of_flat(*self._flat(form, steps), mask)
        elif not form.others:
            vectors = self._of_dense(ids)
        else:
            vectors = self._of_weighted(ids, form.others[0], steps, mask)
        vectors = tf.cast(vectors, self._dtype)
        if training and self._seed is not None:
            vectors = keras.random.dropout(vectors, column.embedding.dropout, seed=self._seed)
        return vectors

    def _numbers(self, form: Any, steps: Any, mask: tf.Tensor) -> tf.Tensor:
        column = self.column
        default = column.default_value
        if column.normalizer in RECORD_NORMALIZERS:
            # From the record's own dtype, because float32 cannot represent large integers exactly.
            numbers = tf.cast(form.dense(steps, default or 0.0), tf.float64)
            present = form.present(steps) if default is None else None
            counts = tf.broadcast_to(mask[:, :, None], tf.shape(numbers))
            counts = counts if present is None else counts & present
            found = normalize_records(numbers, counts, column.normalizer, causal=bool(column.causal))
            return tf.cast(found.values, self._full)
        scaling = column.normalizer
        if isinstance(scaling, Scaling):
            # From the record's own dtype too, for what is left is small.
            numbers = form.dense(steps, default or 0.0)
            flat = tf.reshape(numbers, [-1, column.size])
            scaled = tf.reshape(reduced(flat, tf.ones_like(flat, tf.bool), None, scaling)[0], tf.shape(numbers))
            present = form.present(steps) if default is None and np.any(scaling.offset) else None
            scaled = scaled if present is None else tf.where(present, scaled, tf.zeros([], scaled.dtype))
            return tf.cast(tf.ensure_shape(scaled, numbers.shape), self._full)
        numbers = tf.cast(form.dense(steps, default or 0.0), self._full)
        return signed_log1p(numbers) if scaling == "log1p" else numbers

    def _dense_ids(self, form: Any, steps: Any, mask: tf.Tensor) -> tf.Tensor | None:
        """Ids `[B, T]` or `[B, T, V]` if the values form a grid, with -1 for missing values; otherwise None."""
        column, ids = self.column, self._ids
        if isinstance(column, CrossedColumn):
            return None
        if isinstance(column, BucketizedColumn):
            default = column.default_value
            present = form.present(steps) if default is None else None
            numbers = form.dense(steps, default or 0.0)
            if numbers.dtype.is_floating:
                # A model with mixed precision passes them in half precision, for which there is no bucketize kernel.
                numbers = tf.cast(numbers, self._full)
            return ids.buckets(numbers, present)  # type: ignore[union-attr]
        if not isinstance(form, Dense):
            # For a grid of ids, one-hot vectors are cheaper than counts from a flat list; embeddings are not.
            is_grid = column.is_indicator and form.has_one_value_per_step and not are_split_later(column)
            return self._grid(form, steps) if is_grid and not form.others else None
        if are_split_later(column):
            return None
        values = form.ids(steps)
        real = mask if values.shape.rank == 2 else mask[:, :, None]
        found = ids(values)  # type: ignore[misc]
        found = tf.where(real, found, tf.zeros([], found.dtype))
        found = self._checked(found, values, lambda: tf.where(tf.ones_like(found, tf.bool))[:, 0])
        return found

    def _grid(self, form: Any, steps: Any) -> tf.Tensor:
        values, cells = form.flat(steps)
        found = self._ids(values)  # type: ignore[misc]
        found = self._checked(found, values, lambda: cells // tf.cast(steps, tf.int64))
        return form.grid(found, steps, NO_ID)

    def _flat(self, form: Any, steps: Any) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor | None]:
        """The present ids `[N]`, their cells in the grid, and their weights, if they have some."""
        column, ids = self.column, self._ids
        if isinstance(column, CrossedColumn):
            return *crossed_in_cells((form, *form.others), steps, column), None
        if isinstance(form, Dense):
            values = tf.reshape(form.ids(steps), [-1])
            cells = tf.range(tf.shape(values, tf.int64)[0])
        else:
            values, cells = form.flat(steps)
        if are_split_later(column):
            tokens = ids.tokens(values)  # type: ignore[union-attr]
            values, cells = tokens.values, tf.gather(cells, tokens.value_rowids())
        weights = weights_of_flat(form.others[0], steps, cells, self._full) if form.others else None
        found = ids(values)  # type: ignore[misc]
        found = self._checked(found, values, lambda: cells // tf.cast(steps, tf.int64))
        if ids.may_miss:  # type: ignore[union-attr]
            is_there = found >= 0
            found, cells = tf.boolean_mask(found, is_there), tf.boolean_mask(cells, is_there)
            weights = None if weights is None else tf.boolean_mask(weights, is_there)
        return found, cells, weights

    def _checked(self, found: tf.Tensor, values: tf.Tensor, rows: Any) -> tf.Tensor:
        flat = tf.reshape(found, [-1])
        check = self._ids.check(flat, tf.reshape(values, [-1]), rows, self._num_ids)  # type: ignore[union-attr]
        return after(check, found)

    def _of_dense(self, ids: tf.Tensor) -> tf.Tensor:
        column = self.column
        several = ids.shape.rank == 3
        if column.is_indicator:
            one_hot = tf.one_hot(ids, self._num_ids, dtype=self._full)
            return tf.reduce_sum(one_hot, axis=2) if several else one_hot
        may_miss = self._ids.may_miss  # type: ignore[union-attr]
        vectors = self._looked_up(tf.maximum(ids, 0) if may_miss else ids)
        is_there = tf.cast(ids >= 0, vectors.dtype)[..., None] if may_miss else None
        if is_there is not None:
            vectors *= is_there
        if not several:
            return vectors
        total = tf.reduce_sum(vectors, axis=2)
        if column.combiner == "sum":
            return total
        counted = tf.cast(tf.shape(ids)[2], vectors.dtype) if is_there is None else tf.reduce_sum(is_there, axis=2)
        count = tf.maximum(counted, 1)
        return total / (count if column.combiner == "mean" else tf.sqrt(count))

    def _of_weighted(self, ids: tf.Tensor, form: Any, steps: Any, mask: tf.Tensor) -> tf.Tensor:
        ids = ids if ids.shape.rank == 3 else ids[:, :, None]
        weights = weights_of_grid(form, steps, mask[:, :, None] & (ids >= 0), self._full)
        if self.column.is_indicator:
            return tf.reduce_sum(tf.one_hot(ids, self._num_ids, dtype=self._full) * weights[..., None], axis=2)
        return combine_grid(self._looked_up(tf.maximum(ids, 0)), weights, self.column.combiner)

    def _of_flat(self, ids: tf.Tensor, cells: tf.Tensor, weights: tf.Tensor | None, mask: tf.Tensor) -> tf.Tensor:
        column = self.column
        rows, steps = tf.unstack(tf.shape(mask), 2)
        shape = tf.stack([rows, steps, self.width])
        if column.is_indicator:
            at = tf.stack([cells, ids], axis=1)
            each = tf.ones_like(ids, self._full) if weights is None else weights
            counts = tf.scatter_nd(at, each, tf.cast([rows * steps, self.width], tf.int64))
            return tf.reshape(counts, shape)
        # Gather first, because the gradient of a segment op with its own lookup is several times slower.
        vectors = self._looked_up(ids)
        if weights is not None:
            return tf.reshape(combine_flat(vectors, weights, cells, rows * steps, column.combiner), shape)
        combined = _SEGMENTS[column.combiner](vectors, tf.range(tf.shape(ids)[0]), cells, num_segments=rows * steps)
        return tf.reshape(combined, shape)

    def _looked_up(self, ids: tf.Tensor) -> tf.Tensor:
        vectors = tf.gather(self._tables.weights_of(self._table).value, ids)
        max_norm = (self.column.embedding or Embedding()).max_norm
        return vectors if max_norm is None else tf.clip_by_norm(vectors, max_norm, axes=[-1])
