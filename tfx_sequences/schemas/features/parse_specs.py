"""Parse specs of `tf.io`, generated; and the one function that parses records.

Training, evaluation and the serving graph use the same function.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import tensorflow as tf

from tfx_sequences.errors import SpecError
from tfx_sequences.schemas.columns.column_base import BaseColumn
from tfx_sequences.schemas.columns.names import SEQUENCE_PREFIX, raw_name
from tfx_sequences.schemas.features.raw_features import RawFeature, raw_features
from tfx_sequences.schemas.features.transformed_features import make_parse_transformed_spec
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

FeatureSpec = dict[str, Any]


def make_parse_sequence_example_spec(
    spec: SequenceSpec | Iterable[BaseColumn], *, with_label: bool = True
) -> tuple[FeatureSpec, FeatureSpec]:
    """The two dicts `tf.io.parse_sequence_example` takes: context and sequence.

    Context features are `FixedLenFeature`, `[B, *shape]`; those of any number of
    values `RaggedFeature`, `[B, V]`. Sequence features are `RaggedFeature`
    `[B, T, values]`.

    Args:
        spec: The spec, or columns (sequence and context ones, in any order).
        with_label: Also labels and weights, for a spec that has them.

    Returns:
        Context and sequence. Parsed features are called by their keys; a sequence feature
        of a spec, and one whose key a context feature has too, by `sequence.KEY`.

    Raises:
        SpecError: Two columns contradict each other on how a feature is stored.

    >>> from tfx_sequences.schemas.spec.spec_io import load_spec
    >>> context, sequence = make_parse_sequence_example_spec(load_spec("japanese_vowels"), with_label=False)
    >>> context["utterance_id"]
    FixedLenFeature(shape=(), dtype=tf.string, default_value='')
    >>> sequence["sequence.lpc"].value_key
    'lpc'
    """
    context, sequence = {}, {}
    for name, feature in _named(spec, with_label):
        if feature.is_sequence:
            sequence[name] = tf.io.RaggedFeature(
                tf.as_dtype(feature.dtype), value_key=feature.key, row_splits_dtype=tf.int64
            )
        else:
            # The op takes the name of a dense feature for its key in the record.
            context[feature.key] = _of_context(feature)
    return context, sequence


def make_parse_example_spec(
    spec: SequenceSpec | Iterable[BaseColumn], *, with_label: bool = True, transformed: bool = False
) -> FeatureSpec:
    """The dict that `tf.io.parse_example` takes, for records that are `tf.Example`.

    A sequence feature is a list of `T * size` values there; a scalar one is parsed
    to a ragged `[B, T]`, an array one to `[B, T, size]`. Context features and names as in
    `make_parse_sequence_example_spec`.

    Args:
        spec: The spec, or columns.
        with_label: Also labels and weights, for a spec that has them.
        transformed: For the records that Transform writes (of whatever kind the raw ones
            were): numbers normalised, terms as ids, `context.NAME` and `sequence.NAME`.

    Raises:
        SpecError: The flat lists of a `tf.Example` cannot hold a feature: several values
            per step, or one key in context and sequence. Or `transformed` was asked of columns.

    >>> from tfx_sequences import sequence_numeric_column
    >>> [*make_parse_example_spec([sequence_numeric_column("lpc", shape=12)])["lpc"].partitions]
    [UniformRowLength(length=12)]
    """
    if transformed:
        if not isinstance(spec, SequenceSpec):
            raise SpecError(
                "Only a whole spec has transformed records.",
                expected="a SequenceSpec",
                received="columns alone",
                fix="Build a SequenceSpec of them, with a label.",
            )
        return make_parse_transformed_spec(spec, with_label=with_label)
    parsed = {}
    for name, feature in _named(spec, with_label):
        if not feature.is_sequence:
            parsed[feature.key] = _of_context(feature)
            continue
        if name in parsed:
            raise SpecError(
                f"'{feature.key}' and '{name}' cannot both be features of a tf.Example.",
                expected="no feature of the record whose key is that of a feature of the steps after 'sequence.'",
                received=f"both, and parsed features of steps are called '{name}'",
                fix="Use SequenceExamples, or another key.",
            )
        if feature.multi_valued or (name != feature.key and not isinstance(spec, SequenceSpec)):
            raise SpecError(
                f"'{feature.key}' cannot be a feature of a tf.Example.",
                expected="one value (or array) per step, and a key of its own",
                received="several values per step" if feature.multi_valued else "the key of a context feature",
                fix="Use SequenceExamples, and make_parse_sequence_example_spec.",
            )
        parsed[name] = tf.io.RaggedFeature(
            tf.as_dtype(feature.dtype),
            value_key=feature.key,
            partitions=[tf.io.RaggedFeature.UniformRowLength(feature.size)] if feature.shape else (),
            row_splits_dtype=tf.int64,
        )
    return parsed


def parse_records(serialized: tf.Tensor, spec: SequenceSpec, *, with_label: bool = True) -> dict[str, Any]:
    """Parses a batch of serialized records of the spec's kind.

    Args:
        serialized: Strings `[B]`; `B` may be 0.
        spec: The spec.
        with_label: Also parse labels and weights, which are then required.

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
        of_record = {f.key for f in raw_features(spec, with_label=with_label) if not f.is_sequence}
        parsed = {raw_name(name, of_steps=False) if name in of_record else name: v for name, v in parsed.items()}
    else:
        context_spec, sequence_spec = make_parse_sequence_example_spec(spec, with_label=with_label)
        context, sequence, _ = tf.io.parse_sequence_example(serialized, context_spec or None, sequence_spec)
        parsed = {**{raw_name(key, of_steps=False): v for key, v in context.items()}, **sequence}
    return {name: _first_rows(value, size) for name, value in parsed.items()}


