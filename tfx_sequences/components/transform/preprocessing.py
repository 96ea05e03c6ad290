"""The TFT `preprocessing_fn`, generated from the spec.

In: parsed features by raw name. Out, by transformed name (what the materialised
records, the model and the serving graph all use):

    context.NAME     dense [B, *shape] float32, or [B] int64 ids; ragged [B, V] for several ids
    sequence.NAME    ragged [B, T, *shape] float32, or [B, T] int64 ids, or [B, T, V] for several
    sequence_length  [B] int64, steps of the record
    future.NAME      [B, H, *shape] float32, of a sequence feature that is known beforehand, as `sequence.NAME` is
    label            [B] int64 class index; ragged [B, V] for a multi_label of terms; float32 [B, *shape] for
                     numbers and vectors of 0 and 1; ragged [B, T, ...] of the same for labels of steps
    mase_scale       [B] float32          (if a forecast names one)
    step_weight      ragged [B, T] float32 (if the label names one)
    example_weight   [B] float32          (if the spec names one)
    id               [B] string           (if the spec names one)

Of several labels, each is called `label.NAME` (and `step_weight.NAME`). An id of -1 is none
at all: a vector of zeros.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft

from tfx_sequences.components.batches.ragged_steps import like, steps_of
from tfx_sequences.components.features.column_ids import ColumnIds
from tfx_sequences.components.transform.label_transform import transform_labels
from tfx_sequences.components.transform.length_histogram import analyze_lengths
from tfx_sequences.components.transform.transform_guard import record_spec
from tfx_sequences.schemas.columns.column import BucketizedColumn, NumericColumn, Scaling, TermColumn, TextColumn
from tfx_sequences.schemas.columns.names import MISSING_INT, NO_ID, SEQUENCE_LENGTH, SEQUENCE_PREFIX
from tfx_sequences.schemas.features.computed_vocabularies import computed_vocabularies
from tfx_sequences.schemas.features.raw_features import feature_of
from tfx_sequences.schemas.features.transformed_features import EXAMPLE_WEIGHT, RECORD_ID, future_name
from tfx_sequences.schemas.spec.forecasts import known_future
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec
from tfx_sequences.schemas.spec.spec_io import spec_from_json


def preprocessing_fn(inputs: dict[str, Any], custom_config: dict[str, Any]) -> dict[str, Any]:
    """What TFX's Transform calls; `custom_config["spec"]` is the spec's JSON."""
    return transform_inputs(inputs, spec_from_json(custom_config["spec"]))


def transform_inputs(inputs: dict[str, Any], spec: SequenceSpec) -> dict[str, Any]:
    """Transforms parsed features to what the module's docstring lists.

    Args:
        inputs: By raw name, as `parse_records` or Transform's reader gives them.
        spec: The spec.
    """
    record_spec(spec)
    outputs: dict[str, Any] = {}
    terms: dict[str, Any] = {}
    futures = {SEQUENCE_PREFIX + name: inputs[key] for name, key in known_future(spec).items()}
    known: dict[str, Any] = {}
    for name, column in spec.columns.items():
        values = inputs[feature_of(column).tensor_name]
        if name in futures and isinstance(column, NumericColumn):
            known[future_name(name.removeprefix(SEQUENCE_PREFIX))], outputs[name] = _with_future(
                values, futures[name], column
            )
            continue
        if not isinstance(column, TermColumn):
            outputs[name] = _numbers_or_buckets(values, column)
            continue
        ids = ColumnIds(column)
        terms[name] = _terms(values, ids)
        if column.vocabulary is None:
            outputs[name] = _checked(terms[name], ids, _each(terms[name], ids))
    for vocabulary, names in computed_vocabularies(spec).items():
        outputs |= _computed(vocabulary, {name: terms[name] for name in names}, spec)
    outputs = {name: outputs[name] for name in spec.columns} | known
    lengths = {c.key: outputs[name].row_lengths() for name, c in spec.columns.items() if c.is_sequence}
    outputs[SEQUENCE_LENGTH] = _common_length(lengths)
    analyze_lengths(outputs[SEQUENCE_LENGTH])
    if spec.id_key:
        outputs[RECORD_ID] = tf.identity(inputs[spec.id_key])
    outputs |= transform_labels(inputs, spec)
    if spec.example_weight:
        outputs[EXAMPLE_WEIGHT] = tf.identity(inputs[spec.example_weight])
    return outputs


def _numbers_or_buckets(values: Any, column: NumericColumn | BucketizedColumn) -> Any:
    if column.is_sequence:
        steps, present = steps_of(values, column.key, column.shape)
    else:
        steps, present = values, tf.ones(tf.shape(values)[:1], tf.bool)
    if isinstance(column, NumericColumn):
        transformed = _numbers(steps, present, column)
    else:
        transformed = _buckets(steps, present, column)
    return like(values, transformed) if column.is_sequence else transformed


def _with_future(values: tf.RaggedTensor, future: tf.Tensor, column: NumericColumn) -> tuple[tf.Tensor, Any]:
    """The future `[B, H, *shape]` and the steps of a feature, by the same statistics: those of both."""
    steps, present = steps_of(values, column.key, column.shape)
    flat = tf.reshape(tf.cast(future, steps.dtype), [-1, *column.shape])
    all_steps = tf.concat([flat, steps], axis=0)
    there = tf.concat([tf.ones(tf.shape(flat)[:1], tf.bool), present], axis=0)
    numbers = _numbers(all_steps, there, column)
    ahead = tf.shape(flat)[0]
    return tf.reshape(numbers[:ahead], tf.shape(future)), like(values, numbers[ahead:])


def _numbers(values: tf.Tensor, present: tf.Tensor, column: NumericColumn) -> tf.Tensor:
    values = tf.cast(values, tf.float32)
    if column.default_value is not None:
        values = tf.where(_for_each(present, column), values, tf.constant(column.default_value, tf.float32))
        return _normalize(values, column)
    # Statistics of what is there; what is not becomes 0 after normalisation, the mean.
    there = _normalize(tf.boolean_mask(values, present), column)
    return tf.tensor_scatter_nd_update(tf.zeros_like(values), tf.where(present), there)


def _normalize(values: tf.Tensor, column: NumericColumn) -> tf.Tensor:
    elementwise = bool(column.shape)
    if column.normalizer == "z_score":
        return tft.scale_to_z_score(values, elementwise=elementwise)
    if column.normalizer == "min_max":
        return tft.scale_to_0_1(values, elementwise=elementwise)
    if column.normalizer == "log1p":
        return tf.sign(values) * tf.math.log1p(tf.abs(values))
    if isinstance(column.normalizer, Scaling):
        offset, scale = (_of_elements(x, column) for x in (column.normalizer.offset, column.normalizer.scale))
        return (values - offset) * scale
    return values


def _buckets(values: tf.Tensor, present: tf.Tensor, column: BucketizedColumn) -> tf.Tensor:
    if column.default_value is not None:
        default = tf.cast(column.default_value, values.dtype)
        values = tf.where(_for_each(present, column), values, default)
    flat = tf.reshape(values, [-1, 1, column.size])
    ids = tf.reshape(ColumnIds(column).buckets(flat, None), [-1, *column.shape])
    if column.default_value is not None:
        return ids
    return tf.where(_for_each(present, column), ids, tf.constant(NO_ID, tf.int64))


def _terms(values: Any, ids: ColumnIds) -> Any:
    """Terms (or ids, where the values are ids), of the shape that the column's output has."""
    column = ids.column
    if isinstance(column, TextColumn):
        if column.is_sequence and column.source == "sequence":
            strings, present = steps_of(values, column.key, ())
            return like(values, ids.tokens(tf.where(present, strings, "")))
        return ids.tokens(values)
    if column.has_several_ids or not column.is_sequence:
        return values
    steps, present = steps_of(values, column.key, ())
    missing = tf.constant("" if steps.dtype == tf.string else MISSING_INT, steps.dtype)
    return like(values, tf.where(present, steps, missing))


