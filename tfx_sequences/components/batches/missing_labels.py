"""Labels that a step or a record does not have: marked from Transform on, and without weight where targets are made.

A missing class, or index of a class, is the least int64 (of raw strings the empty one); a missing number is NaN. Among
several classes of a step, the marker stands in their place.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfx_sequences.schemas.columns.names import MISSING_INT, NO_ID
from tfx_sequences.schemas.spec.label import Label


def missing_marker(dtype: tf.DType) -> tf.Tensor:
    """What stands for a missing label of a dtype.

    >>> missing_marker(tf.float32).numpy().item()
    nan
    """
    if dtype == tf.string:
        return tf.constant("")
    return tf.constant(float("nan") if dtype.is_floating else MISSING_INT, dtype)


def is_marked(values: tf.Tensor) -> tf.Tensor:
    """Which single values are markers, bool of their shape."""
    return tf.math.is_nan(values) if values.dtype.is_floating else values == missing_marker(values.dtype)


def with_markers(values: Any, label: Label) -> Any:
    """Raw labels with the marker in place of stored values that mean that the label is missing.

    Args:
        values: Dense or ragged.
        label: The label.

    >>> with_markers(tf.constant([2.0, -9.0]), Label(key="y", type="regression", missing_value=-9)).numpy()
    array([ 2., nan], dtype=float32)
    """
    if isinstance(values, tf.RaggedTensor):
        return values.with_flat_values(with_markers(values.flat_values, label))
    for stored in label.stored_as_missing:
        values = tf.where(values == tf.constant(stored, values.dtype), missing_marker(values.dtype), values)
    return values


def with_missing_labels(values: tf.RaggedTensor, lengths: tf.Tensor) -> tf.RaggedTensor:
    """Labels of steps, with markers for all steps of records that do not have any.

    Args:
        values: `[B, T]`, `[B, T, D]`, or of several classes `[B, T, V]`.
        lengths: Steps of each record, `[B]`.

    >>> with_missing_labels(tf.ragged.constant([[0, 1], []], dtype=tf.int64), tf.constant([2, 1])).to_list()
    [[0, 1], [-9223372036854775808]]
    """
    counts = values.row_lengths()
    steps = tf.where(counts == 0, tf.cast(lengths, counts.dtype), counts)
    there = tf.where(tf.repeat(counts > 0, steps))
    inner = values.values
    marker = missing_marker(values.dtype)
    if isinstance(inner, tf.RaggedTensor):
        sizes = tf.tensor_scatter_nd_update(
            tf.ones([tf.reduce_sum(steps)], inner.row_splits.dtype), there, inner.row_lengths()
        )
        of_values = tf.where(tf.repeat(tf.repeat(counts > 0, steps), sizes))
        flat = tf.fill([tf.reduce_sum(sizes)], marker)
        flat = tf.tensor_scatter_nd_update(flat, of_values, inner.flat_values)
        filled: Any = tf.RaggedTensor.from_row_lengths(flat, sizes, validate=False)
    else:
        shape = tf.concat([[tf.reduce_sum(steps)], tf.shape(inner, steps.dtype)[1:]], axis=0)
        filled = tf.tensor_scatter_nd_update(tf.fill(shape, marker), there, inner)
        filled = tf.ensure_shape(filled, [None, *inner.shape[1:]])
    return tf.RaggedTensor.from_row_lengths(filled, steps, validate=False)


def missing_targets(target: tf.Tensor, label: Label) -> tf.Tensor:
    """Which targets are missing: bool `[B]`, of steps `[B, T]`.

    A vector is missing where any of its numbers is.
    """
    if target.dtype == tf.string and label.has_several_terms:
        # In raw records the empty string only fills up shorter lists.
        return tf.zeros(tf.shape(target)[:-1], tf.bool)
    marked = is_marked(target)
    outer = 2 if label.per_step else 1
    return tf.reduce_any(marked, axis=-1) if target.shape.rank > outer else marked


def without_markers(target: tf.Tensor, label: Label) -> tf.Tensor:
    """The target with valid values in place of markers; these weigh nothing."""
    missing = missing_targets(target, label)
    if target.shape.rank > missing.shape.rank:
        missing = missing[..., None]
    if target.dtype == tf.string:
        return target
    nothing = NO_ID if label.has_several_terms else 0
    return tf.where(missing, tf.constant(nothing, target.dtype), target)
