"""Truncates long sequences to `batching.max_length`: the same in training, evaluation and serving."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfx_sequences.components.batches.ragged_steps import aligned
from tfx_sequences.schemas.columns.names import SEQUENCE_LENGTH, SEQUENCE_PREFIX
from tfx_sequences.schemas.features.record_scales import read_features
from tfx_sequences.schemas.features.transformed_features import names_of_step_labels
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def cut_steps(features: dict[str, Any], spec: SequenceSpec, seed: tf.Tensor | None = None) -> dict[str, Any]:
    """Features with at most `max_length` steps per record; all features are truncated at the same steps.

    Args:
        features: Features by name: sequences ragged `[B, T, ...]` (names that start with
            `sequence.`, or labels of steps), and `sequence_length` int64 `[B]`.
        spec: `max_length` and `truncate` in its `batching` determine whether and where to truncate.
        seed: Integer `[2]` for `truncate: random`; None truncates the tail instead.

    Returns:
        The same features; if records are truncated, without the scales of records that the spec's network does not
        read. The remaining steps are contiguous, and `sequence_length` gives their number.

    >>> spec = SequenceSpec(
    ...     name="s", sequence={"x": {"type": "numeric"}}, label={"key": "y"},
    ...     batching={"max_length": 2, "truncate": "head"},
    ... )
    >>> cut = cut_steps({"sequence.x": tf.ragged.constant([[1, 2, 3], [4]]), "sequence_length": [3, 1]}, spec)
    >>> cut["sequence.x"].to_list(), cut["sequence_length"].numpy().tolist()
    ([[2, 3], [4]], [2, 1])
    """
    batching = spec.batching
    if batching.max_length is None:
        return features
    features = read_features(features, spec)
    lengths = tf.convert_to_tensor(features[SEQUENCE_LENGTH], tf.int64)
    most = tf.constant(batching.max_length, tf.int64)
    spare = tf.maximum(lengths - most, 0)
    if batching.truncate == "head":
        starts = spare
    elif batching.truncate == "random" and seed is not None:
        drawn = tf.random.stateless_uniform(tf.shape(lengths), seed, dtype=tf.float64)
        starts = tf.minimum(tf.cast(drawn * tf.cast(spare + 1, tf.float64), tf.int64), spare)
    else:
        starts = tf.zeros_like(lengths)
    kept = tf.minimum(lengths, most)
    of_labels = names_of_step_labels(spec)
    cut = dict(features)
    for name, values in features.items():
        if name in of_labels:
            cut[name] = slice_steps(aligned(values, name, lengths), starts, kept)
        elif name.startswith(SEQUENCE_PREFIX) and isinstance(values, tf.RaggedTensor):
            cut[name] = slice_steps(values, starts, kept)
    return {**cut, SEQUENCE_LENGTH: kept}


def slice_steps(
    ragged: tf.RaggedTensor, starts: tf.Tensor, counts: tf.Tensor, rows: tf.Tensor | None = None
) -> tf.RaggedTensor:
    """Slices steps from rows.

    Args:
        ragged: `[B, T, ...]`.
        starts: First step, `[W]`.
        counts: Number of steps, `[W]`.
        rows: Index of the row, `[W]`; None for each row in order.

    >>> slice_steps(tf.ragged.constant([[1, 2, 3], [4]]), [1, 0, 0], [2, 0, 1], [0, 0, 1]).to_list()
    [[2, 3], [], [4]]
    """
    of_rows = ragged.row_starts() if rows is None else tf.gather(ragged.row_starts(), rows)
    first = of_rows + tf.cast(starts, ragged.row_splits.dtype)
    counts = tf.cast(counts, ragged.row_splits.dtype)
    steps = tf.ragged.range(first, first + counts).flat_values
    return tf.RaggedTensor.from_row_lengths(tf.gather(ragged.values, steps), counts, validate=False)