def _each(terms: Any, function: Callable[[tf.Tensor], tf.Tensor]) -> Any:
    if not isinstance(terms, tf.RaggedTensor):
        return function(terms)
    return terms.with_flat_values(function(terms.flat_values))


def _computed(vocabulary: str, terms: Mapping[str, Any], spec: SequenceSpec) -> dict[str, Any]:
    """Ids by a vocabulary that is computed of the terms of all the features."""
    columns: dict[str, Any] = {name: spec.columns[name] for name in terms}
    strings = {name: _each(terms[name], ColumnIds(column).terms) for name, column in columns.items()}
    every = [_flat(values) for values in strings.values()]
    declared = next(iter(columns.values())).vocabulary
    path = tft.vocabulary(
        every[0] if len(every) == 1 else tf.concat(every, axis=0),
        top_k=declared.top_k,
        frequency_threshold=declared.frequency_threshold,
        vocab_filename=vocabulary,
    )
    outputs = {}
    for name, column in columns.items():
        default = NO_ID if column.default_value is None else column.default_value

        def apply(flat: tf.Tensor, default: int = default, buckets: int = column.oov_buckets) -> tf.Tensor:
            return tft.apply_vocabulary(flat, path, default_value=default, num_oov_buckets=buckets)

        outputs[name] = _checked(terms[name], ColumnIds(column), _each(strings[name], apply))
    return outputs


def _checked(terms: Any, ids: ColumnIds, found: Any) -> Any:
    """`found`, once none of the terms is refused."""

    def rows() -> tf.Tensor:
        if not isinstance(terms, tf.RaggedTensor):
            return tf.range(tf.shape(terms)[0])
        inner = terms.values
        outer = terms.value_rowids()
        return tf.gather(outer, inner.value_rowids()) if isinstance(inner, tf.RaggedTensor) else outer

    num_ids = ids.column.num_ids_given if isinstance(ids.column, TermColumn) else None
    ids.check(_flat(found), _flat(terms), rows, num_ids)
    return found


def _flat(values: Any) -> tf.Tensor:
    return values.flat_values if isinstance(values, tf.RaggedTensor) else values


def _for_each(present: tf.Tensor, column: NumericColumn | BucketizedColumn) -> tf.Tensor:
    return tf.reshape(present, [-1] + [1] * len(column.shape))


def _of_elements(number: Any, column: NumericColumn) -> Any:
    return np.reshape(np.asarray(number, np.float32), column.shape) if isinstance(number, tuple) else number


def _common_length(lengths: dict[str, tf.Tensor]) -> tf.Tensor:
    keys = list(lengths)
    first = lengths[keys[0]]
    checks = [
        tf.debugging.Assert(
            tf.reduce_all(first == lengths[key]),
            [f"Sequence features '{keys[0]}' and '{key}' have different numbers of steps:", first, lengths[key]],
        )
        for key in keys[1:]
    ]
    with tf.control_dependencies(checks):
        return tf.identity(first)