def _first_rows(values: Any, size: tf.Tensor) -> Any:
    """`values[:size]`, which takes ten times the operations for a ragged tensor of unknown size."""
    if not isinstance(values, tf.RaggedTensor):
        return values[:size]
    splits = values.row_splits[: tf.cast(size, tf.int64) + 1]
    return tf.RaggedTensor.from_row_splits(_first_rows(values.values, splits[-1]), splits, validate=False)


def _placeholder(spec: SequenceSpec, with_label: bool) -> tf.Tensor:
    """A record with what is required, of length zero."""
    features = tf.train.Features()
    for raw in raw_features(spec, with_label=with_label):
        if not raw.required:
            continue
        values = features.feature[raw.key]
        if raw.dtype == "string":
            values.bytes_list.value.extend([b""] * raw.size)
        elif raw.dtype == "int64":
            values.int64_list.value.extend([0] * raw.size)
        else:
            values.float_list.value.extend([0.0] * raw.size)
    record = tf.train.Example(features=features)
    if spec.payload == "SequenceExample":
        record = tf.train.SequenceExample(context=features)
    return tf.constant(record.SerializeToString())


def _named(spec: SequenceSpec | Iterable[BaseColumn], with_label: bool) -> list[tuple[str, RawFeature]]:
    features = raw_features(spec, with_label=with_label)
    if isinstance(spec, SequenceSpec):
        return [(feature.tensor_name, feature) for feature in features]
    taken = {feature.key for feature in features if not feature.is_sequence}
    return [(SEQUENCE_PREFIX + f.key if f.is_sequence and f.key in taken else f.key, f) for f in features]


def _of_context(feature: RawFeature) -> tf.io.FixedLenFeature | tf.io.RaggedFeature:
    if feature.multi_valued:
        return tf.io.RaggedFeature(tf.as_dtype(feature.dtype), value_key=feature.key, row_splits_dtype=tf.int64)
    default: Any = feature.default
    if default is not None and feature.shape:
        default = [default] * feature.size
    return tf.io.FixedLenFeature(feature.shape, tf.as_dtype(feature.dtype), default)
