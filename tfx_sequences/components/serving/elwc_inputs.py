"""Parses requests with ExampleListWithContext in the graph: the items are the steps."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
from google.protobuf import descriptor_pb2

from tfx_sequences.schemas.features.parse_specs import make_parse_sequence_example_spec
from tfx_sequences.schemas.features.raw_features import served_features
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

_MESSAGE = "example_lists.ExampleListWithContext"


def from_example_lists(serialized: tf.Tensor, spec: SequenceSpec) -> dict[str, Any]:
    """The result of `parse_records` for the equivalent SequenceExamples; all lists are as long as the list of items.

    Args:
        serialized: Serialized ExampleListWithContext, strings `[B]`; `B` may be 0.
        spec: The spec.

    Raises:
        tf.errors.InvalidArgumentError: A record lacks a required feature, or has a different dtype.
        tf.errors.DataLossError: A record is corrupt.
    """
    # The op fails without messages: an empty message is added here and removed below.
    sizes, (items, shared) = tf.io.decode_proto(
        tf.concat([serialized, [""]], axis=0),
        _MESSAGE,
        ["examples", "context"],
        [tf.string, tf.string],
        descriptor_source=_descriptor(),
    )
    rows = tf.size(serialized)
    counts = tf.cast(sizes[:rows, 0], tf.int64)
    # Concatenated parts of a message are the message.
    context = tf.strings.reduce_join(shared[:rows], axis=1)
    flat = tf.boolean_mask(items, tf.sequence_mask(sizes[:, 0], tf.shape(items)[1]))
    of_context, _ = make_parse_sequence_example_spec(spec, with_label=False)
    parsed = _parsed_context(context, of_context, rows) if of_context else {}
    of_items = {
        feature.tensor_name: tf.io.RaggedFeature(
            tf.as_dtype(feature.dtype), value_key=feature.key, row_splits_dtype=tf.int64
        )
        for feature in served_features(spec)
        if feature.is_sequence
    }
    for name, values in (tf.io.parse_example(flat, of_items) if of_items else {}).items():
        parsed[name] = tf.RaggedTensor.from_row_lengths(values, counts, validate=False)
    return parsed


def _parsed_context(context: tf.Tensor, of_context: dict[str, Any], rows: tf.Tensor) -> dict[str, Any]:
    """Parses the context's features. An empty batch requires none, because the op would report them missing."""
    optional = {
        name: tf.io.FixedLenFeature(its.shape, its.dtype, _zeros(its))
        if isinstance(its, tf.io.FixedLenFeature)
        else its
        for name, its in of_context.items()
    }
    return tf.cond(
        rows > 0,
        lambda: tf.io.parse_example(context, of_context),
        lambda: tf.io.parse_example(context, optional),
    )


def _zeros(feature: tf.io.FixedLenFeature) -> Any:
    size = 1
    for length in feature.shape:
        size *= length
    zero = "" if feature.dtype == tf.string else 0
    return [zero] * size if len(feature.shape) else zero


def _descriptor() -> bytes:
    """The descriptor of the message, which TensorFlow does not include. Its parts stay serialized."""
    file = descriptor_pb2.FileDescriptorProto(name="example_lists.proto", package="example_lists", syntax="proto3")
    message = file.message_type.add(name="ExampleListWithContext")
    repeated = descriptor_pb2.FieldDescriptorProto.LABEL_REPEATED
    for number, name in enumerate(("examples", "context"), 1):
        message.field.add(name=name, number=number, label=repeated, type=descriptor_pb2.FieldDescriptorProto.TYPE_BYTES)
    files = descriptor_pb2.FileDescriptorSet(file=[file])
    return b"bytes://" + files.SerializeToString()
