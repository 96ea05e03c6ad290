"""The TFT `preprocessing_fn`, generated from the spec.

In: parsed features by raw name. Out, by transformed name (what the materialised
records, the model and the serving graph all use):

    context.NAME     dense [B, *shape] float32, or [B] int64 ids
    sequence.NAME    ragged [B, T, *shape] float32, or [B, T] int64 ids
    sequence_length  [B] int64, steps of the record
    label            [B] int64 class index, or float32
    example_weight   [B] float32          (if the spec names one)
    id               [B] string           (if the spec names one)
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

from tfx_sequences.components.length_histogram import analyze_lengths
from tfx_sequences.schemas.columns import CategoricalColumn, NumericColumn
from tfx_sequences.schemas.raw_features import SEQUENCE_PREFIX
from tfx_sequences.schemas.spec import SequenceSpec
from tfx_sequences.schemas.spec_io import spec_from_json
from tfx_sequences.schemas.vocabularies import known_terms

SEQUENCE_LENGTH = "sequence_length"
LABEL = "label"
EXAMPLE_WEIGHT = "example_weight"
RECORD_ID = "id"


def preprocessing_fn(inputs: dict[str, Any], custom_config: dict[str, Any]) -> dict[str, Any]:
    """What TFX's Transform calls; `custom_config["spec"]` is the spec's JSON."""
    return transform_inputs(inputs, spec_from_json(custom_config["spec"]))


def transform_inputs(inputs: dict[str, Any], spec: SequenceSpec) -> dict[str, Any]:
    """Transforms parsed features to what the module's docstring lists.

    Args:
        inputs: By raw name, as `parse_records` or Transform's reader gives them.
        spec: The spec.
    """
    outputs: dict[str, Any] = {}
    lengths: dict[str, tf.Tensor] = {}
    for name, column in spec.columns.items():
        if column.is_sequence:
            ragged = inputs[SEQUENCE_PREFIX + column.key]
            values, present = _steps(ragged, column)
            lengths[column.key] = ragged.row_lengths()
            outputs[name] = tf.RaggedTensor.from_row_splits(
                _transform(values, present, name, column), ragged.row_splits, validate=False
            )
        else:
            values = inputs[column.key]
            present = tf.ones(tf.shape(values)[:1], tf.bool)
            outputs[name] = _transform(values, present, name, column)
    outputs[SEQUENCE_LENGTH] = _common_length(lengths)
    analyze_lengths(outputs[SEQUENCE_LENGTH])
    if spec.id_key:
        outputs[RECORD_ID] = tf.identity(inputs[spec.id_key])
    outputs[LABEL] = _label(inputs[spec.label.key], spec)
    if spec.example_weight:
        outputs[EXAMPLE_WEIGHT] = tf.identity(inputs[spec.example_weight])
    return outputs


def vocabulary_name(name: str) -> str:
    """Name of the computed vocabulary's file for a transformed feature."""
    return "vocabulary_" + name.replace(".", "_")


def _steps(ragged: tf.RaggedTensor, column: NumericColumn | CategoricalColumn) -> tuple[tf.Tensor, tf.Tensor]:
    """Values `[N, *shape]` of all `N` steps of the batch, and which of them are there, `[N]`.

    A SequenceExample's feature arrives as `[B, T, values]`: a step without values
    is missing. Collapsing keeps steps aligned with those of the other features.
    """
    size = column.size if isinstance(column, NumericColumn) else 1
    shape = list(column.shape) if isinstance(column, NumericColumn) else []
    values = ragged.values
    if not isinstance(values, tf.RaggedTensor):
        steps = tf.reshape(values, [-1, *shape])
        return steps, tf.ones(tf.shape(steps)[:1], tf.bool)
    counts = values.row_lengths()
    right = tf.reduce_all((counts == 0) | (counts == size))
    check = tf.debugging.Assert(
        right, [f"Feature '{column.key}': each step has {size} values or none. Values per step received:", counts]
    )
    with tf.control_dependencies([check]):
        default = "" if values.dtype == tf.string else tf.zeros([], values.dtype)
        dense = values.to_tensor(default_value=default, shape=[None, size])
    return tf.reshape(dense, [-1, *shape]), counts > 0


