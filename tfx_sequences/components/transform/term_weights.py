"""The weights of the values of columns with `weighted_by`, in the transform graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from tfx_sequences.components.batches.alignment import column_inputs
from tfx_sequences.components.features.runtime_checks import are_equal
from tfx_sequences.schemas.columns.names import weights_name
from tfx_sequences.schemas.features.raw_features import feature_of, further_features_of
from tfx_sequences.schemas.features.transformed_features import weighted_columns
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def transform_weights(inputs: Mapping[str, Any], spec: SequenceSpec) -> dict[str, Any]:
    """Weights by transformed name: float32, with the row splits of their columns' values.

    Args:
        inputs: The parsed features by raw name, from `parse_records` or from Transform's reader.
        spec: The spec.
    """
    found = {}
    for name, column in weighted_columns(spec).items():
        own = column_inputs(inputs, column)
        values, weights = (own[feature.tensor_name] for feature in (feature_of(column), *further_features_of(column)))
        right = tf.constant(True)
        for of_values, of_weights in zip(values.nested_row_splits, weights.nested_row_splits, strict=True):
            right &= are_equal(of_values, of_weights)
        check = tf.debugging.Assert(
            right,
            [
                f"'{column.key}' and its weights '{column.weighted_by}' have different numbers of values:",
                values.nested_row_splits[-1],
                weights.nested_row_splits[-1],
            ],
        )
        with tf.control_dependencies([check]):
            flat = tf.cast(weights.flat_values, tf.float32)
        found[weights_name(name)] = weights.with_flat_values(flat)
    return found
