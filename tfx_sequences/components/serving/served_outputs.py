"""Turns the heads' outputs into the predictions of a served model."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfx_sequences.components.kinds.registry import kind_of
from tfx_sequences.components.network.task_statistics import TaskStatistics
from tfx_sequences.schemas.columns.names import SEQUENCE_LENGTH
from tfx_sequences.schemas.kinds.declared_kind import CLASSES
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def served(
    outputs: dict[str, tf.Tensor], inputs: dict[str, Any], spec: SequenceSpec, statistics: TaskStatistics
) -> dict[str, tf.Tensor]:
    """Named predictions of all heads.

    Args:
        outputs: Outputs by head, as returned by `build_heads`.
        inputs: The network's inputs, as returned by `pad_features`.
        spec: The spec.
        statistics: The classes.

    Returns:
        Classification: `scores` `[B, C]` float32 probabilities, `classes` `[B, C]` strings,
        `predicted_class` `[B]` string. Multi-label: `scores` of each class and `classes`.
        Regression: `predictions` `[B]` float32, or `[B, D]` for vectors. Forecast: `predictions` `[B, horizon]`, in
        the units of the target. For labels of steps, `scores` are
        `[B, T, C]`, `predicted_class` `[B, T]` and `predictions` `[B, T]` or `[B, T, D]`; after
        the `sequence_length` `[B]` of a record they are 0 or empty.
    """
    found: dict[str, tf.Tensor] = {}
    lengths = inputs[SEQUENCE_LENGTH]
    for head, label in spec.heads.items():
        output = outputs[head]
        answers = kind_of(label).served(label, output, statistics.heads[head].classes)
        if label.per_step:
            real = tf.sequence_mask(lengths, tf.shape(output)[1])
            answers = {name: x if name == CLASSES else _only(real, x) for name, x in answers.items()}
            found[SEQUENCE_LENGTH] = lengths
        found |= {spec.output_prefix(head) + name: x for name, x in answers.items()}
    return found


def _only(real: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    there = tf.reshape(real, tf.concat([tf.shape(real), tf.ones([values.shape.rank - 2], tf.int32)], axis=0))
    return tf.where(there, values, tf.zeros([], values.dtype) if values.dtype != tf.string else "")
