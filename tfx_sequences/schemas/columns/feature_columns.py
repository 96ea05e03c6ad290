"""Functions that create columns, with the names of `tf.feature_column`.

They return a column of `tfx_sequences.schemas.columns.column`: frozen,
comparable and serializable. Keyword names and defaults are those of
`tf.feature_column`, except that a `normalizer` is a declaration (`Scaling`, `"log1p"`)
instead of a function, because a function cannot be written to a spec.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tfx_sequences.schemas.columns.base import declared
from tfx_sequences.schemas.columns.byte_numbers import Dequantize
from tfx_sequences.schemas.columns.column import (
    BucketizedColumn,
    CategoricalColumn,
    NumericColumn,
    Scaling,
    TextColumn,
    Vocabulary,
)
from tfx_sequences.schemas.columns.column_arguments import (
    make_bucketized,
    make_categorical,
    make_filed,
    make_listed,
    make_numeric,
    stored_dtype,
)


def numeric_column(
    key: str,
    shape: int | Sequence[int] = (1,),
    default_value: float | None = None,
    dtype: Any = "float32",
    normalizer: str | Scaling | None = None,
    *,
    clip: float | None = None,
    encoding: str | None = None,
    big_endian: bool = False,
    dequantize: tuple[float, float] | None = None,
) -> NumericColumn:
    """Numbers of the record. `[B, *shape]` of `dtype` to `[B, prod(shape)]` float32.

    Args:
        key: The feature's key.
        shape: Shape of the value.
        default_value: Replaces a missing value; None: the feature is required.
        dtype: How the values are stored: `float32` or `int64` (or TensorFlow's dtype).
        normalizer: `Scaling(offset, scale)`, `"log1p"` (`sign(x) * log1p(|x|)`, which a pipeline follows by
            a z_score), or None; in a pipeline also `"auto"`, `"z_score"`, `"min_max"`, `"robust"` and `"quantile"`, of
            the training split.
        clip: Normalised values beyond this, up or down, become it.
        encoding: The record holds one bytes value with all numbers, of this type: `uint8`, ..., `float64`, or
            `tensor` (`tf.io.serialize_tensor`); None: a list of numbers.
        big_endian: The order of the bytes of a number of `encoding`.
        dequantize: For `uint8`: the least and the greatest number that the values were quantized from.

    >>> numeric_column("age", normalizer=Scaling(offset=40.0, scale=0.1)).size
    1
    """
    return make_numeric(
        key,
        shape,
        default_value,
        dtype,
        normalizer,
        clip,
        is_sequence=False,
        **_encoded(encoding, big_endian, dequantize),
    )


def sequence_numeric_column(
    key: str,
    shape: int | Sequence[int] = (1,),
    default_value: float | None = 0.0,
    dtype: Any = "float32",
    normalizer: str | Scaling | None = None,
    *,
    clip: float | None = None,
    causal: bool | None = None,
    encoding: str | None = None,
    big_endian: bool = False,
    dequantize: tuple[float, float] | None = None,
) -> NumericColumn:
    """Numbers of each step. `[B, T, *shape]` of `dtype` to `[B, T, prod(shape)]` float32.

    Args:
        key: The feature's key.
        shape: Shape of a step's value.
        default_value: Replaces the values of a step that has none, or fewer
            than `shape` needs, before it is normalised; None: 0 after that.
        dtype: As for `numeric_column`.
        normalizer: As for `numeric_column`; also `"per_record"` (mean and standard deviation of the record's
            own steps), `"per_record_robust"` (median and distance of the quartiles) and `"per_record_min_max"`.
        clip: As for `numeric_column`.
        causal: The statistics of a record are, at each step, those of the steps up to it; None: of the whole record,
            and in a pipeline as the network needs it.
        encoding: As for `numeric_column`: one bytes value per step.
        big_endian: As for `numeric_column`.
        dequantize: As for `numeric_column`.

    >>> sequence_numeric_column("lpc", shape=12).is_sequence
    True
    """
    encoded = _encoded(encoding, big_endian, dequantize)
    return make_numeric(key, shape, default_value, dtype, normalizer, clip, is_sequence=True, causal=causal, **encoded)


def _encoded(encoding: str | None, big_endian: bool, dequantize: tuple[float, float] | None) -> dict[str, Any]:
    of_bytes = None if dequantize is None else Dequantize(min=float(dequantize[0]), max=float(dequantize[1]))
    return {"encoding": encoding, "big_endian": big_endian, "dequantize": of_bytes}


def bucketized_column(source_column: NumericColumn, boundaries: Sequence[float]) -> BucketizedColumn:
    """The buckets of the numbers of a context column.

    The result is a one-hot vector per value, `[B, prod(shape) * (len(boundaries) + 1)]`, or
    ids for `embedding_column`. A bucket includes its lower boundary, but not its upper one.

    >>> bucketized_column(numeric_column("age"), [18, 65]).num_ids
    3
    """
    return make_bucketized(source_column, boundaries, is_sequence=False)


def sequence_bucketized_column(source_column: NumericColumn, boundaries: Sequence[float]) -> BucketizedColumn:
    """The buckets of the numbers of each step; see `bucketized_column`.

    >>> sequence_bucketized_column(sequence_numeric_column("speed"), [30, 50]).is_sequence
    True
    """
    return make_bucketized(source_column, boundaries, is_sequence=True)


def categorical_column_with_identity(
    key: str, num_buckets: int, default_value: int | None = None, *, multi_valued: bool = True
) -> CategoricalColumn:
    """Ids of the record, in `[0, num_buckets)`; other ids become `default_value` or are an error."""
    return make_categorical(
        key, False, multi_valued, dtype="int64", num_buckets=num_buckets, default_value=default_value
    )


def sequence_categorical_column_with_identity(
    key: str, num_buckets: int, default_value: int | None = None, *, multi_valued: bool = False
) -> CategoricalColumn:
    """Ids of each step, in `[0, num_buckets)`; other ids become `default_value` or are an error.

    >>> from tfx_sequences import embedding_column
    >>> watches = sequence_categorical_column_with_identity("watches", num_buckets=1000)
    >>> embedding_column(watches, dimension=10).width(1000)
    10
    """
    return make_categorical(
        key, True, multi_valued, dtype="int64", num_buckets=num_buckets, default_value=default_value
    )


def categorical_column_with_vocabulary_list(
    key: str,
    vocabulary_list: Sequence[str] | Sequence[int],
    dtype: Any = None,
    default_value: int | None = -1,
    num_oov_buckets: int = 0,
    *,
    multi_valued: bool = True,
) -> CategoricalColumn:
    """Terms of the record, with their positions in a list as ids; see the sequence version."""
    return make_listed(key, False, multi_valued, vocabulary_list, dtype, default_value, num_oov_buckets)


def sequence_categorical_column_with_vocabulary_list(
    key: str,
    vocabulary_list: Sequence[str] | Sequence[int],
    dtype: Any = None,
    default_value: int | None = -1,
    num_oov_buckets: int = 0,
    *,
    multi_valued: bool = False,
) -> CategoricalColumn:
    """Terms of each step, with their positions in a list as ids.

    Args:
        key: The feature's key.
        vocabulary_list: The terms.
        dtype: `string` or `int64`; None uses the type of the terms.
        default_value: Id of unknown terms; with -1 they have no id and give a vector of zeros;
            with None they are an error.
        num_oov_buckets: Number of ids after the list for unknown terms, chosen by hash,
            instead of `default_value`.
        multi_valued: Whether a step may have any number of terms.

    >>> from tfx_sequences import indicator_column
    >>> colors = sequence_categorical_column_with_vocabulary_list("colors", ("R", "G", "B"), num_oov_buckets=2)
    >>> indicator_column(colors).name
    'colors_indicator'
    """
    return make_listed(key, True, multi_valued, vocabulary_list, dtype, default_value, num_oov_buckets)


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
    """Terms of the record, with their lines in a file as ids; see the sequence version."""
    return make_filed(key, False, multi_valued, vocabulary_file, vocabulary_size, num_oov_buckets, default_value, dtype)


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
    """Terms of each step, with their lines in a file as ids.

    Args:
        key: The feature's key.
        vocabulary_file: A text file with one term per line.
        vocabulary_size: Use only this number of lines from the top.
        num_oov_buckets: Number of ids after those of the file for unknown terms, chosen by hash.
        default_value: Id of unknown terms without such buckets; None
            means -1 (no id), as in `tf.feature_column`.
        dtype: `string` or `int64`.
        multi_valued: Whether a step may have any number of terms.
    """
    return make_filed(key, True, multi_valued, vocabulary_file, vocabulary_size, num_oov_buckets, default_value, dtype)


def categorical_column_with_hash_bucket(
    key: str, hash_bucket_size: int, dtype: Any = "string", *, multi_valued: bool = True
) -> CategoricalColumn:
    """Terms of the record, with their hashes as ids."""
    return make_categorical(key, False, multi_valued, dtype=stored_dtype(dtype, key), hash_bucket_size=hash_bucket_size)


def sequence_categorical_column_with_hash_bucket(
    key: str, hash_bucket_size: int, dtype: Any = "string", *, multi_valued: bool = False
) -> CategoricalColumn:
    """Terms of each step, with their hashes as ids."""
    return make_categorical(key, True, multi_valued, dtype=stored_dtype(dtype, key), hash_bucket_size=hash_bucket_size)


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
    return make_categorical(
        key, False, multi_valued, dtype=stored_dtype(dtype, key), vocabulary=vocabulary, num_oov_buckets=num_oov_buckets
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
    return make_categorical(
        key, True, multi_valued, dtype=stored_dtype(dtype, key), vocabulary=vocabulary, num_oov_buckets=num_oov_buckets
    )


def text_column(key: str, split: str = "whitespace", pattern: str | None = None, **options: Any) -> TextColumn:
    """The tokens of the record's string, combined into one vector; options are the fields of `TextColumn`."""
    return declared(TextColumn, key=key, split=split, pattern=pattern, is_sequence=False, **options)


def sequence_text_column(key: str, split: str = "whitespace", pattern: str | None = None, **options: Any) -> TextColumn:
    """The tokens of the record's string as steps; options are the fields of `TextColumn`.

    >>> sequence_text_column("word", split="characters", vocabulary_list=("a", "b")).num_oov_buckets
    1
    """
    return declared(TextColumn, key=key, split=split, pattern=pattern, is_sequence=True, **options)
