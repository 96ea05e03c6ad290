"""Columns in the form that a layer stores: complete, so that a saved model does not need other files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from tfx_sequences.errors import SpecError, UserInputError, did_you_mean
from tfx_sequences.schemas.columns.base import declared
from tfx_sequences.schemas.columns.column import (
    COLUMN_TYPES,
    BucketizedColumn,
    ImageColumn,
    NumericColumn,
    Scaling,
    TermColumn,
    TimeColumn,
)
from tfx_sequences.schemas.columns.column_base import BaseColumn
from tfx_sequences.schemas.columns.keyed_normalizer import ZScoreBy
from tfx_sequences.schemas.columns.numeric_columns import FILLED_FROM_STEPS, RECORD_NORMALIZERS, SPLIT_NORMALIZERS
from tfx_sequences.schemas.columns.vocabularies import known_terms

ADAPTED_NORMALIZERS = ("z_score", "min_max", "robust")
"""Normalizers whose statistics a layer can compute with `adapt`."""

_Column = TypeVar("_Column", bound=BaseColumn)


def column_from_config(column: Any) -> Any:
    """The column, from a column or its `model_dump`.

    Raises:
        SpecError: `column` is neither.
    """
    if isinstance(column, BaseColumn):
        return column
    if not isinstance(column, dict):
        raise SpecError(
            "A feature layer was given an object that is not a column.",
            expected="columns such as sequence_numeric_column(...) or embedding_column(...)",
            received=f"{type(column).__module__}.{type(column).__name__}",
            fix="from_feature_columns converts tf.feature_column objects.",
        )
    kind = column.get("type")
    if kind not in COLUMN_TYPES:
        raise SpecError(f"Unknown type of column: {kind!r}.{did_you_mean(kind, COLUMN_TYPES)}")
    fields = {name: _tuples(value) for name, value in column.items()}
    return declared(COLUMN_TYPES[kind], **fields)  # type: ignore[arg-type]


def resolved(column: _Column) -> _Column:
    """The column, with its vocabulary file replaced by the file's terms."""
    if not isinstance(column, TermColumn) or column.vocabulary_file is None:
        return column
    terms: tuple[Any, ...] = tuple(known_terms(column) or ())
    if column.term_dtype == "int64":
        terms = tuple(int(term) for term in terms)
    return column.model_copy(  # type: ignore[return-value]
        update={"vocabulary_list": terms, "vocabulary_file": None, "vocabulary_size": None}
    )


def checked_columns(columns: Any, layer: str, is_sequence: bool) -> list[Any]:
    """The resolved columns of a layer, in name order.

    Args:
        columns: A list of columns, a single column, or their `column_config`.
        layer: The layer's name in messages.
        is_sequence: Whether all must be sequence columns, or context columns.

    Raises:
        UserInputError: A column is of the other kind, is given twice, or needs training data.
    """
    # A column is iterable too (over its fields), so a single one is recognized by its key.
    if hasattr(columns, "key"):
        columns = [columns]
    if isinstance(columns, Mapping | str) or not isinstance(columns, Iterable):
        raise UserInputError(
            f"{layer} needs a list of columns.", expected="a list of columns", received=type(columns).__name__
        )
    checked = [resolved(column_from_config(c)) for c in columns]
    if not checked:
        raise UserInputError(f"{layer} needs at least one column.")
    for column in checked:
        if column.is_sequence != is_sequence:
            kind, other = ("a context", "ContextFeatures") if is_sequence else ("a sequence", "SequenceFeatures")
            raise UserInputError(
                f"{layer} was given {kind} column, '{column.key}'.",
                fix=f"Pass it to {other}, or create the matching kind of column.",
            )
        if column.align is not None:
            raise UserInputError(
                f"Column '{column.key}' has timestamps of its own, by which the pipeline aligns it.",
                expected="features of one length",
                received=f"align: {{to: {column.align.to}}}",
                fix="Align the feature before the layer, and leave timestamps and align out.",
            )
        if getattr(column, "ngram_width", 1) > 1:
            raise UserInputError(
                f"Column '{column.key}' has n-grams, which a pipeline's transform graph makes.",
                expected="columns of single terms",
                received=f"ngram_width: {column.ngram_width}",
                fix="Join the terms before the layer; in a pipeline, model_columns gives the columns after Transform.",
            )
        if isinstance(column, ImageColumn):
            raise UserInputError(
                f"{layer} was given a column of images, '{column.key}'.",
                expected="columns of numbers, ids, terms or text",
                received="type: image",
                fix="Make a vector of each image first, and give it as a numeric column.",
            )
        if isinstance(column, NumericColumn | TimeColumn) and (unknown := _of_pipelines(column)):
            raise UserInputError(
                f"Column '{column.key}' says what only a pipeline's transform graph does.",
                expected="no times; offsets that are numbers; missing steps that are 0 or the default_value",
                received=unknown,
                fix="Leave it out; in a pipeline, model_columns gives the columns after Transform.",
            )
        if (statistics := _statistics_of(column)) and not what_adapt_finds(column):
            raise UserInputError(
                f"Column '{column.key}' needs statistics of training data, which a layer does not have.",
                expected="normalizer 'none', 'log1p', "
                f"{', '.join(map(repr, ADAPTED_NORMALIZERS + RECORD_NORMALIZERS))} or "
                "Scaling(offset, scale), without scale_feature; boundaries of buckets, or num_buckets of a scalar",
                received=statistics,
                fix="Give the statistics with Scaling or boundaries, or name a normalizer that adapt computes; in a "
                "pipeline, use model_columns, the columns after Transform.",
            )
    names = [column.name for column in checked]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UserInputError(
            f"{layer} was given the column '{twice[0]}' twice.",
            expected="each feature once per representation",
            fix="Remove one, or write the feature under a second key.",
        )
    return sorted(checked, key=lambda column: column.name)


