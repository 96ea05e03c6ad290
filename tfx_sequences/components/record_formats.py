"""How serialized records are read: their lengths alone, cheaply, and all of them.

Three kinds come through the same input: transformed `tf.Example` as Transform writes them,
and raw `tf.SequenceExample` or `tf.Example` as a spec describes them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from tfx_sequences.components.padding import pad_features, pad_steps
from tfx_sequences.components.preprocessing import checked_label
from tfx_sequences.components.record_keys import record_id
from tfx_sequences.components.truncation import cut_steps
from tfx_sequences.errors import SpecError
from tfx_sequences.schemas.parse_specs import parse_records
from tfx_sequences.schemas.raw_features import SEQUENCE_PREFIX, raw_features
from tfx_sequences.schemas.spec import SequenceSpec
from tfx_sequences.schemas.transformed_features import EXAMPLE_WEIGHT, LABEL, RECORD_ID, SEQUENCE_LENGTH

Features = dict[str, Any]
# TensorFlow quotes the record in its message, and fails to where that is not UTF-8.
PARSE_ERRORS = (tf.errors.InvalidArgumentError, tf.errors.DataLossError, UnicodeDecodeError)


@dataclasses.dataclass(frozen=True)
class RecordFormat:
    """What the input has to know of a kind of records.

    Attributes:
        parse: Serialized records `[B]`, at least one, to features by name, sequences ragged `[B, T, ...]`,
            with `sequence_length` `[B]`.
        batch: Features as `parse` gives them to padded `(inputs, label, weight)`.
        name: One serialized record to its id, or None.
    """

    parse: Callable[[tf.Tensor], Features]
    batch: Callable[[Features], tuple[Features, tf.Tensor, tf.Tensor]]
    name: Callable[[bytes], str | None]


def transformed_records(spec: SequenceSpec, feature_spec: Features) -> RecordFormat:
    """Records that Transform has written.

    Args:
        spec: The spec.
        feature_spec: `TFTransformOutput.transformed_feature_spec()`.
    """

    def name(serialized: bytes) -> str | None:
        if not spec.id_key:
            return None
        identity = tf.io.parse_single_example(serialized, {RECORD_ID: feature_spec[RECORD_ID]})[RECORD_ID]
        return identity.numpy().decode("utf-8", "replace")

    return RecordFormat(
        parse=lambda serialized: tf.io.parse_example(serialized, feature_spec),
        batch=lambda features: _model_batch(features, spec),
        name=name,
    )


def raw_records(spec: SequenceSpec, transform: Callable[[Features], Features] | None = None) -> RecordFormat:
    """Records as the spec describes them, `tf.SequenceExample` or `tf.Example`.

    Args:
        spec: The spec.
        transform: Parsed features to transformed ones, such as
            `SavedModelLoader(...).apply_transform_model`. Without it, batches hold the raw
            values by raw name: context `[B, *shape]`, sequence `[B, T, values]`; label and
            weight as stored.

    Raises:
        SpecError: No sequence feature of the raw record tells how many steps it has.
    """
    if transform is None and not any(feature.is_sequence for feature in raw_features(spec)):
        raise SpecError(
            "The length of the raw records is not known before they are transformed.",
            expected="a feature with one value per step",
            received="features that become steps in the transform only",
            fix="Give `transform`, or train from transformed records, as the pipeline does.",
        )

    def parse(serialized: tf.Tensor) -> Features:
        features = parse_records(serialized, spec)
        if transform is not None:
            return transform(features)
        steps = next(v for name, v in features.items() if name.startswith(SEQUENCE_PREFIX))
        return {**features, SEQUENCE_LENGTH: tf.cast(steps.row_lengths(), tf.int64)}

    return RecordFormat(
        parse=parse,
        batch=lambda features: (_raw_batch if transform is None else _model_batch)(features, spec),
        name=lambda serialized: record_id(serialized, spec),
    )


def _model_batch(features: Features, spec: SequenceSpec) -> tuple[Features, tf.Tensor, tf.Tensor]:
    label = checked_label(features[LABEL], spec)
    weight = features[EXAMPLE_WEIGHT] if spec.example_weight else tf.ones(tf.shape(label)[:1], tf.float32)
    return pad_features(features, spec), label, weight


def _raw_batch(features: Features, spec: SequenceSpec) -> tuple[Features, tf.Tensor, tf.Tensor]:
    features = cut_steps(features, spec.batching)
    lengths = features[SEQUENCE_LENGTH]
    longest = tf.maximum(tf.reduce_max(tf.concat([lengths, [1]], axis=0)), 1)
    label = features.pop(spec.label.key)
    weight = features.pop(spec.example_weight) if spec.example_weight else tf.ones(tf.shape(lengths), tf.float32)
    # Padding is declared by the column's name, raw features come by their key.
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
    return inputs, label, weight


def is_parsed(serialized: tf.Tensor, parse: Callable[[tf.Tensor], Any]) -> np.ndarray:
    """Which records `[N]` `parse` takes, bool `[N]`; found by halving, so few bad ones cost little."""
    count = int(serialized.shape[0])
    try:
        parse(serialized)
    except PARSE_ERRORS:
        if count == 1:
            return np.zeros(1, bool)
        halves = serialized[: count // 2], serialized[count // 2 :]
        return np.concatenate([is_parsed(half, parse) for half in halves])
    return np.ones(count, bool)
