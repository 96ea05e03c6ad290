"""Functions that turn the ids of a column into vectors, with the names of `tf.feature_column`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from tfx_sequences.errors import SpecError
from tfx_sequences.schemas.columns.base import declared
from tfx_sequences.schemas.columns.column import BucketizedColumn, CategoricalColumn, Embedding, IdColumn
from tfx_sequences.schemas.columns.column_arguments import stored_dtype
from tfx_sequences.schemas.columns.shared_tables import columns_by_table

_Id = TypeVar("_Id", bound=IdColumn)


def embedding_column(
    categorical_column: _Id,
    dimension: int,
    combiner: str = "mean",
    initializer: str | None = None,
    max_norm: float | None = None,
    trainable: bool = True,
    *,
    vectors_file: str | None = None,
    vectors_terms_file: str | None = None,
) -> _Id:
    """The column with a learned (or pretrained) vector per id.

    Args:
        categorical_column: A column of terms, ids, tokens or buckets.
        dimension: `D`, length of the vector.
        combiner: `mean`, `sum` or `sqrtn`, for several ids.
        initializer: Name of a Keras initializer; None for a truncated normal distribution with standard deviation
            `1 / sqrt(dimension)`, as in `tf.feature_column`.
        max_norm: Vectors with a greater L2 norm are scaled down to this norm when they are looked up.
        trainable: False freezes the table.
        vectors_file: Pretrained vectors; see `Embedding`.
        vectors_terms_file: The terms of its rows; see `Embedding`.

    Raises:
        SpecError: The column has no ids, or an option is wrong.
    """
    embedding = declared(
        Embedding,
        dimension=dimension,
        combiner=combiner,
        initializer=initializer or "feature_column",
        max_norm=max_norm,
        trainable=trainable,
        vectors_file=vectors_file,
        vectors_terms_file=vectors_terms_file,
    )
    return _embedded(_of_ids(categorical_column, "embedding_column"), embedding)


def shared_embedding_columns(
    categorical_columns: Iterable[_Id],
    dimension: int,
    combiner: str = "mean",
    initializer: str | None = None,
    shared_embedding_collection_name: str | None = None,
    max_norm: float | None = None,
    trainable: bool = True,
    *,
    vectors_file: str | None = None,
    vectors_terms_file: str | None = None,
) -> list[_Id]:
    """The columns with one shared embedding table; see `embedding_column`.

    Sequence and context columns may share a table.

    Raises:
        SpecError: The columns' ids have different meanings.

    >>> from tfx_sequences import categorical_column_with_identity, sequence_categorical_column_with_identity
    >>> seen = sequence_categorical_column_with_identity("seen", num_buckets=9)
    >>> target = categorical_column_with_identity("target", num_buckets=9)
    >>> [c.table for c in shared_embedding_columns([seen, target], dimension=4)]
    ['seen_target_shared_embedding', 'seen_target_shared_embedding']
    """
    columns = [_of_ids(c, "shared_embedding_columns") for c in categorical_columns]
    keys = "_".join(sorted(column.key for column in columns))
    embedding = declared(
        Embedding,
        dimension=dimension,
        combiner=combiner,
        initializer=initializer or "feature_column",
        max_norm=max_norm,
        trainable=trainable,
        table=shared_embedding_collection_name or f"{keys}_shared_embedding",
        vectors_file=vectors_file,
        vectors_terms_file=vectors_terms_file,
    )
    shared = [_embedded(column, embedding) for column in columns]
    columns_by_table(shared)
    return shared


def indicator_column(categorical_column: _Id) -> _Id:
    """The column with a one-hot vector per step or record (counts, for several ids)."""
    column = _of_ids(categorical_column, "indicator_column")
    if isinstance(column, BucketizedColumn):
        return _changed(column, embedding=None)
    return _changed(column, embedding=None, indicator=True)


def weighted_categorical_column(
    categorical_column: CategoricalColumn, weight_feature_key: str, dtype: Any = "float32"
) -> CategoricalColumn:
    """The column with a weight for each value, for `embedding_column` and `indicator_column`.

    Args:
        categorical_column: A `categorical_column_with_*` or its sequence counterpart (then with several values).
        weight_feature_key: Key of the feature with the weights: one weight for each value of a record (or step).
        dtype: Stored dtype of the weights: `float32` or `int64` (or TensorFlow's dtype).

    Raises:
        SpecError: The column does not have terms or ids.

    >>> from tfx_sequences import categorical_column_with_identity
    >>> weighted = weighted_categorical_column(categorical_column_with_identity("genre", 9), "share")
    >>> embedding_column(weighted, dimension=4).name
    'genre_weighted_by_share_embedding'
    """
    column = _of_ids(categorical_column, "weighted_categorical_column")
    if not isinstance(column, CategoricalColumn):
        raise SpecError(
            "weighted_categorical_column was given a column without terms to weight.",
            expected="a categorical_column_with_* (or its sequence counterpart)",
            received=f"{column!r}",
        )
    stored = stored_dtype(dtype, weight_feature_key)
    return _changed(column, multi_valued=True, weighted_by=weight_feature_key, weight_dtype=stored)


def _of_ids(column: Any, function: str) -> Any:
    if not isinstance(column, IdColumn):
        raise SpecError(
            f"{function} was given a column without ids.",
            expected="a categorical_column_with_*, bucketized_column or text_column (or its sequence counterpart)",
            received=f"{column!r}",
            fix="Convert numbers to buckets first, with bucketized_column.",
        )
    return column


def _embedded(column: Any, embedding: Embedding) -> Any:
    one_hot = {"indicator": False} if hasattr(column, "indicator") else {}
    return _changed(column, embedding=embedding, **one_hot)


def _changed(column: Any, **changes: Any) -> Any:
    fields = {name: getattr(column, name) for name in type(column).model_fields if name != "type"}
    return declared(type(column), **{**fields, **changes})
