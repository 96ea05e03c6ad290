"""All numeric columns in the transform graph: normalized, or converted to buckets."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from tfx_sequences.components.batches.alignment import column_inputs
from tfx_sequences.components.batches.ragged_steps import like, steps_of
from tfx_sequences.components.features.column_ids import ColumnIds
from tfx_sequences.components.numbers.missing_numbers import Neighbours, fill_missing, observed
from tfx_sequences.components.numbers.reduction import Reference, reduced
from tfx_sequences.components.numbers.split_normalizers import SplitNumbers, buckets
from tfx_sequences.components.transform.byte_columns import read_encoded, transform_encoded_columns
from tfx_sequences.components.transform.keyed_numbers import keyed_z_scores, keys_of_values
from tfx_sequences.components.transform.number_analyzer import analyze_numbers
from tfx_sequences.components.transform.number_transform import (
    finished,
    normalized_by_split,
    request_of,
    transform_numbers,
)
from tfx_sequences.components.transform.statistics_engine import StatisticsEngine
from tfx_sequences.components.transform.time_columns import read_times
from tfx_sequences.schemas.columns.column import BucketizedColumn, NumericColumn, Scaling, TimeColumn, ZScoreBy
from tfx_sequences.schemas.columns.names import NO_ID, SEQUENCE_PREFIX, raw_name
from tfx_sequences.schemas.columns.numeric_columns import FILLED_FROM_STEPS
from tfx_sequences.schemas.features.observed_masks import observed_masks
from tfx_sequences.schemas.features.raw_features import feature_of, offset_feature
from tfx_sequences.schemas.features.record_scales import record_scales
from tfx_sequences.schemas.features.transformed_features import future_name
from tfx_sequences.schemas.spec.forecasts import known_future
from tfx_sequences.schemas.spec.offsets import offset_column
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

_Column = NumericColumn | BucketizedColumn | TimeColumn


def transform_number_columns(inputs: Mapping[str, Any], spec: SequenceSpec, engine: StatisticsEngine) -> dict[str, Any]:
    """The numeric columns by transformed name, with the scales of their records, observed masks and known futures.

    Args:
        inputs: Features by raw name, from `parse_records` or Transform's reader.
        spec: The spec.
        engine: Gives the statistics.
    """
    keys = {name: raw_name(key, of_steps=False) for name, key in known_future(spec).items()}
    futures = {SEQUENCE_PREFIX + name: inputs[key] for name, key in keys.items()}
    given = {
        name: _read(_raw(inputs, column), column, futures.get(name), _offset(inputs, spec, column))
        for name, column in spec.columns.items()
        if isinstance(column, _Column) and not (isinstance(column, NumericColumn) and column.stays_encoded)
    }
    asked = {name: request for name in given if (request := request_of(spec, name))}
    split = analyze_numbers(
        engine,
        [*asked.values()],
        [given[name].flat() for name in asked],
        [given[name].record_lengths() for name, request in asked.items() if request.of_steps],
    )
    scales = {name: feature for feature, name in record_scales(spec).items()}
    by_key = {name: its for name, its in given.items() if isinstance(getattr(its.column, "normalizer", None), ZScoreBy)}
    keyed = keyed_z_scores(
        engine,
        {name: its.flat() for name, its in by_key.items()},
        {name: keys_of_values(column_inputs(inputs, its.column), its.column, its.raw) for name, its in by_key.items()},
    )
    outputs = transform_encoded_columns(inputs, spec)
    for name, numbers in given.items():
        if name in keyed:
            shaped = tf.reshape(numbers.filled(finished(keyed[name], numbers.column)), [-1, *numbers.column.shape])
            outputs |= numbers.output(shaped, name)
            continue
        outputs |= _transformed(numbers, spec, name, split.get(name), scales.get(name))
    outputs |= {feature: given[name].mask() for feature, name in observed_masks(spec).items()}
    return outputs


@dataclasses.dataclass(frozen=True)
class _Given:
    """The numbers of a column in one batch, `N` of records or steps, preceded by those of a known future.

    Attributes:
        column: The column.
        raw: The feature as read.
        values: `[N, E]`.
        there: bool `[N, E]`, which values are present or have a default.
        observed: bool `[N, E]`, which values are present.
        lengths: Steps of each record, preceded by the steps of each known future. None for context.
        future: `[B, H, *shape]`, or None.
        dates: Parts of the dates of times, float32 `[N, D]`.
    """

    column: Any
    raw: Any
    values: tf.Tensor
    there: tf.Tensor
    observed: tf.Tensor
    lengths: tf.Tensor | None
    future: Any
    dates: Any = None

    def flat(self) -> tf.Tensor:
        """The values `[N, E]` float64, NaN for missing ones."""
        return tf.where(self.there, tf.cast(self.values, tf.float64), tf.constant(np.nan, tf.float64))

    def record_lengths(self) -> tf.Tensor:
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

    def filled(self, numbers: tf.Tensor) -> tf.Tensor:
        """Normalised numbers `[N, E]`, with those of other steps in place of missing ones, if the column says so."""
        if self.column.missing not in FILLED_FROM_STEPS:
            return numbers
        return fill_missing(numbers, self.there, self.lengths, self.column.missing)

    def mask(self) -> Any:
        """What is observed, float32 `[B, E]`, of steps ragged `[B, T, E]`."""
        mask = tf.cast(self.observed, tf.float32)
        if not self.column.is_sequence:
            return mask
        ahead = 0 if self.future is None else tf.reduce_prod(tf.shape(self.future)[:2])
        return like(self.raw, mask[ahead:])


def _raw(inputs: Mapping[str, Any], column: _Column) -> Any:
    """The feature of a column as it was parsed, at the steps of the record."""
    return column_inputs(inputs, column)[feature_of(column).tensor_name]


def _offset(inputs: Mapping[str, Any], spec: SequenceSpec, column: _Column) -> Reference | None:
    """The feature that a column's offset names, for each of its steps (or records)."""
    feature = offset_feature(spec, column)
    if feature is None:
        return None
    other: Any = offset_column(column, spec.context, spec.sequence)
    if other is None:
        values = tf.reshape(inputs[feature.tensor_name], [-1, 1])
        found = Reference(values, observed(values))
    else:
        # As it is stored: the offset of an offset is not subtracted.
        given = _read(_raw(inputs, other), other.model_copy(update={"normalizer": "none"}), None, None)
        found = Reference(given.values, given.there)
    if not column.is_sequence or feature.is_sequence:
        return found
    lengths = _raw(inputs, column).row_lengths()
    return Reference(tf.repeat(found.values, lengths, axis=0), tf.repeat(found.there, lengths, axis=0))


