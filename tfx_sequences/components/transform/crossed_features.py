"""Crossed columns in the transform graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from tfx_sequences.components.batches.ragged_steps import like, steps_of
from tfx_sequences.components.features.crossed_ids import crossed_ids, rows_of, same_steps
from tfx_sequences.schemas.columns.column import CrossedColumn
from tfx_sequences.schemas.columns.names import NO_ID
from tfx_sequences.schemas.features.raw_features import features_of
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def transform_crossed(inputs: Mapping[str, Any], spec: SequenceSpec) -> dict[str, Any]:
    """Ids of the combinations by transformed name; -1 if a feature of a combination is missing.

    Args:
        inputs: The parsed features by raw name, from `parse_records` or from Transform's reader.
        spec: The spec.
    """
    return {name: _ids(inputs, column) for name, column in spec.columns.items() if isinstance(column, CrossedColumn)}


def _ids(inputs: Mapping[str, Any], column: CrossedColumn) -> Any:
    raw = [inputs[feature.tensor_name] for feature in features_of(column)]
    if column.is_sequence:
        raw = [
            raw[0],
            *(
                same_steps(raw[0], its, (column.keys[0], key))
                for its, key in zip(raw[1:], column.keys[1:], strict=True)
            ),
        ]
    ids = crossed_ids([_rows(its, key, column) for its, key in zip(raw, column.keys, strict=True)], column)
    if not column.multi_valued:
        one = ids.to_tensor(tf.constant(NO_ID, tf.int64), shape=[None, 1])[:, 0]
        return like(raw[0], one) if column.is_sequence else one
    return like(raw[0], ids) if column.is_sequence else ids


def _rows(raw: Any, key: str, column: CrossedColumn) -> tf.RaggedTensor:
    """The values of each step (or record), `[N, V]`."""
    if column.multi_valued:
        return raw.values if column.is_sequence else raw
    if not column.is_sequence:
        return rows_of(raw, tf.range(tf.size(raw, tf.int64)), tf.size(raw))
    steps, present = steps_of(raw, key, ())
    rows = tf.range(tf.size(steps, tf.int64))
    return rows_of(tf.boolean_mask(steps, present), tf.boolean_mask(rows, present), tf.size(steps))
