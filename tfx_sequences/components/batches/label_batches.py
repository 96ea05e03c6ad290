"""Turns transformed labels into targets and weights, for fitting and measuring the heads.

Positions without a target (a padded step, the last `shift` steps, a row that fills up a batch) have weight
zero. This depends on lengths only, never on values. All later code ignores targets of weight zero.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfx_sequences.components.batches.forecast_windows import cut_forecast_windows
from tfx_sequences.components.batches.missing_labels import is_marked, missing_targets, without_markers
from tfx_sequences.components.batches.padding import longest_of, pad_steps
from tfx_sequences.components.batches.ragged_steps import aligned
from tfx_sequences.components.batches.truncation import cut_steps
from tfx_sequences.components.features.runtime_checks import assert_in_graph
from tfx_sequences.schemas.columns.names import NO_ID, SEQUENCE_LENGTH
from tfx_sequences.schemas.features.transformed_features import EXAMPLE_WEIGHT, label_name, step_weight_name
from tfx_sequences.schemas.kinds.distribution import SUM_TOLERANCE, DeclaredDistribution
from tfx_sequences.schemas.spec.batching import Padding
from tfx_sequences.schemas.spec.forecasts import forecast_heads
from tfx_sequences.schemas.spec.label import Label
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

Targets = Any
"""A tensor, or tensors by the head's name."""


def pad_labels(features: dict[str, Any], spec: SequenceSpec) -> dict[str, tf.Tensor]:
    """Labels, step weights, example weight and lengths as dense tensors.

    Args:
        features: Features by transformed name, sequences truncated by `cut_steps`, with `sequence_length` `[B]`.
        spec: The spec.

    Returns:
        By transformed name: labels `[B, *shape]` (of forecasts as in `cut_forecast_windows`), labels of steps
        `[B, T, *shape]` with `T` as in `pad_features`, several class indices `[B, V]` or `[B, T, V]` with -1
        after the last; step weights `[B, T]`.
    """
    longest = longest_of(features[SEQUENCE_LENGTH])
    dense = {SEQUENCE_LENGTH: features[SEQUENCE_LENGTH]}
    for head, label in spec.heads.items():
        values = features[label_name(head)]
        if label.per_step:
            padding = Padding(value=NO_ID) if label.has_several_terms and values.dtype != tf.string else None
            values = pad_steps(values, longest, padding)
        elif isinstance(values, tf.RaggedTensor):
            values = values.to_tensor("" if values.dtype == tf.string else NO_ID)
        dense[label_name(head)] = values
        if label.step_weight:
            dense[step_weight_name(head)] = pad_steps(features[step_weight_name(head)], longest)
    if spec.example_weight:
        dense[EXAMPLE_WEIGHT] = features[EXAMPLE_WEIGHT]
    return dense


def targets_and_weights(dense: dict[str, tf.Tensor], spec: SequenceSpec) -> tuple[Targets, Targets]:
    """The targets and weights: Keras' `y` and `sample_weight`.

    Args:
        dense: Dense labels, as returned by `pad_labels`.
        spec: The spec.

    Returns:
        Targets: the labels of `pad_labels`, but shifted. Weights: float32 `[B]`, for steps `[B, T]`.
        One tensor each for a spec with `label`, dicts by head for one with `labels`.
    """
    lengths = dense[SEQUENCE_LENGTH]
    of_rows = dense[EXAMPLE_WEIGHT] if spec.example_weight else tf.ones(tf.shape(lengths), tf.float32)
    targets, weights = {}, {}
    for head, label in spec.heads.items():
        target, weight = dense[label_name(head)], of_rows
        if label.per_step:
            if label.shift:
                target = tf.roll(target, -label.shift, axis=1)
            steps = tf.shape(target)[1]
            real = tf.sequence_mask(lengths - label.shift, steps, tf.float32)
            weight = of_rows[:, None] * real
            if label.step_weight:
                weight *= dense[step_weight_name(head)]
        if label.may_be_missing:
            weight = tf.where(missing_targets(target, label), 0.0, weight)
            target = without_markers(target, label)
        targets[head], weights[head] = target, weight
    if spec.label is not None:
        return targets.popitem()[1], weights.popitem()[1]
    return targets, weights


def checked_labels(features: dict[str, Any], spec: SequenceSpec) -> dict[str, Any]:
    """Checks that labels are valid classes or numbers, and match the record's steps; returns the features.

    Not part of the transform graph, because that also runs without labels.

    Args:
        features: Features by transformed name, as for `pad_labels`.
        spec: The spec.
    """
    checked = dict(features)
    lengths = features[SEQUENCE_LENGTH]
    for head, label in spec.heads.items():
        name, weight = label_name(head), step_weight_name(head)
        if label.is_cut_out:
            checked[SEQUENCE_LENGTH] = _long_enough(lengths, label)
            continue
        values = features[name]
        if label.per_step:
            values = aligned(values, label.key, lengths)
        if label.step_weight:
            checked[weight] = aligned(features[weight], label.step_weight, lengths)
        flat = values.flat_values if isinstance(values, tf.RaggedTensor) else values
        with tf.control_dependencies([_check(flat, label)]):
            flat = tf.identity(flat)
        checked[name] = values.with_flat_values(flat) if isinstance(values, tf.RaggedTensor) else flat
    return checked


def labelled_rows(features: dict[str, Any], spec: SequenceSpec, seed: tf.Tensor | None = None) -> dict[str, Any]:
    """The features of the rows for training and evaluation: truncated records, or windows of them.

    Args:
        features: Features by transformed name, including labels.
        spec: The spec.
        seed: Integer `[2]`, in training, for random choices.
    """
    checked = checked_labels(features, spec)
    if forecast_heads(spec):
        return cut_forecast_windows(checked, spec, seed)
    return cut_steps(checked, spec, seed)


def _long_enough(lengths: tf.Tensor, label: Label) -> tf.Tensor:
    check = assert_in_graph(
        tf.reduce_all(lengths > label.horizon),
        f"Label {label.key}: a record has no history before its last {label.horizon} steps. Steps:",
        lengths,
    )
    with tf.control_dependencies([check]):
        return tf.identity(lengths)


def _check(flat: tf.Tensor, label: Label) -> tf.Operation:
    if not label.has_classes:
        right, fault = tf.math.is_finite(flat), "a value is missing or not finite. Values:"
    elif isinstance(label.kind, DeclaredDistribution):
        right = tf.reduce_all(flat >= 0, axis=-1) & (tf.abs(tf.reduce_sum(flat, axis=-1) - 1) <= SUM_TOLERANCE)
        fault = "a vector is not a distribution, numbers from 0 whose sum is 1. Values:"
    elif label.is_vector:
        right, fault = (flat == 0) | (flat == 1), "a value is neither 0 nor 1. Values:"
    else:
        right, fault = flat >= 0, "a class is not in the spec or the training split. Class indices:"
    if label.may_be_missing:
        marked = is_marked(flat)
        # One marked number makes the whole vector a missing target.
        right |= marked if marked.shape.rank == right.shape.rank else tf.reduce_any(marked, axis=-1)
    return assert_in_graph(tf.reduce_all(right), f"Label {label.key}: {fault}", flat)
