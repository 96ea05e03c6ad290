"""Turns transformed ragged features into the padded tensors that the model takes."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from tfx_sequences.components.batches.byte_steps import numbers_of_stored, stored_numbers
from tfx_sequences.components.batches.image_steps import decoded_images
from tfx_sequences.components.batches.truncation import cut_steps
from tfx_sequences.components.numbers.byte_decoding import numbers_of
from tfx_sequences.schemas.columns.column import IdColumn, ImageColumn, NumericColumn
from tfx_sequences.schemas.columns.names import NO_ID, SEQUENCE_LENGTH, SEQUENCE_PREFIX, weights_name
from tfx_sequences.schemas.features.transformed_features import future_name, weighted_columns
from tfx_sequences.schemas.spec.batching import Padding
from tfx_sequences.schemas.spec.forecasts import known_future
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def pad_features(transformed: dict[str, Any], spec: SequenceSpec) -> dict[str, tf.Tensor]:
    """The model's inputs: every sequence feature truncated and padded to one common `T`.

    `T` is the longest sequence of the batch, and at least 1 (a recurrent layer
    cannot run zero steps). Only `sequence_length` determines what is padding. Padding
    is on the right unless `batching.padding` sets another side.

    Args:
        transformed: Features by transformed name, sequences ragged; or dense and already padded on the right.
        spec: The spec.

    Returns:
        `context.*` `[B, *shape]`, `sequence.*` `[B, T, *shape]`, `sequence_length` `[B]`.
        Futures of known features are `future.*` `[B, H, *shape]`. Several ids are `[B, V]` or `[B, T, V]`, with -1
        (no id) after the last, and their weights, `*.weights`, with 0 there.
    """
    transformed = cut_steps(transformed, spec)
    lengths = transformed[SEQUENCE_LENGTH]
    longest = longest_of(lengths)
    inputs = {SEQUENCE_LENGTH: lengths}
    for name, column in spec.columns.items():
        values = transformed[name]
        several_ids = isinstance(column, IdColumn) and column.has_several_ids
        if column.is_sequence:
            padding = spec.batching.padding.get(name.removeprefix(SEQUENCE_PREFIX), Padding())
            if several_ids:
                padding = Padding(value=NO_ID, side=padding.side)
            is_padded = not isinstance(values, tf.RaggedTensor)
            if isinstance(column, NumericColumn) and column.stays_encoded:
                alone = sum(other.key == column.key for other in spec.sequence.values()) == 1
                inputs[name] = _padded_numbers(values, longest, column, padding, in_place=alone)
            elif isinstance(column, ImageColumn):
                inputs[name] = decoded_images(pad_steps(values, longest, padding), column)
            else:
                inputs[name] = (as_long_as if is_padded else pad_steps)(values, longest, padding)
        elif isinstance(column, NumericColumn) and column.stays_encoded:
            inputs[name] = numbers_of(values, column)
        elif isinstance(column, ImageColumn):
            inputs[name] = decoded_images(values, column)
        else:
            inputs[name] = values.to_tensor(NO_ID) if isinstance(values, tf.RaggedTensor) else values
    for name in weighted_columns(spec):
        weights = transformed[weights_name(name)]
        if name.startswith(SEQUENCE_PREFIX):
            side = spec.batching.padding.get(name.removeprefix(SEQUENCE_PREFIX), Padding()).side
            is_padded = not isinstance(weights, tf.RaggedTensor)
            inputs[weights_name(name)] = (as_long_as if is_padded else pad_steps)(weights, longest, Padding(side=side))
        else:
            inputs[weights_name(name)] = weights.to_tensor(0.0) if isinstance(weights, tf.RaggedTensor) else weights
    for name in map(future_name, known_future(spec)):
        inputs[name] = transformed[name]
    return inputs


def _padded_numbers(
    values: tf.RaggedTensor, longest: tf.Tensor, column: Any, padding: Padding, *, in_place: bool
) -> tf.Tensor:
    """The numbers `[B, T, *shape]` that bytes `[B, T]` hold."""
    numbers, present = stored_numbers(values.values, column)
    with_nothing = Padding(side=padding.side)
    padded, there = (pad_steps(values.with_values(each), longest, with_nothing) for each in (numbers, present))
    return numbers_of_stored(padded, there, column, padding, in_place=in_place)


def longest_of(lengths: tf.Tensor) -> tf.Tensor:
    """Steps `T` that a batch of these lengths `[B]` is padded to."""
    return tf.maximum(tf.reduce_max(lengths), 1)


def as_long_as(padded: tf.Tensor, longest: tf.Tensor, padding: Padding) -> tf.Tensor:
    """Right-padded steps `[B, T, ...]`, with `T` changed to `longest`; copied only if `T` differs.

    >>> as_long_as(tf.constant([[1, 2]]), 3, Padding(value=9)).numpy().tolist()
    [[1, 2, 9]]
    """
    longest = tf.cast(longest, tf.int32)
    missing = tf.maximum(longest - tf.shape(padded)[1], 0)
    value = "" if padded.dtype == tf.string else padded.dtype.as_numpy_dtype(padding.value)
    # With constants, because a list of a number and a tensor would be an op.
    steps = np.eye(1, padded.shape.rank, 1, dtype=np.int32)[0]
    longer = tf.pad(padded, missing * np.stack([0 * steps, steps], axis=1), constant_values=value)
    cut = tf.slice(longer, 0 * steps, longest * steps + (steps - 1))
    cut.set_shape([None, None, *padded.shape[2:]])
    return cut


def pad_steps(ragged: tf.RaggedTensor, longest: tf.Tensor, padding: Padding | None = None) -> tf.Tensor:
    """Pads all rows of a sequence feature, ragged `[B, T, ...]`, to `longest` steps.

    Args:
        ragged: The feature.
        longest: Steps of the result, at least as many as in the longest row.
        padding: Value and side; None is 0 (or an empty string) on the right.

    Returns:
        `[B, longest, ...]`.

    >>> pad_steps(tf.ragged.constant([[1, 2], [3]]), 3, Padding(value=9, side="left")).numpy().tolist()
    [[9, 1, 2], [9, 9, 3]]
    """
    is_text = ragged.dtype == tf.string
    value = tf.constant("") if is_text else tf.cast(padding.value if padding else 0, ragged.dtype)
    longest = tf.cast(longest, ragged.row_splits.dtype)
    as_long_as_it_is = tf.constant(-1, longest.dtype)
    # Stacked, because a graph rejects a list of a number and a tensor.
    shape = tf.stack([as_long_as_it_is, longest, *[as_long_as_it_is] * (ragged.shape.rank - 2)])
    padded = ragged.to_tensor(value, shape=shape)
    if padding and padding.side == "left":
        # After its last step a row contains the padding that must move before its first.
        steps = tf.shape(padded)[1]
        shift = steps - tf.cast(ragged.row_lengths(), tf.int32)
        padded = tf.gather(padded, (tf.range(steps)[None, :] - shift[:, None]) % tf.maximum(steps, 1), batch_dims=1)
    return tf.ensure_shape(padded, [None, None, *ragged.shape[2:]])


def add_rows(values: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
    """`values` `[B, ...]` with `count` more rows of zeros (of empty strings).

    >>> add_rows(tf.constant([[1, 2]]), tf.constant(1)).numpy().tolist()
    [[1, 2], [0, 0]]
    """
    padded = tf.pad(values, [[0, count], *([[0, 0]] * (values.shape.rank - 1))])
    return tf.ensure_shape(padded, [None, *values.shape[1:]])
