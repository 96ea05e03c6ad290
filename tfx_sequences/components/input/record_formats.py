"""How serialized records are read: only their lengths, cheaply, or their full contents.

Three formats use the same input: transformed `tf.Example` as Transform writes them,
and raw `tf.SequenceExample` or `tf.Example` as described by a spec.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfx_sequences.components.batches.absent_lists import longest_lists
from tfx_sequences.components.batches.label_batches import Targets, labelled_rows, pad_labels, targets_and_weights
from tfx_sequences.components.batches.missing_labels import missing_marker, with_missing_labels
from tfx_sequences.components.batches.padding import longest_of, pad_features, pad_steps
from tfx_sequences.components.batches.ragged_steps import like, steps_of
from tfx_sequences.components.batches.truncation import cut_steps
from tfx_sequences.components.records.keys import record_id
from tfx_sequences.components.records.well_formed import malformed, parse_errors
from tfx_sequences.errors import SpecError
from tfx_sequences.schemas.columns.names import SEQUENCE_LENGTH, SEQUENCE_PREFIX, raw_name
from tfx_sequences.schemas.features.parse_specs import parse_records
from tfx_sequences.schemas.features.raw_features import RawFeature, features_of, raw_features
from tfx_sequences.schemas.features.record_scales import read_features
from tfx_sequences.schemas.features.transformed_features import EXAMPLE_WEIGHT, RECORD_ID, label_name, step_weight_name
from tfx_sequences.schemas.spec.batching import Padding
from tfx_sequences.schemas.spec.forecasts import forecast_heads
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

Features = dict[str, Any]
Batch = tuple[Features, Targets, Targets]
PARSE_ERRORS = parse_errors()


@dataclasses.dataclass(frozen=True)
class RecordFormat:
    """What the input must know about a record format.

    Attributes:
        lengths: Maps serialized records `[B]`, at least one, to their numbers of steps, int64 `[B]`. It is
            called from Python, for thousands of records at a time.
        parse: Maps serialized records `[B]`, at least one, to features by name: sequences ragged `[B, T, ...]`,
            with `sequence_length` `[B]`.
        batch: Maps serialized records, and in training a seed `[2]` for random choices (otherwise None), to
            padded `(inputs, targets, weights)`; the latter two as in `targets_and_weights`.
        name: Maps one serialized record to its id, or None.
        malformed: Whether each of serialized records `[N]` is not well-formed, which `parse` may overlook, bool `[N]`.
    """

    lengths: Callable[[tf.Tensor], tf.Tensor]
    parse: Callable[[tf.Tensor], Features]
    batch: Callable[..., Batch]
    name: Callable[[bytes], str | None]
    malformed: Callable[[Sequence[bytes]], np.ndarray]


def transformed_records(spec: SequenceSpec, feature_spec: Features) -> RecordFormat:
    """The format of records that Transform wrote.

    Args:
        spec: The spec; for a network that also reads the scales of records, that of `network_spec`.
        feature_spec: `make_parse_transformed_spec(spec)`.
    """

    def name(serialized: bytes) -> str | None:
        if not spec.id_key:
            return None
        identity = tf.io.parse_single_example(serialized, {RECORD_ID: feature_spec[RECORD_ID]})[RECORD_ID]
        return identity.numpy().decode("utf-8", "replace")

    feature_spec = read_features(feature_spec, spec)
    padded = _padded_features(spec, feature_spec)
    parsed = {name: feature for name, feature in feature_spec.items() if name not in padded}
    parsed |= dict(padded.values())

    def batch(serialized: tf.Tensor, seed: tf.Tensor | None = None) -> Batch:
        features = tf.io.parse_example(serialized, parsed)
        for name, (key, _) in padded.items():
            features[name] = features.pop(key)
        return _model_batch(features, spec, seed)

    return RecordFormat(
        lengths=_transformed_lengths,
        parse=lambda serialized: tf.io.parse_example(serialized, feature_spec),
        batch=batch,
        name=name,
        malformed=lambda records: malformed(records, spec, "Example"),
    )


def _transformed_lengths(serialized: tf.Tensor) -> tf.Tensor:
    """Does what `tf.io.parse_example` does for one feature, but without its overhead, which doubles the time."""
    return _length_op()(serialized=serialized).dense_values[0]


@functools.cache
def _length_op() -> Callable[..., Any]:
    with tf.init_scope():
        nothing, key, no_default = tf.constant([], tf.string), tf.constant([SEQUENCE_LENGTH]), tf.constant([], tf.int64)
    return functools.partial(
        tf.raw_ops.ParseExampleV2,
        names=nothing,
        sparse_keys=nothing,
        dense_keys=key,
        ragged_keys=nothing,
        dense_defaults=[no_default],
        num_sparse=0,
        sparse_types=[],
        ragged_value_types=[],
        ragged_split_types=[],
        dense_shapes=[[]],
    )


def _padded_features(spec: SequenceSpec, feature_spec: Features) -> dict[str, tuple[str, Any]]:
    """Columns that the parse op itself can pad, by name: key in the record, and feature to parse.

    These are sequence columns with a fixed number of values per step and padding on the right, if nothing is truncated.
    This saves an op and a copy for each of them.
    """
    if spec.batching.max_length is not None or forecast_heads(spec):
        return {}
    padded = {}
    for name, column in spec.columns.items():
        feature = feature_spec.get(name)
        padding = spec.batching.padding.get(name.removeprefix(SEQUENCE_PREFIX), Padding())
        if not column.is_sequence or padding.side == "left" or not isinstance(feature, tf.io.RaggedFeature):
            continue
        if feature.dtype == tf.string:
            continue  # To pad the numbers that they hold is quicker.
        uniform = [p.length for p in feature.partitions if isinstance(p, tf.io.RaggedFeature.UniformRowLength)]
        if feature.value_key and len(uniform) == len(feature.partitions):
            value = feature.dtype.as_numpy_dtype(padding.value)
            padded[name] = feature.value_key, tf.io.FixedLenSequenceFeature(uniform, feature.dtype, True, value)
    return padded


def raw_records(
    spec: SequenceSpec,
    transform: Callable[[Features], Features] | None = None,
    *,
    read_as: SequenceSpec | None = None,
) -> RecordFormat:
    """The format of raw records as described by the spec, `tf.SequenceExample` or `tf.Example`.

    Args:
        spec: The spec.
        transform: Maps parsed features to transformed ones, such as
            `SavedModelLoader(...).apply_transform_model`. Without it, batches contain the raw
            values by raw name: context `[B, *shape]`, sequence `[B, T, values]`; labels and
            weights as stored.
        read_as: With `transform`: the spec of `network_spec`, for a network that also reads the scales of records.

    Raises:
        SpecError: No sequence feature of the raw record determines its number of steps; or the label is a forecast,
            but there is no `transform`.
    """
    if transform is None and forecast_heads(spec):
        raise SpecError(
            "Forecast windows can only be cut from transformed records.",
            expected="`transform`, because the label is a forecast",
            received="none",
            fix="Pass `transform`, or train from transformed records, as the pipeline does.",
        )
    aligned = [name for name, column in spec.columns.items() if column.align is not None]
    if transform is None and aligned:
        raise SpecError(
            f"{aligned[0]} is aligned with the record's steps by the transform.",
            expected="`transform`, where a column has `align`",
            received="none",
            fix="Give `transform`, or train from transformed records, as the pipeline does.",
        )
    lengths = _raw_lengths(spec)
    if transform is None and lengths is None:
        raise SpecError(
            "The length of raw records is unknown before they are transformed.",
            expected="a feature with one value per step",
            received="features that become steps only in the transform",
            fix="Pass `transform`, or train from transformed records, as the pipeline does.",
        )

    def parse(serialized: tf.Tensor) -> Features:
        features = parse_records(serialized, spec)
        if transform is not None:
            return read_features(transform(features), read_as or spec)
        return {**features, SEQUENCE_LENGTH: longest_lists(features, _deciding_lists(spec))}

    to_batch = _raw_batch if transform is None else _model_batch
    lengths = lengths or (lambda serialized: parse(serialized)[SEQUENCE_LENGTH])
    return RecordFormat(
        lengths=tf.function(lengths, input_signature=[tf.TensorSpec([None], tf.string)], autograph=False),
        parse=parse,
        batch=lambda serialized, seed=None: to_batch(parse(serialized), read_as or spec, seed),
        name=lambda serialized: record_id(serialized, spec),
        malformed=lambda records: malformed(records, spec),
    )


def _raw_lengths(spec: SequenceSpec) -> Callable[[tf.Tensor], tf.Tensor] | None:
    """Parses one sequence feature, the cheapest, and the others where a record does not have that one.

    None where steps are made by the transform.
    """
    features = sorted(_deciding_lists(spec), key=lambda f: (f.dtype == "string", f.multi_valued, f.size, f.key))
    if not features:
        return None

    def steps_of_lists(serialized: tf.Tensor, lists: Sequence[RawFeature]) -> tf.Tensor:
        parsers = {
            f.key: tf.io.RaggedFeature(tf.as_dtype(f.dtype), value_key=f.key, row_splits_dtype=tf.int64) for f in lists
        }
        if spec.record == "Example":
            parsed = tf.io.parse_example(serialized, parsers)
            return tf.reduce_max(tf.stack([parsed[f.key].row_lengths() // f.size for f in lists]), axis=0)
        _, parsed, _ = tf.io.parse_sequence_example(serialized, None, parsers)
        return tf.reduce_max(tf.stack([parsed[f.key].row_lengths() for f in lists]), axis=0)

    def lengths(serialized: tf.Tensor) -> tf.Tensor:
        found = steps_of_lists(serialized, features[:1])
        if len(features) == 1:
            return found
        return tf.cond(tf.reduce_all(found > 0), lambda: found, lambda: steps_of_lists(serialized, features))

    return lengths


def _deciding_lists(spec: SequenceSpec) -> list[RawFeature]:
    """The features of steps that decide how many a record has; in a spec without any, the labels of steps."""
    read, labelled = (
        [f for f in raw_features(spec, with_label=with_label) if f.is_sequence and not f.clock]
        for with_label in (False, True)
    )
    return read or labelled


def _model_batch(features: Features, spec: SequenceSpec, seed: tf.Tensor | None) -> Batch:
    features = labelled_rows(features, spec, seed)
    return pad_features(features, spec), *targets_and_weights(pad_labels(features, spec), spec)


def _raw_batch(features: Features, spec: SequenceSpec, seed: tf.Tensor | None) -> Batch:
    features = cut_steps(features, spec, seed)
    longest = longest_of(features[SEQUENCE_LENGTH])
    labels = {SEQUENCE_LENGTH: features[SEQUENCE_LENGTH]}
    used_as = {key for key, _ in _raw_labels(spec).values()}
    for name, (key, shape) in _raw_labels(spec).items():
        labels[name] = _one_per_step(features[key], key, shape) if shape is not None else features[key]
        if shape is not None:
            labels[name] = with_missing_labels(labels[name], features[SEQUENCE_LENGTH])
    for name in (step_weight_name(head) for head, label in spec.heads.items() if label.step_weight):
        labels[name] = tf.cast(labels[name], tf.float32)
    if spec.example_weight:
        labels[EXAMPLE_WEIGHT] = tf.cast(features.pop(raw_name(spec.example_weight, of_steps=False)), tf.float32)
    inputs_too = {feature.tensor_name for column in spec.columns.values() for feature in features_of(column)}
    features = {name: values for name, values in features.items() if name not in used_as or name in inputs_too}
    # Padding is declared by column name, but raw features are named by key.
    declared = {
        c.key: spec.batching.padding[name] for name, c in spec.sequence.items() if name in spec.batching.padding
    }
    inputs = {}
    for name, values in features.items():
        if isinstance(values, tf.RaggedTensor) and not name.startswith(SEQUENCE_PREFIX):
            values = values.to_tensor()
        elif isinstance(values, tf.RaggedTensor):
            values = pad_steps(values, longest, declared.get(name.removeprefix(SEQUENCE_PREFIX)))
        inputs[name] = values
    return inputs, *targets_and_weights(pad_labels(labels, spec), spec)


def _raw_labels(spec: SequenceSpec) -> dict[str, tuple[str, tuple[int, ...] | None]]:
    """By transformed name: the raw name, and the shape of a step's value if there is one per step."""
    found: dict[str, tuple[str, tuple[int, ...] | None]] = {}
    for head, label in spec.heads.items():
        one_per_step = label.per_step and not label.has_several_terms
        found[label_name(head)] = label.raw_name, label.shape if one_per_step else None
        if label.step_weight:
            found[step_weight_name(head)] = SEQUENCE_PREFIX + label.step_weight, ()
    return found


def _one_per_step(values: tf.RaggedTensor, key: str, shape: tuple[int, ...]) -> tf.RaggedTensor:
    steps, present = steps_of(values, key.removeprefix(SEQUENCE_PREFIX), shape)
    there = tf.reshape(present, [-1] + [1] * len(shape))
    return like(values, tf.where(there, steps, missing_marker(steps.dtype)))
