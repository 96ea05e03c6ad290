"""Transforms labels: to class indices or numbers, with the counts for balancing classes.

If a graph gets no labels, as in serving, TFT feeds it placeholders. So nothing here may fail because of
a label's value. `checked_labels` does, where labels are used.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

from tfx_sequences.components.batches.ragged_steps import like, unchecked_steps_of
from tfx_sequences.components.transform.class_counts import analyze_classes
from tfx_sequences.schemas.columns.names import MISSING_INT, NO_ID, SEQUENCE_PREFIX, raw_name
from tfx_sequences.schemas.features.computed_vocabularies import vocabulary_name
from tfx_sequences.schemas.features.transformed_features import label_name, mase_scale_name, step_weight_name
from tfx_sequences.schemas.spec.label import Label
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def transform_labels(inputs: dict[str, Any], spec: SequenceSpec) -> dict[str, Any]:
    """Labels and step weights by transformed name.

    Args:
        inputs: Parsed features by raw name.
        spec: The spec.
    """
    outputs = {}
    for head, label in spec.heads.items():
        if label.mase_scale:
            outputs[mase_scale_name(head)] = tf.identity(inputs[raw_name(label.mase_scale, of_steps=False)])
        if label.is_cut_out:
            continue
        values = inputs[label.raw_name]
        outputs[label_name(head)] = transformed = _transformed(values, label, label_name(head))
        if label.class_weights == "balanced":
            analyze_classes(_tokens(values, transformed, label), label_name(head))
        if label.step_weight:
            weights = inputs[SEQUENCE_PREFIX + label.step_weight]
            outputs[step_weight_name(head)] = like(weights, _numbers(weights, ()))
    return outputs


def _transformed(values: Any, label: Label, name: str) -> Any:
    if label.target_dtype == "float32":
        if not label.per_step:
            return tf.cast(values, tf.float32)
        return like(values, _numbers(values, label.shape))
    terms = _terms(values, label)
    if isinstance(terms, tf.RaggedTensor):
        return terms.with_flat_values(_ids(terms.flat_values, label, name))
    return _ids(terms, label, name)


def _numbers(values: tf.RaggedTensor, shape: tuple[int, ...]) -> tf.Tensor:
    """`[N, *shape]` float32 for all steps; NaN for a missing value, which training and evaluation reject."""
    steps, present = unchecked_steps_of(values, shape)
    there = tf.reshape(present, [-1] + [1] * len(shape))
    return tf.where(there, tf.cast(steps, tf.float32), tf.constant(float("nan"), tf.float32))


def _terms(values: Any, label: Label) -> Any:
    """Terms in the shape of the output; a missing one becomes a term that is not a class."""
    if label.has_several_terms or not label.per_step:
        return values
    steps, present = unchecked_steps_of(values, ())
    missing = tf.constant("" if steps.dtype == tf.string else MISSING_INT, steps.dtype)
    return like(values, tf.where(present, steps, missing))


def _ids(flat: tf.Tensor, label: Label, name: str) -> tf.Tensor:
    terms = flat if flat.dtype == tf.string else tf.strings.as_string(flat)
    one_more = label.unseen != "error"
    if label.given_classes is None:
        ids = tft.compute_and_apply_vocabulary(
            terms, default_value=NO_ID, num_oov_buckets=int(one_more), vocab_filename=vocabulary_name(name)
        )
    else:
        with tf.init_scope():
            classes = label.given_classes
            initializer = tf.lookup.KeyValueTensorInitializer(classes, tf.range(len(classes), dtype=tf.int64))
            table = tf.lookup.StaticHashTable(initializer, default_value=len(classes) if one_more else NO_ID)
        ids = table.lookup(terms)
    if not one_more:
        return ids
    # A missing label does not belong to a new class.
    is_missing = (terms == "") | (terms == str(MISSING_INT))
    return tf.where(is_missing, tf.constant(NO_ID, ids.dtype), ids)


def _tokens(raw: Any, transformed: Any, label: Label) -> tf.Tensor:
    """The strings to count, one per class and target. They are terms if classes are computed, so that one pass
    over the data is enough; otherwise the classes' indices."""
    counted = _terms(raw, label) if label.given_classes is None else transformed
    if label.shift:
        counted = counted[:, label.shift :]
    flat = counted.flat_values if isinstance(counted, tf.RaggedTensor) else counted
    if label.is_vector:
        flat = tf.where(flat > 0)[:, 1]
    return flat if flat.dtype == tf.string else tf.strings.as_string(flat)
