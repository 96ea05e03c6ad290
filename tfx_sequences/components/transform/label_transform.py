"""Transforms labels: to class indices or numbers, with the counts for balancing classes.

If a graph gets no labels, as in serving, TFT feeds it placeholders. So nothing here may fail because of
a label's value. `checked_labels` does, where labels are used.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfx_sequences.components.batches.missing_labels import is_marked, missing_marker, with_markers, with_missing_labels
from tfx_sequences.components.batches.ragged_steps import like, unchecked_steps_of
from tfx_sequences.components.transform.class_counts import analyze_classes
from tfx_sequences.components.transform.statistics_engine import StatisticsEngine
from tfx_sequences.schemas.columns.names import MISSING_INT, NO_ID, SEQUENCE_LENGTH, SEQUENCE_PREFIX, raw_name
from tfx_sequences.schemas.features.computed_vocabularies import vocabulary_name
from tfx_sequences.schemas.features.transformed_features import label_name, mase_scale_name, step_weight_name
from tfx_sequences.schemas.spec.label import Label
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def transform_labels(inputs: dict[str, Any], spec: SequenceSpec, engine: StatisticsEngine) -> dict[str, Any]:
    """Labels and step weights by transformed name.

    Args:
        inputs: Parsed features by raw name.
        spec: The spec.
        engine: Gives the classes, and counts them.
    """
    outputs = {}
    for head, label in spec.heads.items():
        if label.mase_scale:
            outputs[mase_scale_name(head)] = tf.identity(inputs[raw_name(label.mase_scale, of_steps=False)])
        if label.is_cut_out:
            continue
        values = with_markers(inputs[label.raw_name], label)
        outputs[label_name(head)] = transformed = _transformed(values, label, label_name(head), engine)
        if label.class_weights == "balanced":
            analyze_classes(engine, _tokens(values, transformed, label), label_name(head))
        if label.step_weight:
            weights = inputs[SEQUENCE_PREFIX + label.step_weight]
            outputs[step_weight_name(head)] = like(weights, _numbers(weights, ()))
    return outputs


def _transformed(values: Any, label: Label, name: str, engine: StatisticsEngine) -> Any:
    if label.target_dtype == "float32":
        if not label.per_step:
            return tf.where(is_marked(values), tf.constant(float("nan")), tf.cast(values, tf.float32))
        return like(values, _numbers(values, label.shape))
    terms = _terms(values, label)
    there = _there(values, label)
    if isinstance(terms, tf.RaggedTensor):
        return terms.with_flat_values(_ids(terms.flat_values, there, label, name, engine))
    return _ids(terms, there, label, name, engine)


def _numbers(values: tf.RaggedTensor, shape: tuple[int, ...]) -> tf.Tensor:
    """`[N, *shape]` float32 for all steps; NaN for a missing value, which training and evaluation reject."""
    steps, present = unchecked_steps_of(values, shape)
    there = tf.reshape(present, [-1] + [1] * len(shape))
    there &= tf.logical_not(is_marked(steps))
    return tf.where(there, tf.cast(steps, tf.float32), tf.constant(float("nan"), tf.float32))


def _terms(values: Any, label: Label) -> Any:
    """Terms in the shape of the output; a missing one becomes a term that is not a class."""
    if label.has_several_terms or not label.per_step:
        return values
    steps, present = unchecked_steps_of(values, ())
    missing = tf.constant("" if steps.dtype == tf.string else MISSING_INT, steps.dtype)
    return like(values, tf.where(present, steps, missing))


def _there(values: Any, label: Label) -> tf.Tensor | None:
    """Which of the terms are not missing, bool `[N]`; None if all are there."""
    if label.has_several_terms or not label.may_be_missing:
        return None
    if label.per_step:
        steps, present = unchecked_steps_of(values, ())
        return present & tf.logical_not(is_marked(steps)) if label.stored_as_missing else present
    return tf.logical_not(is_marked(values))


def _ids(flat: tf.Tensor, there: tf.Tensor | None, label: Label, name: str, engine: StatisticsEngine) -> tf.Tensor:
    terms = flat if flat.dtype == tf.string else tf.strings.as_string(flat)
    ids = _looked_up(terms, there, label, name, engine)
    if there is not None:
        return tf.where(there, ids, missing_marker(ids.dtype))
    if label.unseen == "error":
        return ids
    # A missing label does not belong to a new class.
    is_missing = (terms == "") | (terms == str(MISSING_INT))
    return tf.where(is_missing, tf.constant(NO_ID, ids.dtype), ids)


def _looked_up(
    terms: tf.Tensor, there: tf.Tensor | None, label: Label, name: str, engine: StatisticsEngine
) -> tf.Tensor:
    one_more = label.unseen != "error"
    if label.given_classes is None:
        known = terms if there is None else tf.boolean_mask(terms, there)
        vocabulary = engine.vocabulary(known, vocabulary_name(name))
        return engine.look_up(terms, vocabulary, default=NO_ID, buckets=int(one_more))
    with tf.init_scope():
        classes = label.given_classes
        initializer = tf.lookup.KeyValueTensorInitializer(classes, tf.range(len(classes), dtype=tf.int64))
        table = tf.lookup.StaticHashTable(initializer, default_value=len(classes) if one_more else NO_ID)
    return table.lookup(terms)


def with_all_steps(outputs: dict[str, Any], spec: SequenceSpec) -> dict[str, Any]:
    """Labels and weights of steps by transformed name, with missing ones in records that do not have the list.

    Args:
        outputs: As of `transform_labels`, with the lengths of the records.
        spec: The spec.
    """
    names = {name for head, label in spec.heads.items() if label.may_be_missing for name in _of_steps(head, label)}
    return {name: with_missing_labels(outputs[name], outputs[SEQUENCE_LENGTH]) for name in sorted(names)}


def _of_steps(head: str, label: Label) -> list[str]:
    return [label_name(head), *([step_weight_name(head)] if label.step_weight else [])] if label.per_step else []


def missing_labels(inputs: dict[str, Any], outputs: dict[str, Any], spec: SequenceSpec) -> list[tf.Tensor]:
    """The name of each head once for each of its targets that is missing in the batch, strings `[N]`.

    Args:
        inputs: Parsed features by raw name.
        outputs: As of `transform_labels`, with the lengths of the records.
        spec: The spec.
    """
    found = []
    for head, label in spec.heads.items():
        if not label.may_be_missing:
            continue
        raw = with_markers(inputs[label.raw_name], label)
        values = _marked_values(raw, outputs[label_name(head)], label)
        if label.per_step:
            values = with_missing_labels(values, outputs[SEQUENCE_LENGTH])[:, label.shift :].flat_values
        marked = is_marked(values)
        marked = tf.reduce_any(marked, axis=-1) if label.is_vector else marked
        found.append(tf.fill([tf.math.count_nonzero(marked)], head))
    return found


def _marked_values(raw: Any, transformed: Any, label: Label) -> Any:
    """The label's numbers; zeros in place of classes, whose vocabulary would take another pass over the data."""
    if label.target_dtype == "float32":
        return transformed
    there = _there(raw, label)
    if there is None:
        return raw.with_flat_values(tf.zeros_like(raw.flat_values, tf.int64))
    values = tf.where(there, tf.zeros([], tf.int64), missing_marker(tf.int64))
    return like(raw, values) if label.per_step else values


def _tokens(raw: Any, transformed: Any, label: Label) -> tf.Tensor:
    """The strings to count, one per class and target. They are terms if classes are computed, so that one pass
    over the data is enough; otherwise the classes' indices."""
    counted = _terms(raw, label) if label.given_classes is None else transformed
    there = like(raw, _there(raw, label)) if label.per_step and _there(raw, label) is not None else _there(raw, label)
    if label.shift:
        counted = counted[:, label.shift :]
        there = None if there is None else there[:, label.shift :]
    flat = counted.flat_values if isinstance(counted, tf.RaggedTensor) else counted
    if there is not None and not label.is_vector:
        flat = tf.boolean_mask(flat, there.flat_values if isinstance(there, tf.RaggedTensor) else there)
    if label.is_vector:
        flat = tf.where(flat > 0)[:, 1]
    return flat if flat.dtype == tf.string else tf.strings.as_string(flat)