def _read(raw: Any, column: Any, future: Any, offset: Reference | None) -> _Given:
    if isinstance(column, TimeColumn):
        times = read_times(raw, column)
        return _Given(column, raw, times.spans, times.there, times.there, None, None, times.dates)
    if isinstance(column, NumericColumn) and column.layout is not None:
        values, present = read_encoded(raw, column, column.layout)
    elif column.is_sequence:
        values, present = steps_of(raw, column.key, column.shape)
    else:
        values, present = raw, tf.ones(tf.shape(raw)[:1], tf.bool)
    lengths = tf.cast(raw.row_lengths(), tf.int64) if column.is_sequence else None
    values = tf.reshape(values, [-1, column.size])
    if future is not None and isinstance(column, NumericColumn):
        # The same statistics apply to both.
        flat = tf.reshape(tf.cast(future, values.dtype), [-1, column.size])
        values = tf.concat([flat, values], axis=0)
        present = tf.concat([tf.ones(tf.shape(flat)[:1], tf.bool), present], axis=0)
        ahead = tf.shape(future, tf.int64)
        lengths = tf.concat([tf.fill(ahead[:1], ahead[1]), lengths], axis=0)
    else:
        future = None
    seen = present[:, None] & observed(values, column.missing_value)
    there = seen
    if column.default_value is not None:
        nothing = tf.logical_not(seen)
        if getattr(column, "missing", None) in FILLED_FROM_STEPS:
            # Only where no value of another step can be taken.
            nothing &= tf.logical_not(_can_be_filled(seen, lengths, column.missing))
        values = tf.where(nothing, tf.cast(column.default_value, values.dtype), values)
        there = seen | nothing
    if isinstance(getattr(column, "normalizer", None), Scaling):
        values, there = reduced(values, there, lengths, column.normalizer, offset)
    return _Given(column, raw, values, there, seen, lengths, future)


def _can_be_filled(seen: tf.Tensor, lengths: Any, how: str) -> tf.Tensor:
    neighbours = Neighbours(seen, lengths)
    has_earlier = neighbours.latest()[1]
    return has_earlier if how == "previous" else has_earlier | neighbours.next()[1]


def _transformed(
    given: _Given, spec: SequenceSpec, name: str, split: SplitNumbers | None, scales: str | None
) -> dict[str, Any]:
    column = given.column
    if isinstance(column, BucketizedColumn):
        return given.output(_buckets(given, column, split), name)
    if isinstance(column, TimeColumn):
        method = column.normalizer if column.durations else "none"
        spans = tf.cast(normalized_by_split(given.flat(), method, split), tf.float32)
        vectors = tf.ensure_shape(tf.concat([spans, given.dates], axis=1), [None, column.size])
        return given.output(vectors, name)
    lengths = given.record_lengths() if column.is_sequence else None
    numbers = transform_numbers(given.flat(), lengths, spec, name, split, with_scales=scales is not None)
    outputs = given.output(tf.reshape(given.filled(numbers.values), [-1, *column.shape]), name)
    if scales is not None and numbers.scales is not None:
        # If the normalizer is not per record, there are no scales in any record.
        there = tf.cast(tf.shape(numbers.scales)[0] == tf.shape(given.values)[0], tf.int64)
        splits = tf.cast(given.raw.row_splits, tf.int64) * there
        outputs[scales] = tf.RaggedTensor.from_row_splits(numbers.scales, splits, validate=False)
    return outputs


def _buckets(given: _Given, column: BucketizedColumn, split: SplitNumbers | None) -> tf.Tensor:
    """Ids `[N, *shape]`; missing values are not in any bucket."""
    if split is not None:
        ids = buckets(given.flat(), split.quantiles) + np.arange(column.size) * column.buckets
    else:
        ids = ColumnIds(column).buckets(given.values[:, None], None)
    ids = tf.reshape(ids, [-1, *column.shape])
    there = tf.reshape(given.there, tf.shape(ids))
    return tf.where(there, ids, tf.constant(NO_ID, tf.int64))
