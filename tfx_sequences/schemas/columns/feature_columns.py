"""The functions that build columns, under the names of `tf.feature_column`.

What they return is a column of `tfx_sequences.schemas.columns.column`: frozen,
comparable, serialisable. Keyword names and defaults are those of
`tf.feature_column`, except that a `normalizer` is declared (`Scaling`, `"log1p"`)
where that takes a function, for a function cannot be written to a spec.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from tfx_sequences.errors import SpecError
from tfx_sequences.schemas.columns.base import declared
from tfx_sequences.schemas.columns.column import (
    BucketizedColumn,
    CategoricalColumn,
    IdColumn,
    NumericColumn,
    Scaling,
    TextColumn,
    Vocabulary,
)

_Id = TypeVar("_Id", bound=IdColumn)


def numeric_column(
    key: str,
    shape: int | Sequence[int] = (1,),
    default_value: float | None = None,
    dtype: Any = "float32",
    normalizer: str | Scaling | None = None,
) -> NumericColumn:
    """Numbers of the record. `[B, *shape]` of `dtype` to `[B, prod(shape)]` float32.

    Args:
        key: The feature's key.
        shape: Shape of the value.
        default_value: Stands in for a missing value; None: the feature is required.
        dtype: How the values are stored: `float32` or `int64` (or TensorFlow's dtype).
        normalizer: `Scaling(offset, scale)`, `"log1p"`, or None; in a pipeline also
            `"z_score"` and `"min_max"`, of the training split.

    >>> numeric_column("age", normalizer=Scaling(offset=40.0, scale=0.1)).size
    1
    """
    return _numeric(key, shape, default_value, dtype, normalizer, is_sequence=False)


def sequence_numeric_column(
    key: str,
    shape: int | Sequence[int] = (1,),
    default_value: float | None = 0.0,
    dtype: Any = "float32",
    normalizer: str | Scaling | None = None,
) -> NumericColumn:
    """Numbers of each step. `[B, T, *shape]` of `dtype` to `[B, T, prod(shape)]` float32.

    Args:
        key: The feature's key.
        shape: Shape of a step's value.
        default_value: Stands in for the values of a step that has none, or fewer
            than `shape` needs, before it is normalised; None: 0 after that.
        dtype: As for `numeric_column`.
        normalizer: As for `numeric_column`.

    >>> sequence_numeric_column("lpc", shape=12).is_sequence
    True
    """
    return _numeric(key, shape, default_value, dtype, normalizer, is_sequence=True)


def bucketized_column(source_column: NumericColumn, boundaries: Sequence[float]) -> BucketizedColumn:
    """The buckets that the numbers of a context column fall into.

    A one-hot vector per value, `[B, prod(shape) * (len(boundaries) + 1)]`, or the
    ids for `embedding_column`. A bucket has its lower boundary, not its upper one.

    >>> bucketized_column(numeric_column("age"), [18, 65]).num_ids
    3
    """
    return _bucketized(source_column, boundaries, is_sequence=False)


def sequence_bucketized_column(source_column: NumericColumn, boundaries: Sequence[float]) -> BucketizedColumn:
    """The buckets that the numbers of each step fall into; see `bucketized_column`.

    >>> sequence_bucketized_column(sequence_numeric_column("speed"), [30, 50]).is_sequence
    True
    """
    return _bucketized(source_column, boundaries, is_sequence=True)


def categorical_column_with_identity(
    key: str, num_buckets: int, default_value: int | None = None, *, multi_valued: bool = True
) -> CategoricalColumn:
    """Ids of the record, in `[0, num_buckets)`; others become `default_value`, or are an error."""
    return _categorical(key, False, multi_valued, dtype="int64", num_buckets=num_buckets, default_value=default_value)


def sequence_categorical_column_with_identity(
    key: str, num_buckets: int, default_value: int | None = None, *, multi_valued: bool = False
) -> CategoricalColumn:
    """Ids of each step, in `[0, num_buckets)`; others become `default_value`, or are an error.

    >>> from tfx_sequences import embedding_column
    >>> watches = sequence_categorical_column_with_identity("watches", num_buckets=1000)
    >>> embedding_column(watches, dimension=10).width(1000)
    10
    """
    return _categorical(key, True, multi_valued, dtype="int64", num_buckets=num_buckets, default_value=default_value)


def categorical_column_with_vocabulary_list(
    key: str,
    vocabulary_list: Sequence[str] | Sequence[int],
    dtype: Any = None,
    default_value: int | None = -1,
    num_oov_buckets: int = 0,
    *,
    multi_valued: bool = True,
) -> CategoricalColumn:
    """Terms of the record, whose ids are their places in a list; see the sequence twin."""
    return _listed(key, False, multi_valued, vocabulary_list, dtype, default_value, num_oov_buckets)


def sequence_categorical_column_with_vocabulary_list(
    key: str,
    vocabulary_list: Sequence[str] | Sequence[int],
    dtype: Any = None,
    default_value: int | None = -1,
    num_oov_buckets: int = 0,
    *,
    multi_valued: bool = False,
) -> CategoricalColumn:
    """Terms of each step, whose ids are their places in a list.

    Args:
        key: The feature's key.
        vocabulary_list: The terms.
        dtype: `string` or `int64`; None: as the terms are.
        default_value: Id of unknown terms; -1 gives them none, a vector of zeros;
            None makes them an error.
        num_oov_buckets: Ids behind the list for unknown terms, by their hash,
            instead of `default_value`.
        multi_valued: A step has any number of terms.

    >>> from tfx_sequences import indicator_column
    >>> colors = sequence_categorical_column_with_vocabulary_list("colors", ("R", "G", "B"), num_oov_buckets=2)
    >>> indicator_column(colors).name
    'colors_indicator'
    """
    return _listed(key, True, multi_valued, vocabulary_list, dtype, default_value, num_oov_buckets)


def categorical_column_with_vocabulary_file(
    key: str,
    vocabulary_file: str,
    vocabulary_size: int | None = None,
    dtype: Any = "string",
    default_value: int | None = None,
    num_oov_buckets: int = 0,
    *,
    multi_valued: bool = True,
) -> CategoricalColumn:
    """Terms of the record, whose ids are their lines in a file; see the sequence twin."""
    return _filed(key, False, multi_valued, vocabulary_file, vocabulary_size, num_oov_buckets, default_value, dtype)


def sequence_categorical_column_with_vocabulary_file(
    key: str,
    vocabulary_file: str,
    vocabulary_size: int | None = None,
    num_oov_buckets: int = 0,
    default_value: int | None = None,
    dtype: Any = "string",
    *,
    multi_valued: bool = False,
) -> CategoricalColumn:
    """Terms of each step, whose ids are their lines in a file.

    Args:
        key: The feature's key.
        vocabulary_file: Text, one term per line.
        vocabulary_size: Use only so many lines from the top.
        num_oov_buckets: Ids behind the file's for unknown terms, by their hash.
        default_value: Id of unknown terms, where there are no such buckets; None
            means -1, no id, as in `tf.feature_column`.
        dtype: `string` or `int64`.
        multi_valued: A step has any number of terms.
    """
    return _filed(key, True, multi_valued, vocabulary_file, vocabulary_size, num_oov_buckets, default_value, dtype)


def categorical_column_with_hash_bucket(
    key: str, hash_bucket_size: int, dtype: Any = "string", *, multi_valued: bool = True
) -> CategoricalColumn:
    """Terms of the record, whose ids are their hashes."""
    return _categorical(key, False, multi_valued, dtype=_dtype(dtype, key), hash_bucket_size=hash_bucket_size)


def sequence_categorical_column_with_hash_bucket(
    key: str, hash_bucket_size: int, dtype: Any = "string", *, multi_valued: bool = False
) -> CategoricalColumn:
    """Terms of each step, whose ids are their hashes."""
    return _categorical(key, True, multi_valued, dtype=_dtype(dtype, key), hash_bucket_size=hash_bucket_size)


def categorical_column_with_vocabulary(
    key: str,
    top_k: int | None = None,
    frequency_threshold: int | None = None,
    num_oov_buckets: int = 1,
    dtype: Any = "string",
    *,
    multi_valued: bool = False,
) -> CategoricalColumn:
    """Terms of the record; the pipeline computes their vocabulary over the training split."""
    vocabulary = Vocabulary(top_k=top_k, frequency_threshold=frequency_threshold)
    return _categorical(
        key, False, multi_valued, dtype=_dtype(dtype, key), vocabulary=vocabulary, num_oov_buckets=num_oov_buckets
    )


def sequence_categorical_column_with_vocabulary(
    key: str,
    top_k: int | None = None,
    frequency_threshold: int | None = None,
    num_oov_buckets: int = 1,
    dtype: Any = "string",
    *,
    multi_valued: bool = False,
) -> CategoricalColumn:
    """Terms of each step; the pipeline computes their vocabulary over the training split.

    >>> sequence_categorical_column_with_vocabulary("token", top_k=20_000).vocabulary
    Vocabulary(top_k=20000, frequency_threshold=None)
    """
    vocabulary = Vocabulary(top_k=top_k, frequency_threshold=frequency_threshold)
    return _categorical(
        key, True, multi_valued, dtype=_dtype(dtype, key), vocabulary=vocabulary, num_oov_buckets=num_oov_buckets
    )


def text_column(key: str, split: str = "whitespace", pattern: str | None = None, **options: Any) -> TextColumn:
    """The tokens of the record's string, combined to one vector; options are the fields of `TextColumn`."""
    return declared(TextColumn, key=key, split=split, pattern=pattern, is_sequence=False, **options)


def sequence_text_column(key: str, split: str = "whitespace", pattern: str | None = None, **options: Any) -> TextColumn:
    """The tokens of the record's string as steps; options are the fields of `TextColumn`.

    >>> sequence_text_column("word", split="characters", vocabulary_list=("a", "b")).num_oov_buckets
    1
    """
    return declared(TextColumn, key=key, split=split, pattern=pattern, is_sequence=True, **options)


def _numeric(
    key: str, shape: Any, default_value: Any, dtype: Any, normalizer: Any, *, is_sequence: bool
) -> NumericColumn:
    return declared(
        NumericColumn,
        key=key,
        is_sequence=is_sequence,
        shape=(shape,) if isinstance(shape, int) else tuple(shape),
        default_value=_number(default_value, key),
        dtype=_dtype(dtype, key),
        normalizer="none" if normalizer is None else normalizer,
    )


def _number(default_value: Any, key: str) -> float | None:
    try:
        return None if default_value is None else float(default_value)
    except (TypeError, ValueError) as error:
        raise SpecError(
            f"Column '{key}' has a default_value that is no number.",
            expected="one number, for each element of the shape, or None",
            received=f"{default_value!r}",
        ) from error


def _bucketized(source: Any, boundaries: Sequence[float], *, is_sequence: bool) -> BucketizedColumn:
    if not isinstance(source, NumericColumn) or source.normalizer != "none" or source.is_sequence != is_sequence:
        kind = "sequence_numeric_column" if is_sequence else "numeric_column"
        raise SpecError(
            "Only plain numbers can be put in buckets.",
            expected=f"a {kind} without normalizer: the boundaries are in the record's own units",
            received=f"{source!r}",
        )
    return declared(
        BucketizedColumn,
        key=source.key,
        is_sequence=is_sequence,
        shape=source.shape,
        dtype=source.dtype,
        default_value=source.default_value,
        boundaries=tuple(float(b) for b in boundaries),
    )


def _categorical(key: str, is_sequence: bool, multi_valued: bool, **fields: Any) -> CategoricalColumn:
    return declared(CategoricalColumn, key=key, is_sequence=is_sequence, multi_valued=multi_valued, **fields)


def _listed(
    key: str, is_sequence: bool, multi_valued: bool, terms: Any, dtype: Any, default_value: Any, oov: int
) -> CategoricalColumn:
    terms = tuple(t.decode() if isinstance(t, bytes) else t if isinstance(t, str) else int(t) for t in terms)
    if dtype is None:
        dtype = "int64" if terms and isinstance(terms[0], int) else "string"
    return _categorical(
        key,
        is_sequence,
        multi_valued,
        dtype=_dtype(dtype, key),
        vocabulary_list=terms,
        **_unknown(key, default_value, oov),
    )


def _filed(
    key: str, is_sequence: bool, multi_valued: bool, file: Any, size: int | None, oov: int, default: Any, dtype: Any
) -> CategoricalColumn:
    return _categorical(
        key,
        is_sequence,
        multi_valued,
        dtype=_dtype(dtype, key),
        vocabulary_file=str(file),
        vocabulary_size=size,
        **_unknown(key, -1 if default is None else default, oov),
    )


def _unknown(key: str, default_value: int | None, num_oov_buckets: int) -> dict[str, Any]:
    if num_oov_buckets and default_value not in (None, -1):
        raise SpecError(
            f"Column '{key}' gives unknown terms two ids.",
            expected="default_value or num_oov_buckets",
            received=f"default_value={default_value}, num_oov_buckets={num_oov_buckets}",
            fix="Leave one of them out.",
        )
    return {"num_oov_buckets": num_oov_buckets, "default_value": None if num_oov_buckets else default_value}


def _dtype(dtype: Any, key: str) -> str:
    name = dtype if isinstance(dtype, str) else getattr(dtype, "name", None) or getattr(dtype, "__name__", str(dtype))
    stored = {"int32": "int64", "float64": "float32"}.get(str(name), str(name))
    if stored not in ("string", "int64", "float32"):
        raise SpecError(
            f"Column '{key}' has a dtype that records do not store.",
            expected="string, int64 or float32",
            received=str(dtype),
        )
    return stored
