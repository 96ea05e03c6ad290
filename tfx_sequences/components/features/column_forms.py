"""The value of a column's feature in the form that is computed with: checked, decoded, and split into tokens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from tfx_sequences.components.features.byte_values import decoded_value
from tfx_sequences.components.features.column_ids import ColumnIds, check_dtype
from tfx_sequences.components.features.step_values import Dense, Ragged, Sparse, step_values
from tfx_sequences.errors import UserInputError, did_you_mean, shortened
from tfx_sequences.schemas.columns.column import CrossedColumn, IdColumn, NumericColumn, TextColumn
from tfx_sequences.schemas.columns.names import SEQUENCE_PREFIX


def feature_value(features: Mapping[str, Any], key: str, *, is_sequence: bool) -> Any:
    """The value of a feature in a batch, by its key or by its name in our parse specs.

    Raises:
        UserInputError: The batch does not have it.

    >>> feature_value({"sequence.x": 1, "x": 2}, "x", is_sequence=True)
    1
    """
    # The parse specs distinguish a sequence feature from a context feature with the same key by a prefix.
    names = (SEQUENCE_PREFIX + key, key) if is_sequence else (key,)
    for name in names:
        if name in features:
            return features[name]
    raise UserInputError(
        f"{'SequenceFeatures' if is_sequence else 'ContextFeatures'} was not given the feature '{key}'.",
        expected=f"'{key}' among the features",
        received=shortened(sorted(features)) or "no features",
        fix=f"Pass it in the dict of features.{did_you_mean(key, features)}",
    )


def column_form(column: Any, ids: ColumnIds | None, value: Any, *others: Any) -> Dense | Ragged | Sparse:
    """The feature's value with checked dtype and rank; tokens are already split if they are the steps.

    Args:
        column: The column.
        ids: The column's ids, which split its text; None for numbers.
        value: The value.
        *others: The values of the column's `further_features`.

    >>> x = NumericColumn(key="x", is_sequence=True)
    >>> column_form(x, None, tf.ragged.constant([[1.0, 2.0], []])).lengths().numpy().tolist()
    [2, 0]
    """
    form = _form(column, ids, value)
    for other, feature in zip(others, column.further_features, strict=True):
        its = step_values(other, feature.key, None, is_sequence=column.is_sequence)
        if isinstance(form, Dense) != isinstance(its, Dense):
            raise UserInputError(
                f"Features '{column.key}' and '{feature.key}', which belong together, come in different forms.",
                expected="both dense, or both ragged or sparse",
                received=f"{type(value).__name__} and {type(other).__name__}",
            )
        form.others = (*form.others, its)
    return form


def are_split_later(column: IdColumn) -> bool:
    """Whether each step contains a string whose tokens are its ids; otherwise the form already has the tokens."""
    return isinstance(column, TextColumn) and column.is_sequence and column.source == "sequence"


def _form(column: Any, ids: ColumnIds | None, value: Any) -> Dense | Ragged | Sparse:
    if not isinstance(column, CrossedColumn):
        check_dtype(column, value.dtype)
    if isinstance(column, TextColumn) and not are_split_later(column):
        return _form_of_text(column, ids, value)
    if isinstance(column, NumericColumn) and column.layout is not None:
        value = decoded_value(value, column, column.layout)
    size = column.size if hasattr(column, "size") else None
    return step_values(value, column.key, size, is_sequence=column.is_sequence)


def _form_of_text(column: TextColumn, ids: ColumnIds | None, value: Any) -> Ragged:
    if isinstance(value, tf.RaggedTensor | tf.SparseTensor) or value.shape.rank not in (1, 2):
        raise UserInputError(
            f"Feature '{column.key}' has a wrong rank.",
            expected="a string per row, dense [B]",
            received=f"{type(value).__name__} of shape {tuple(value.shape)}",
        )
    tokens = ids.tokens(tf.reshape(value, [-1]))  # type: ignore[union-attr]
    return step_values(tokens, column.key, None, is_sequence=column.is_sequence)  # type: ignore[return-value]
