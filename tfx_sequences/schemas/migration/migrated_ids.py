"""Converts categorical columns of `tf.feature_column` to ours, before they become embeddings or indicators."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from tfx_sequences.errors import SpecError
from tfx_sequences.schemas.columns import feature_columns as ours
from tfx_sequences.schemas.columns.crossed_columns import crossed_column, sequence_crossed_column
from tfx_sequences.schemas.columns.representations import weighted_categorical_column


def converted_ids(column: Any) -> Any:
    """Converts a categorical column, for steps or for the record.

    Raises:
        SpecError: The kind of column does not have an equivalent.
    """
    weighted = _weighted(column)
    if weighted is not None:
        return weighted_categorical_column(
            converted_ids(weighted.unweighted), weight_feature_key=weighted.key, dtype=weighted.dtype
        )
    is_sequence = is_sequence_of_ids(column)
    inner = column.categorical_column if is_sequence else column
    convert = by_class(inner, _CATEGORICAL)
    if convert is None:
        raise unsupported(inner)
    return convert(inner, is_sequence=is_sequence)


def is_categorical(column: Any) -> bool:
    """Whether `converted_ids` accepts it."""
    is_weighted = _WEIGHTED in class_names(column)
    return is_sequence_of_ids(column) or is_weighted or by_class(column, _CATEGORICAL) is not None


def is_sequence_of_ids(column: Any) -> bool:
    """Whether it is a `sequence_categorical_column_with_*`."""
    return "SequenceCategoricalColumn" in class_names(column)


def class_names(column: Any) -> list[str]:
    """Names of the column's class and its base classes, nearest first."""
    return [cls.__name__ for cls in type(column).__mro__]


def by_class(column: Any, known: Mapping[str, Any]) -> Any:
    """The entry in `known` for the nearest of the column's classes, or None."""
    return next((known[name] for name in class_names(column) if name in known), None)


class _Weighted(NamedTuple):
    """The parts of a weighted column."""

    unweighted: Any
    key: str
    dtype: Any


def _weighted(column: Any) -> _Weighted | None:
    """The parts of a weighted column, or None; a column of steps may be weighted before or after it became one."""
    if _WEIGHTED in class_names(column):
        return _Weighted(column.categorical_column, column.weight_feature_key, column.dtype)
    if is_sequence_of_ids(column) and _WEIGHTED in class_names(column.categorical_column):
        inner = column.categorical_column
        return _Weighted(type(column)(inner.categorical_column), inner.weight_feature_key, inner.dtype)
    return None


def _identity(column: Any, *, is_sequence: bool) -> Any:
    build = ours.sequence_categorical_column_with_identity if is_sequence else ours.categorical_column_with_identity
    return build(column.key, num_buckets=_whole(column.number_buckets), default_value=_whole(column.default_value))


def _hashed(column: Any, *, is_sequence: bool) -> Any:
    if is_sequence:
        build = ours.sequence_categorical_column_with_hash_bucket
    else:
        build = ours.categorical_column_with_hash_bucket
    return build(column.key, hash_bucket_size=_whole(column.hash_bucket_size), dtype=column.dtype)


def _crossed(column: Any, *, is_sequence: bool) -> Any:
    if not all(isinstance(key, str) for key in column.keys):
        raise unsupported(column)
    build = sequence_crossed_column if is_sequence else crossed_column
    return build(column.keys, hash_bucket_size=_whole(column.hash_bucket_size), hash_key=_whole(column.hash_key))


def _listed(column: Any, *, is_sequence: bool) -> Any:
    if is_sequence:
        build = ours.sequence_categorical_column_with_vocabulary_list
    else:
        build = ours.categorical_column_with_vocabulary_list
    terms = tuple(column.vocabulary_list)
    return build(
        column.key,
        vocabulary_list=terms,
        dtype=column.dtype,
        num_oov_buckets=_whole(column.num_oov_buckets),
        default_value=_id_of_unknown(column, len(terms)),
    )


def _filed(column: Any, *, is_sequence: bool) -> Any:
    build: Callable[..., Any]
    if is_sequence:
        build = ours.sequence_categorical_column_with_vocabulary_file
    else:
        build = ours.categorical_column_with_vocabulary_file
    if column.file_format not in (None, "text"):
        raise SpecError(
            f"Column '{column.key}' has a vocabulary file in the format '{column.file_format}'.",
            expected="a text file with one term per line",
            received=column.vocabulary_file,
            fix="Write the terms to a text file.",
        )
    size = _whole(column.vocabulary_size)
    return build(
        column.key,
        vocabulary_file=column.vocabulary_file,
        vocabulary_size=size,
        num_oov_buckets=_whole(column.num_oov_buckets),
        default_value=_id_of_unknown(column, size),
        dtype=column.dtype,
    )


def _id_of_unknown(column: Any, terms: int | None) -> int | None:
    if column.num_oov_buckets:
        return None
    default = _whole(column.default_value)
    if default is None or default < 0:
        return -1  # tf.feature_column drops every negative id
    if terms is not None and default >= terms:
        raise SpecError(
            f"Column '{column.key}' gives unknown terms an id that is not in its table.",
            expected=f"default_value in [0, {terms}), or -1 for no id",
            received=f"default_value={default}",
            fix="Use num_oov_buckets=1 for a separate id; the table then has one more row.",
        )
    return default


def unsupported(column: Any) -> SpecError:
    """The error for a column without an equivalent, with advice on what to do instead."""
    advice = by_class(column, _WHAT_TO_DO_WITH)
    name = f"Column '{column.name}'" if hasattr(column, "name") else "Something"
    return SpecError(
        f"{name} cannot be converted." if advice else f"{name} is not a known column of tf.feature_column.",
        expected="numeric, sequence_numeric, bucketized, embedding, shared embedding and indicator columns, of "
        "identity, vocabulary, hash, crossed, weighted and bucketized ones",
        received=f"{type(column).__module__}.{type(column).__name__}",
        fix=advice,
    )


def _whole(value: Any) -> Any:
    return None if value is None else int(value)


_WEIGHTED = "WeightedCategoricalColumn"
_CATEGORICAL: dict[str, Callable[..., Any]] = {
    "CrossedColumn": _crossed,
    "IdentityCategoricalColumn": _identity,
    "HashedCategoricalColumn": _hashed,
    "VocabularyListCategoricalColumn": _listed,
    "VocabularyFileCategoricalColumn": _filed,
}
_WHAT_TO_DO_WITH = {
    "CrossedColumn": "Cross the keys of features, not columns. For other ids, write the "
    "crossed value into the records and hash that with categorical_column_with_hash_bucket.",
}
