"""Gives raw values of a batch the shapes that their columns declare."""

from __future__ import annotations

import dataclasses
from typing import Any

import tensorflow as tf

from tfx_sequences.components.features.runtime_checks import after, require
from tfx_sequences.components.input.record_formats import Batch, RecordFormat
from tfx_sequences.schemas.columns.column import Column
from tfx_sequences.schemas.features.raw_features import RawFeature, features_of
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def with_declared_shapes(records: RecordFormat, spec: SequenceSpec) -> RecordFormat:
    """The format, but its batches have `[B, *shape]` and `[B, T, *shape]` in place of lists of values.

    A step without a value gets 0 or the empty string, as padded steps do. Features of several values keep
    `[B, V]` and `[B, T, V]`.

    Args:
        records: The format, from `raw_records` without a transform.
        spec: The spec.
    """
    declared = {
        feature.tensor_name: (feature, _shape(column, feature))
        for column in spec.columns.values()
        for feature in features_of(column)
        if not feature.multi_valued
    }

    def batch(serialized: tf.Tensor, seed: tf.Tensor | None = None) -> Batch:
        inputs, targets, weights = records.batch(serialized, seed)
        shaped = {name: _shaped(v, *declared[name]) if name in declared else v for name, v in inputs.items()}
        return shaped, targets, weights

    return dataclasses.replace(records, batch=batch)


def _shape(column: Column, feature: RawFeature) -> tuple[int, ...]:
    """The declared shape; a scalar is read as a list of one value."""
    is_scalar = feature.size == 1 and not getattr(column, "shape", ())
    return () if is_scalar else feature.shape


def _shaped(values: Any, feature: RawFeature, shape: tuple[int, ...]) -> tf.Tensor:
    outer = 2 if feature.is_sequence else 1
    target = tf.concat([tf.shape(values)[:outer], tf.constant(shape, tf.int32)], 0)
    if values.shape.rank == outer:
        return tf.reshape(values, target)
    flat = values
    if values.shape.rank > outer + 1:
        flat = tf.reshape(values, tf.concat([tf.shape(values)[:outer], [-1]], 0))
    received = tf.shape(flat)[-1]
    fits = require(
        received <= feature.size,
        f"Feature '{feature.key}' has more values than its column declares.",
        expected=f"{feature.size} per {'step' if feature.is_sequence else 'record'}",
        received=lambda: [("at most", received)],
        fix="Correct the column's shape, or the records.",
    )
    spare = tf.maximum(feature.size - after(fits, received), 0)
    flat = tf.pad(flat, [[0, 0]] * outer + [[0, spare]], constant_values="" if flat.dtype == tf.string else 0)
    return tf.ensure_shape(tf.reshape(flat, target), [None] * outer + list(shape))