def _transform(
    values: tf.Tensor, present: tf.Tensor, name: str, column: NumericColumn | CategoricalColumn
) -> tf.Tensor:
    if isinstance(column, NumericColumn):
        return _numbers(values, present, column)
    return _ids(values, present, name, column)


def _numbers(values: tf.Tensor, present: tf.Tensor, column: NumericColumn) -> tf.Tensor:
    values = tf.cast(values, tf.float32)
    if column.default_value is not None:
        is_there = tf.reshape(present, [-1] + [1] * len(column.shape))
        values = tf.where(is_there, values, tf.constant(column.default_value, tf.float32))
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
    return values


def _ids(values: tf.Tensor, present: tf.Tensor, name: str, column: CategoricalColumn) -> tf.Tensor:
    fallback = -1 if column.default_value is None else column.default_value
    if column.num_buckets is not None:
        in_range = present & (values >= 0) & (values < column.num_buckets)
        ids = tf.where(in_range, values, tf.constant(fallback, tf.int64))
        return _known(ids, values, f"ids in [0, {column.num_buckets})", name)
    terms = tf.strings.as_string(values) if values.dtype != tf.string else values
    # Not the default of the parser but "nothing" is what a missing step says.
    terms = tf.where(present, terms, "")
    if column.lowercase:
        terms = tf.strings.lower(terms, encoding="utf-8")
    if column.hash_bucket_size is not None:
        return tft.hash_strings(terms, column.hash_bucket_size)
    listed = known_terms(column)
    if listed is not None:
        ids = _lookup(terms, listed, column.oov_buckets, fallback)
    else:
        computed = column.vocabulary
        ids = tft.compute_and_apply_vocabulary(
            terms,
            default_value=fallback,
            top_k=computed.top_k if computed else None,
            frequency_threshold=computed.frequency_threshold if computed else None,
            num_oov_buckets=column.oov_buckets,
            vocab_filename=vocabulary_name(name),
        )
    return ids if column.oov_buckets else _known(ids, terms, "a term of the vocabulary", name)


def _lookup(terms: tf.Tensor, listed: list[str], oov_buckets: int, fallback: int) -> tf.Tensor:
    with tf.init_scope():
        initializer = tf.lookup.KeyValueTensorInitializer(listed, tf.range(len(listed), dtype=tf.int64))
        table: Any
        if oov_buckets:
            table = tf.lookup.StaticVocabularyTable(initializer, oov_buckets)
        else:
            table = tf.lookup.StaticHashTable(initializer, default_value=fallback)
    return table.lookup(terms)


def _known(ids: tf.Tensor, values: tf.Tensor, expected: str, name: str) -> tf.Tensor:
    unknown = tf.boolean_mask(values, ids < 0)
    check = tf.debugging.Assert(
        tf.equal(tf.size(unknown), 0),
        [f"Feature '{name}': expected {expected}; set default_value or an OOV bucket for others. Received:", unknown],
        summarize=5,
    )
    with tf.control_dependencies([check]):
        return tf.identity(ids)


def _label(values: tf.Tensor, spec: SequenceSpec) -> tf.Tensor:
    if spec.label.type == "regression":
        return tf.cast(values, tf.float32)
    terms = tf.strings.as_string(values) if values.dtype != tf.string else values
    if spec.label.classes is not None:
        return _lookup(terms, [str(c) for c in spec.label.classes], 0, -1)
    return tft.compute_and_apply_vocabulary(terms, default_value=-1, vocab_filename=vocabulary_name(LABEL))


def checked_label(label: tf.Tensor, spec: SequenceSpec) -> tf.Tensor:
    """The transformed label `[B]`; an unknown class is an error where a label is used.

    Not part of the transform graph: that also runs where there is no label.
    """
    if spec.label.type == "regression":
        return label
    check = tf.debugging.Assert(
        tf.reduce_all(label >= 0),
        [f"Label '{spec.label.key}': a class that the spec or the training split does not have. Class indices:", label],
    )
    with tf.control_dependencies([check]):
        return tf.identity(label)


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
