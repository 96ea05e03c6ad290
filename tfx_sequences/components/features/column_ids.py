"""Turns the values of a column into ids: lookup, hash, buckets, tokens.

The transform graph and the feature layers both use it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from tfx_sequences.components.features.runtime_checks import require
from tfx_sequences.components.features.tokens import split_tokens
from tfx_sequences.errors import UserInputError
from tfx_sequences.schemas.columns.column import BucketizedColumn, CategoricalColumn, IdColumn, TermColumn, TextColumn
from tfx_sequences.schemas.columns.names import MISSING_INT, NO_ID
from tfx_sequences.schemas.columns.vocabularies import known_terms


class ColumnIds(tf.Module):
    """Turns one column's values into ids; holds its lookup table.

    Args:
        column: The column. If its vocabulary is computed, only `terms` and `check` work:
            TFT then does the lookup.
    """

    def __init__(self, column: IdColumn) -> None:
        super().__init__()
        self.column = column
        terms = None if isinstance(column, BucketizedColumn) else known_terms(_of_terms(column))
        self.table = None if terms is None else _lookup_table(terms, _of_terms(column))

    @property
    def may_miss(self) -> bool:
        """Whether a value may have no id (-1): such a value gives zeros, and combiners ignore it."""
        column = self.column
        return isinstance(column, BucketizedColumn) or _of_terms(column).default_value == NO_ID

    def __call__(self, values: tf.Tensor) -> tf.Tensor:
        """Ids int64 of the shape of `values`; -1 for a value without an id.

        Ids out of range are returned unchanged if they are an error; `check` reports them.
        """
        column = _of_terms(self.column)
        if isinstance(column, CategoricalColumn) and column.num_buckets is not None:
            ids = tf.cast(values, tf.int64)
            if column.default_value is None:
                return ids
            in_range = (ids >= 0) & (ids < column.num_buckets)
            return tf.where(in_range, ids, tf.constant(column.default_value, tf.int64))
        if isinstance(column, TextColumn) and column.are_bytes_ids:
            return tf.cast(tf.io.decode_raw(values, tf.uint8)[..., 0], tf.int64)
        terms = self.terms(values)
        if column.hash_bucket_size is not None:
            return tf.strings.to_hash_bucket_fast(terms, column.hash_bucket_size)
        return self.table.lookup(terms)  # type: ignore[union-attr]

    def terms(self, values: tf.Tensor) -> tf.Tensor:
        """The values as vocabulary terms: strings, in lower case if declared, empty for missing values."""
        column = self.column
        if values.dtype != tf.string:
            values = tf.where(values == MISSING_INT, "", tf.strings.as_string(values))
        if isinstance(column, CategoricalColumn) and column.lowercase:
            values = tf.strings.lower(values, encoding="utf-8")
        return values

    def check(self, ids: tf.Tensor, values: tf.Tensor, rows: Any, num_ids: int | None = None) -> tf.Operation | None:
        """Rejects values without an id, if the column does not have an id for them.

        Args:
            ids: `[N]`.
            values: The values of the ids, `[N]`.
            rows: A function that returns the row of each value, `[N]`.
            num_ids: Number of ids; None if a vocabulary is not computed yet.

        Returns:
            In a graph, the check op, if there is one.
        """
        column = self.column
        if isinstance(column, BucketizedColumn) or not _of_terms(column).refuses_unknown:
            return None
        is_identity = isinstance(column, CategoricalColumn) and column.num_buckets is not None
        right = ids >= 0 if num_ids is None else (ids >= 0) & (ids < num_ids)

        def received() -> list[tuple[str, tf.Tensor]]:
            wrong = tf.logical_not(right)
            return [("values", tf.boolean_mask(values, wrong)), ("in rows", tf.boolean_mask(rows(), wrong))]

        return require(
            tf.reduce_all(right),
            f"Feature '{column.key}' has " + ("ids that are out of range." if is_identity else "unknown terms."),
            expected=f"ids in [0, {num_ids})" if is_identity else "terms of its vocabulary",
            received=received,
            fix="Set default_value" + ("" if is_identity else " or num_oov_buckets") + " to allow others.",
        )

    def tokens(self, values: tf.Tensor) -> tf.RaggedTensor:
        """Tokens `[N, tokens]` of strings `[N]`, for a text column."""
        column = self.column
        if not isinstance(column, TextColumn):
            raise TypeError(f"not a text column: {column!r}")
        return split_tokens(values, column).with_row_splits_dtype(tf.int64)

    def buckets(self, numbers: tf.Tensor, present: tf.Tensor | None) -> tf.Tensor:
        """Ids `[B, T, size]` of the buckets of numbers `[B, T, size]`; -1 for missing numbers."""
        column = self.column
        if not isinstance(column, BucketizedColumn) or column.boundaries is None:
            raise TypeError(f"not a bucketized column with boundaries: {column!r}")
        # `tf.searchsorted` would do the same, but fails without numbers.
        ids = tf.cast(tf.raw_ops.Bucketize(input=numbers, boundaries=list(column.boundaries)), tf.int64)
        if column.size > 1:
            ids += tf.constant(np.arange(column.size) * column.buckets, tf.int64)
        return ids if present is None else tf.where(present, ids, tf.constant(NO_ID, tf.int64))


def check_dtype(column: Any, dtype: tf.DType) -> None:
    """Raises `UserInputError` for strings in place of numbers, numbers in place of strings, or fractions as ids."""
    if isinstance(column, TextColumn | CategoricalColumn):
        stored = column.term_dtype
        right = dtype == tf.string if stored == "string" else dtype.is_integer
    elif getattr(column, "encoding", None) is not None:
        stored, right = "string", dtype == tf.string
    else:
        stored = column.dtype
        right = dtype.is_integer or dtype.is_floating
    if not right:
        raise UserInputError(
            f"Feature '{column.key}' has a wrong dtype.",
            expected="integers (ids)" if stored == "int64" and hasattr(column, "vocabulary") else _words(stored),
            received=dtype.name,
            fix=f"Convert the feature, or declare the column with the dtype its values have ({dtype.name}).",
        )


def _words(stored: str) -> str:
    return "strings" if stored == "string" else "numbers"


def _of_terms(column: IdColumn) -> TermColumn:
    if not isinstance(column, TermColumn):
        raise TypeError(f"not a column of terms: {column!r}")
    return column


def _lookup_table(terms: list[str], column: TermColumn) -> Any:
    with tf.init_scope():
        initializer = tf.lookup.KeyValueTensorInitializer(terms, tf.range(len(terms), dtype=tf.int64))
        if column.oov_buckets:
            return tf.lookup.StaticVocabularyTable(initializer, column.oov_buckets)
        fallback = NO_ID if column.default_value is None else column.default_value
        return tf.lookup.StaticHashTable(initializer, default_value=fallback)