def what_adapt_finds(column: Any) -> str:
    """What a layer's `adapt` must compute for a column before the layer can use it; empty if nothing.

    >>> what_adapt_finds(NumericColumn(key="x", normalizer="z_score"))
    "the statistics of normalizer 'z_score'"
    >>> what_adapt_finds(NumericColumn(key="x", normalizer="none"))
    ''
    """
    if isinstance(column, NumericColumn) and column.normalizer in ADAPTED_NORMALIZERS:
        return f"the statistics of normalizer '{column.normalizer}'"
    if isinstance(column, BucketizedColumn) and column.num_buckets and column.size == 1:
        return "the boundaries of its buckets"
    return "its vocabulary" if isinstance(column, TermColumn) and column.vocabulary is not None else ""


def _of_pipelines(column: NumericColumn | TimeColumn) -> str:
    """What only a transform graph does of what a column says; empty if nothing."""
    if isinstance(column, TimeColumn):
        return "type: time"
    scaling = column.normalizer
    if isinstance(scaling, Scaling) and (isinstance(scaling.offset, str) or scaling.then != "none"):
        return f"offset: {scaling.offset}" if isinstance(scaling.offset, str) else f"then: {scaling.then}"
    if column.missing in FILLED_FROM_STEPS:
        return f"missing: {column.missing}"
    if column.missing_value is not None:
        return f"missing_value: {column.missing_value}"
    return "indicator: true" if column.indicator else ""


def _statistics_of(column: Any) -> str:
    """The statistics of a training split that a column needs; empty if none."""
    if isinstance(column, NumericColumn):
        if column.normalizer in SPLIT_NORMALIZERS:
            return f"normalizer '{column.normalizer}'"
        if isinstance(column.normalizer, ZScoreBy):
            return "normalizer z_score_by"
        return "scale_feature" if column.scale_feature else ""
    return "num_buckets" if isinstance(column, BucketizedColumn) and column.num_buckets else ""


def column_config(column: Any) -> dict[str, Any]:
    """The column as stored in a saved layer: its pretrained vectors are already weights."""
    embedding = getattr(column, "embedding", None)
    if embedding is not None:
        embedding = embedding.model_copy(update={"vectors_file": None, "vectors_terms_file": None})
        column = column.model_copy(update={"embedding": embedding})
    return column.model_dump(mode="json")


def _tuples(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(value)
    if isinstance(value, dict):
        return {name: _tuples(inner) for name, inner in value.items()}
    return value
