"""Parse specs of `tf.io`, generated; and the one function that parses records.

The same function stands in training, evaluation and the serving graph.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfx_sequences.schemas.raw_features import RawFeature, raw_features
from tfx_sequences.schemas.spec import SequenceSpec

FeatureSpec = dict[str, Any]


def make_parse_sequence_example_spec(spec: SequenceSpec, *, with_label: bool = True) -> tuple[FeatureSpec, FeatureSpec]:
    """The two dicts `tf.io.parse_sequence_example` takes: context and sequence.

    Context features are `FixedLenFeature` `[B, *shape]`. Sequence features are
    `RaggedFeature` `[B, T, values]`; their keys in the dict begin with
    `sequence.`, so a context feature may have the same name.

    >>> from tfx_sequences.schemas.spec_io import load_spec
    >>> context, sequence = make_parse_sequence_example_spec(load_spec("japanese_vowels"), with_label=False)
    >>> context["utterance_id"]
    FixedLenFeature(shape=(), dtype=tf.string, default_value='')
    >>> sequence["sequence.lpc"].value_key
    'lpc'
    """
    context, sequence = {}, {}
    for feature in raw_features(spec, with_label=with_label):
        if feature.is_sequence:
            sequence[feature.tensor_name] = tf.io.RaggedFeature(
                tf.as_dtype(feature.dtype), value_key=feature.key, row_splits_dtype=tf.int64
            )
        else:
            context[feature.tensor_name] = _fixed(feature)
    return context, sequence


def make_parse_example_spec(spec: SequenceSpec, *, with_label: bool = True) -> FeatureSpec:
    """The dict `tf.io.parse_example` takes, for records that are `tf.Example`.

    A sequence feature is a list of `T * size` values there; a scalar one is parsed
    to a ragged `[B, T]`, an array one to `[B, T, size]`.
    """
    parsed = {}
    for feature in raw_features(spec, with_label=with_label):
        if feature.is_sequence:
            parsed[feature.tensor_name] = tf.io.RaggedFeature(
                tf.as_dtype(feature.dtype),
                value_key=feature.key,
                partitions=[tf.io.RaggedFeature.UniformRowLength(feature.size)] if feature.shape else (),
                row_splits_dtype=tf.int64,
            )
        else:
            parsed[feature.tensor_name] = _fixed(feature)
    return parsed


def parse_records(serialized: tf.Tensor, spec: SequenceSpec, *, with_label: bool = True) -> dict[str, Any]:
    """Parses a batch of serialized records of the spec's kind.

    Args:
        serialized: Strings `[B]`; `B` may be 0.
        spec: The spec.
        with_label: Also parse label and example weight, which are then required.

    Returns:
        Tensors by raw name: dense `[B, *shape]` for context, ragged for sequence
        (see the two functions above).

    Raises:
        tf.errors.InvalidArgumentError: A record is of another kind, lacks a
            required feature, or holds another dtype. TensorFlow's message names
            the record's index and the feature.
    """
    size = tf.shape(serialized)[0]
    # The parse ops refuse an empty batch that has required features: it gets a record, cut off again below.
    serialized = tf.cond(size > 0, lambda: serialized, lambda: _placeholder(spec, with_label)[None])
    if spec.record == "Example":
        parsed = tf.io.parse_example(serialized, make_parse_example_spec(spec, with_label=with_label))
    else:
        context_spec, sequence_spec = make_parse_sequence_example_spec(spec, with_label=with_label)
        context, sequence, _ = tf.io.parse_sequence_example(serialized, context_spec or None, sequence_spec)
        parsed = {**context, **sequence}
    return {name: value[:size] for name, value in parsed.items()}


def _placeholder(spec: SequenceSpec, with_label: bool) -> tf.Tensor:
    """A record with what is required, of length zero."""
    features = tf.train.Features()
    for raw in raw_features(spec, with_label=with_label):
        if raw.is_sequence:
            continue
        values = features.feature[raw.key]
        if raw.dtype == "string":
            values.bytes_list.value.extend([b""] * raw.size)
        elif raw.dtype == "int64":
            values.int64_list.value.extend([0] * raw.size)
        else:
            values.float_list.value.extend([0.0] * raw.size)
    record = tf.train.Example(features=features)
    if spec.record == "SequenceExample":
        record = tf.train.SequenceExample(context=features)
    return tf.constant(record.SerializeToString())


def _fixed(feature: RawFeature) -> tf.io.FixedLenFeature:
    default: Any = feature.default
    if default is not None and feature.shape:
        default = [default] * feature.size
    return tf.io.FixedLenFeature(feature.shape, tf.as_dtype(feature.dtype), default)
