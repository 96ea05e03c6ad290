"""Converts objects of `tf.feature_column` to our columns.

It does not import TensorFlow: the columns are named tuples, identified by their class
names, which have not changed since TensorFlow 2.0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tfx_sequences.errors import SpecError, did_you_mean, shortened
from tfx_sequences.schemas.columns import feature_columns as ours
from tfx_sequences.schemas.columns.column import Column, NumericColumn, Scaling
from tfx_sequences.schemas.columns.column_base import BaseColumn
from tfx_sequences.schemas.columns.representations import embedding_column, indicator_column, shared_embedding_columns
from tfx_sequences.schemas.columns.shared_tables import columns_by_table
from tfx_sequences.schemas.migration.migrated_ids import (
    by_class,
    class_names,
    converted_ids,
    is_categorical,
    unsupported,
)
from tfx_sequences.schemas.migration.migrated_values import default_before, initializer_name, single_default

Normalizers = Mapping[str, "Scaling | str"]


def from_feature_columns(columns: Any, *, normalizers: Normalizers | None = None) -> Any:
    """Converts sequence and context columns of `tf.feature_column` to our columns.

    The columns keep the names of the originals, so layers order them in the same way, and they
    read, look up, combine and clip values in the same way. `load_sequence_features_weights` loads the
    weights of a layer of the originals.

    Args:
        columns: A dense column of `tf.feature_column`, or an iterable of them:
            `numeric_column`, `sequence_numeric_column`, `bucketized_column`, and
            `embedding_column`, `shared_embeddings` (and the `shared_embedding_columns` of TensorFlow 1) or
            `indicator_column` of any `categorical_column_with_*`,
            `sequence_categorical_column_with_*`, `weighted_categorical_column`, `crossed_column` of
            keys, or `bucketized_column`.
        normalizers: By key, the equivalent of the column's `normalizer_fn`, because a function
            cannot be written down: `Scaling(offset, scale)` or `"log1p"`.

    Returns:
        A list of columns in the given order, or a column for a single column.

    Raises:
        SpecError: A column has no equivalent: it crosses columns, reads a
            checkpoint, or has a `normalizer_fn` that is not in `normalizers`.

    >>> import tensorflow as tf
    >>> watches = tf.feature_column.sequence_categorical_column_with_identity("watches", num_buckets=1000)
    >>> columns = from_feature_columns([
    ...     tf.feature_column.sequence_numeric_column("rating", normalizer_fn=lambda x: (x - 3.0) / 2.0),
    ...     tf.feature_column.embedding_column(watches, dimension=10),
    ... ], normalizers={"rating": Scaling(offset=3.0, scale=0.5)})
    >>> [column.name for column in columns]
    ['rating', 'watches_embedding']
    """
    is_single = _is_column(columns)
    if not is_single and (isinstance(columns, str | Mapping) or not isinstance(columns, Iterable)):
        raise SpecError(
            "from_feature_columns was not given columns.",
            expected="a column of tf.feature_column, or a list of them",
            received=f"{type(columns).__module__}.{type(columns).__name__}",
        )
    originals = [columns] if is_single else list(columns)
    conversion = _Conversion(normalizers or {})
    converted = [conversion.dense(column) for column in originals]
    conversion.check_all_were_used()
    columns_by_table(converted)
    _check_order(originals, converted)
    return converted[0] if is_single else converted


class _Conversion:
    """The state of one call: the given normalizers, and those that a column used."""

    def __init__(self, normalizers: Normalizers) -> None:
        self._normalizers = normalizers
        self._used: set[str] = set()

    def dense(self, column: Any) -> Column:
        name = getattr(column, "name", None)
        if isinstance(column, BaseColumn):
            raise SpecError(
                f"Column '{name}' is already a column of tfx_sequences.",
                expected="columns of tf.feature_column",
                received=f"{type(column).__module__}.{type(column).__name__}",
                fix="Convert only the others, and concatenate the lists.",
            )
        convert = by_class(column, _DENSE)
        if convert is not None:
            return convert(self, column)
        if is_categorical(column):
            raise SpecError(
                f"Column '{name}' is categorical, without a vector for its ids.",
                expected="a dense column",
                received=f"{type(column).__module__}.{type(column).__name__}",
                fix="Wrap it in embedding_column or indicator_column.",
            )
        raise unsupported(column)

    def numeric(self, column: Any) -> NumericColumn:
        return ours.numeric_column(
            column.key,
            shape=tuple(column.shape),
            default_value=single_default(column.default_value, column.key),
            dtype=column.dtype,
            normalizer=self._normalizer(column),
        )

    def sequence_numeric(self, column: Any) -> Column:
        normalizer = self._normalizer(column)
        return ours.sequence_numeric_column(
            column.key,
            shape=tuple(column.shape),
            default_value=default_before(normalizer, single_default(column.default_value, column.key), column.key),
            dtype=column.dtype,
            normalizer=normalizer,
        )

    def bucketized(self, column: Any) -> Any:
        source = column.source_column
        if source.normalizer_fn is not None:
            raise SpecError(
                f"Column '{column.name}' has boundaries for normalized numbers.",
                expected="boundaries in the units of the records",
                received=f"a numeric_column('{source.key}') with a normalizer_fn",
                fix="Remove the normalizer_fn, and use boundaries in the original units in bucketized_column.",
            )
        return ours.bucketized_column(self.numeric(source), column.boundaries)

    def embedding(self, column: Any) -> Column:
        _refuse_checkpoint(column, column.ckpt_to_load_from)
        return embedding_column(
            self._ids(column.categorical_column),
            dimension=column.dimension,
            combiner=column.combiner,
            initializer=initializer_name(column.initializer, column.dimension, column.name),
            max_norm=None if column.max_norm is None else float(column.max_norm),
            trainable=bool(column.trainable),
        )

    def shared_embedding(self, column: Any) -> Column:
        creator = column.shared_embedding_column_creator
        return self._shared(
            column,
            table=creator._name,
            dimension=creator._dimension,
            initializer=creator._initializer,
            checkpoint=creator._ckpt_to_load_from,
            trainable=creator._trainable,
        )

    def shared_embedding_of_v1(self, column: Any) -> Column:
        return self._shared(
            column,
            table=column.shared_embedding_collection_name,
            dimension=column.dimension,
            initializer=column.initializer,
            checkpoint=column.ckpt_to_load_from,
            trainable=column.trainable,
        )

    def _shared(
        self, column: Any, *, table: str, dimension: int, initializer: Any, checkpoint: Any, trainable: bool
    ) -> Column:
        _refuse_checkpoint(column, checkpoint)
        [shared] = shared_embedding_columns(
            [self._ids(column.categorical_column)],
            dimension=dimension,
            combiner=column.combiner,
            initializer=initializer_name(initializer, dimension, table),
            shared_embedding_collection_name=table,
            max_norm=None if column.max_norm is None else float(column.max_norm),
            trainable=bool(trainable),
        )
        return shared

    def indicator(self, column: Any) -> Column:
        return indicator_column(self._ids(column.categorical_column))

    def _ids(self, column: Any) -> Any:
        return self.bucketized(column) if "BucketizedColumn" in class_names(column) else converted_ids(column)

    def _normalizer(self, column: Any) -> Scaling | str | None:
        declared = self._normalizers.get(column.key)
        if column.normalizer_fn is None:
            return None
        if declared is None:
            raise SpecError(
                f"Column '{column.key}' has a normalizer_fn, which is code and cannot be converted.",
                expected=f"normalizers={{'{column.key}': Scaling(offset, scale)}}, or 'log1p' instead",
                received=f"{column.normalizer_fn!r}",
                fix="Describe the function with that argument. If that is impossible, apply the function to the "
                "records, "
                "or after the layer.",
            )
        self._used.add(column.key)
        return declared

    def check_all_were_used(self) -> None:
        """Raises for a normalizer of a column without a function: it is a mistake, or would change the column."""
        left = sorted(set(self._normalizers) - self._used)
        if left:
            raise SpecError(
                f"normalizers contains '{left[0]}', which does not have a normalizer_fn.",
                expected=shortened(sorted(self._used)) or "no names: no column has one",
                received=shortened(left),
                fix=f"Remove it.{did_you_mean(left[0], self._used)}",
            )


_DENSE: dict[str, Callable[[_Conversion, Any], Column]] = {
    "NumericColumn": _Conversion.numeric,
    "SequenceNumericColumn": _Conversion.sequence_numeric,
    "BucketizedColumn": _Conversion.bucketized,
    "EmbeddingColumn": _Conversion.embedding,
    "SharedEmbeddingColumn": _Conversion.shared_embedding,
    "_SharedEmbeddingColumn": _Conversion.shared_embedding_of_v1,
    "IndicatorColumn": _Conversion.indicator,
}


def _is_column(column: Any) -> bool:
    # Columns are tuples, so they are iterable too.
    return isinstance(column, BaseColumn) or not {"FeatureColumn", "_FeatureColumn"}.isdisjoint(class_names(column))


def _refuse_checkpoint(column: Any, checkpoint: Any) -> None:
    if checkpoint is not None:
        raise SpecError(
            f"Column '{column.name}' loads its weights from a checkpoint.",
            expected="columns without ckpt_to_load_from",
            received=str(checkpoint),
            fix="Remove ckpt_to_load_from, and pass the result of tf.train.load_variable(checkpoint, tensor_name) to "
            "load_sequence_features_weights.",
        )


def _check_order(originals: list[Any], converted: list[Column]) -> None:
    """Checks that the columns keep their order by name: another order would permute the weights of later layers."""
    theirs = sorted(range(len(originals)), key=lambda i: originals[i].name)
    own = sorted(range(len(converted)), key=lambda i: converted[i].name)
    if theirs != own:
        raise SpecError(
            "The converted columns would have another order than the originals.",
            expected=shortened(originals[i].name for i in theirs),
            received=shortened(converted[i].name for i in own),
            fix="Here, an indicator_column of a bucketized_column is just the bucketized_column: use that in the "
            "originals too.",
        )
