"""All numeric columns in the transform graph: normalized, or converted to buckets."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft

from tfx_sequences.components.batches.alignment import column_inputs
from tfx_sequences.components.batches.ragged_steps import like, steps_of
from tfx_sequences.components.features.column_ids import ColumnIds
from tfx_sequences.components.numbers.split_normalizers import SplitNumbers, buckets
from tfx_sequences.components.transform.byte_columns import read_encoded, transform_encoded_columns
from tfx_sequences.components.transform.keyed_numbers import keyed_z_scores, keys_of_values
from tfx_sequences.components.transform.number_analyzer import analyze_numbers
from tfx_sequences.components.transform.number_transform import finished, request_of, transform_numbers
from tfx_sequences.schemas.columns.column import BucketizedColumn, NumericColumn, Scaling, ZScoreBy
from tfx_sequences.schemas.columns.names import NO_ID, SEQUENCE_PREFIX, raw_name
from tfx_sequences.schemas.features.raw_features import feature_of
from tfx_sequences.schemas.features.record_scales import record_scales
from tfx_sequences.schemas.features.transformed_features import future_name
from tfx_sequences.schemas.spec.forecasts import known_future
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

_Column = NumericColumn | BucketizedColumn
# Normalizers that use TFT's own analyzers, or no statistics.
_BY_TFT = ("z_score", "min_max", "none")


def transform_number_columns(inputs: Mapping[str, Any], spec: SequenceSpec) -> dict[str, Any]:
    """The numeric columns by transformed name, with the scales of their records and their known futures.

    Args:
        inputs: Features by raw name, from `parse_records` or Transform's reader.
        spec: The spec.
    """
    keys = {name: raw_name(key, of_steps=False) for name, key in known_future(spec).items()}
    futures = {SEQUENCE_PREFIX + name: inputs[key] for name, key in keys.items()}
    given = {
        name: _read(column_inputs(inputs, column)[feature_of(column).tensor_name], column, futures.get(name))
        for name, column in spec.columns.items()
        if isinstance(column, _Column) and not (isinstance(column, NumericColumn) and column.stays_encoded)
    }
    asked = {name: request for name in given if (request := request_of(spec, name))}
    split = analyze_numbers(
        [*asked.values()],
        [given[name].flat() for name in asked],
        [given[name].lengths() for name, request in asked.items() if request.of_steps],
    )
    scales = {name: feature for feature, name in record_scales(spec).items()}
    by_key = {name: its for name, its in given.items() if isinstance(getattr(its.column, "normalizer", None), ZScoreBy)}
    keyed = keyed_z_scores(
        {name: its.flat() for name, its in by_key.items()},
        {name: keys_of_values(column_inputs(inputs, its.column), its.column, its.raw) for name, its in by_key.items()},
    )
    outputs = transform_encoded_columns(inputs, spec)
    for name, numbers in given.items():
        if name in keyed:
            shaped = tf.reshape(finished(keyed[name], numbers.column), [-1, *numbers.column.shape])
            outputs |= numbers.output(shaped, name)
            continue
        outputs |= _transformed(numbers, spec, name, split.get(name), scales.get(name))
    return outputs


@dataclasses.dataclass(frozen=True)
class _Given:
    """The numbers of a column in one batch.

    Attributes:
        column: The column.
        raw: The feature as read.
        values: `[N, *shape]`, for all records or steps; preceded by the future values, if they are known.
        present: bool `[N]`, whether a value is present.
        future: `[B, H, *shape]`, or None.
    """

    column: Any
    raw: Any
    values: tf.Tensor
    present: tf.Tensor
    future: Any

    def flat(self) -> tf.Tensor:
        """The values `[N, E]` float64, NaN for missing ones."""
        flat = tf.cast(tf.reshape(self.values, [-1, self.column.size]), tf.float64)
        return tf.where(self.present[:, None], flat, tf.constant(np.nan, tf.float64))

    def lengths(self) -> tf.Tensor:
        """Steps of each record, `[B]`."""
        return tf.cast(self.raw.row_lengths(), tf.int64)

    def output(self, transformed: tf.Tensor, name: str) -> dict[str, Any]:
        """The outputs for transformed values `[N, *shape]`: the feature, and its future."""
        if not self.column.is_sequence:
            return {name: transformed}
        if self.future is None:
            return {name: like(self.raw, transformed)}
        ahead = tf.reduce_prod(tf.shape(self.future)[:2])
        future = tf.reshape(transformed[:ahead], tf.shape(self.future))
        return {future_name(name.removeprefix(SEQUENCE_PREFIX)): future, name: like(self.raw, transformed[ahead:])}


def _read(raw: Any, column: Any, future: Any) -> _Given:
    if isinstance(column, NumericColumn) and column.layout is not None:
        values, present = read_encoded(raw, column, column.layout)
    elif column.is_sequence:
        values, present = steps_of(raw, column.key, column.shape)
    else:
        values, present = raw, tf.ones(tf.shape(raw)[:1], tf.bool)
    if future is not None and isinstance(column, NumericColumn):
        # The same statistics apply to both.
        flat = tf.reshape(tf.cast(future, values.dtype), [-1, *column.shape])
        values = tf.concat([flat, values], axis=0)
        present = tf.concat([tf.ones(tf.shape(flat)[:1], tf.bool), present], axis=0)
    else:
        future = None
    if column.default_value is not None:
        default = tf.cast(column.default_value, values.dtype)
        values, present = tf.where(_for_each(present, column), values, default), tf.ones_like(present)
    return _Given(column, raw, values, present, future)


def _transformed(
    given: _Given, spec: SequenceSpec, name: str, split: SplitNumbers | None, scales: str | None
) -> dict[str, Any]:
    column = given.column
    if isinstance(column, BucketizedColumn):
        return given.output(_buckets(given, column, split), name)
    if isinstance(column.normalizer, Scaling) or column.normalizer in _BY_TFT:
        return given.output(_normalized(given, column), name)
    lengths = given.lengths() if column.is_sequence else None
    numbers = transform_numbers(given.flat(), lengths, spec, name, split, with_scales=scales is not None)
    outputs = given.output(tf.reshape(numbers.values, [-1, *column.shape]), name)
    if scales is not None and numbers.scales is not None:
        # If the normalizer is not per record, there are no scales in any record.
        there = tf.cast(tf.shape(numbers.scales)[0] == tf.shape(given.values)[0], tf.int64)
        splits = tf.cast(given.raw.row_splits, tf.int64) * there
        outputs[scales] = tf.RaggedTensor.from_row_splits(numbers.scales, splits, validate=False)
    return outputs


def _normalized(given: _Given, column: NumericColumn) -> tf.Tensor:
    """The normalized values `[N, *shape]` float32; missing ones are 0, and do not count in the statistics."""
    values = tf.cast(given.values, tf.float32)
    there = _normalize(tf.boolean_mask(values, given.present), column)
    if column.clip is not None:
        there = tf.clip_by_value(there, -column.clip, column.clip)
    return tf.tensor_scatter_nd_update(tf.zeros_like(values), tf.where(given.present), there)


def _normalize(values: tf.Tensor, column: NumericColumn) -> tf.Tensor:
    elementwise = bool(column.shape)
    if column.normalizer == "z_score":
        return tft.scale_to_z_score(values, elementwise=elementwise)
    if column.normalizer == "min_max":
        return tft.scale_to_0_1(values, elementwise=elementwise)
    if isinstance(column.normalizer, Scaling):
        offset, scale = (_of_elements(x, column) for x in (column.normalizer.offset, column.normalizer.scale))
        return (values - offset) * scale
    return values


def _buckets(given: _Given, column: BucketizedColumn, split: SplitNumbers | None) -> tf.Tensor:
    """Ids `[N, *shape]`; missing values are not in any bucket."""
    if split is not None:
        ids = buckets(given.flat(), split.quantiles) + np.arange(column.size) * column.buckets
    else:
        ids = ColumnIds(column).buckets(tf.reshape(given.values, [-1, 1, column.size]), None)
    ids = tf.reshape(ids, [-1, *column.shape])
    return tf.where(_for_each(given.present, column), ids, tf.constant(NO_ID, tf.int64))


def _for_each(present: tf.Tensor, column: _Column) -> tf.Tensor:
    return tf.reshape(present, [-1] + [1] * len(column.shape))


def _of_elements(number: Any, column: NumericColumn) -> Any:
    return np.reshape(np.asarray(number, np.float32), column.shape) if isinstance(number, tuple) else number
