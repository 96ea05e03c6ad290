"""Normalizes numbers by key in the transform graph: `normalizer: {z_score_by: KEY}`.

A key is its own int64, or the 64-bit fingerprint of its string. So the graph does not need a table: it searches the
sorted keys of the training split, which are a constant in the graph, like their means and standard deviations.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfx_sequences.components.batches.ragged_steps import steps_of
from tfx_sequences.components.features.runtime_checks import are_equal
from tfx_sequences.components.numbers.keyed_moments import KeyedMoments
from tfx_sequences.components.transform.statistics_engine import StatisticsEngine
from tfx_sequences.schemas.columns.column import NumericColumn
from tfx_sequences.schemas.columns.names import MISSING_INT
from tfx_sequences.schemas.features.raw_features import further_features_of

_MOST_FINGERPRINTS = 2**63 - 1


def keys_of_values(inputs: Mapping[str, Any], column: NumericColumn, raw: Any) -> tf.Tensor:
    """The keys of a column's values, int64 `[N]`; `MISSING_INT` for a missing key.

    Args:
        inputs: The parsed features by raw name, from `parse_records` or from Transform's reader.
        column: The column, with the normalizer `z_score_by`.
        raw: The parsed values of its own feature.
    """
    [feature] = further_features_of(column)
    keys = inputs[feature.tensor_name]
    if not feature.is_sequence:
        found = _numbered(keys)
        return tf.repeat(found, raw.row_lengths()) if column.is_sequence else found
    values, present = steps_of(keys, feature.key, ())
    check = tf.debugging.Assert(
        are_equal(keys.row_splits, raw.row_splits),
        [f"'{column.key}' and its keys '{feature.key}' have different numbers of steps:", raw.row_splits],
    )
    with tf.control_dependencies([check]):
        return tf.where(present, _numbered(values), MISSING_INT)


def keyed_z_scores(
    engine: StatisticsEngine, values: Mapping[str, tf.Tensor], keys: Mapping[str, tf.Tensor]
) -> dict[str, tf.Tensor]:
    """In a `preprocessing_fn`: numbers by name, normalized with the analyzed split; 0 for a missing one.

    Args:
        engine: Gives the statistics.
        values: float64 `[N, E]`, NaN for a missing one.
        keys: int64 `[N]`, from `keys_of_values`.
    """
    if not values:
        return {}
    combiner = CombineByKey(tuple(numbers.shape[1] for numbers in values.values()))
    found = engine.combined([*values.values(), *(keys[name] for name in values)], combiner, "numbers_by_key")
    by_name = zip(values, found[::2], found[1::2], strict=True)
    return {name: z_score_by_key(values[name], keys[name], known, figures) for name, known, figures in by_name}


def z_score_by_key(values: tf.Tensor, keys: tf.Tensor, known: tf.Tensor, figures: tf.Tensor) -> tf.Tensor:
    """Numbers `[N, E]`, normalized with the mean and standard deviation of their keys.

    Args:
        values: float64 `[N, E]`, NaN for a missing one.
        keys: int64 `[N]`.
        known: Known keys, int64 `[K]`, in increasing order.
        figures: `[K + 1, E, 2]`: mean and standard deviation for each known key, and finally for all values.

    >>> figures = tf.constant([[[1.0, 2.0]], [[0.0, 1.0]]], tf.float64)
    >>> found = z_score_by_key(tf.constant([[5.0], [5.0]], tf.float64), tf.constant([7, 8], tf.int64), [7], figures)
    >>> found.numpy().tolist()
    [[2.0], [5.0]]
    """
    known = tf.cast(known, tf.int64)
    # The op in `tf.searchsorted`, because that function cannot search an empty list.
    after = tf.raw_ops.UpperBound(sorted_inputs=known[None], values=keys[None], out_type=tf.int64)[0]
    at = tf.maximum(after - 1, 0)
    # With one more key, so that there is always one to compare with.
    is_known = (after > 0) & (tf.gather(tf.concat([known, [MISSING_INT]], axis=0), at) == keys) & (keys != MISSING_INT)
    last = tf.size(known, tf.int64)
    its = tf.gather(figures, tf.where(is_known, at, last))
    there = tf.logical_not(tf.math.is_nan(values))
    scores = (tf.where(there, values, its[..., 0]) - its[..., 0]) / its[..., 1]
    return scores


def _numbered(keys: tf.Tensor) -> tf.Tensor:
    if keys.dtype != tf.string:
        return tf.cast(keys, tf.int64)
    fingerprints = tf.strings.to_hash_bucket_fast(keys, _MOST_FINGERPRINTS)
    return tf.where(keys == "", tf.constant(MISSING_INT, tf.int64), fingerprints)


class CombineByKey:
    """Combines batches of arrays (all values, then all keys): for each column its keys, and their statistics.

    Args:
        elements: The number of elements of each column's values.
    """

    def __init__(self, elements: tuple[int, ...]) -> None:
        self._elements = elements
        self.output_dtypes = [tf.int64, tf.float64] * len(elements)
        self.output_shapes: list[Sequence[int | None]] = [
            shape for number in elements for shape in ([None], [None, number, 2])
        ]

    def create_accumulator(self) -> list[KeyedMoments]:
        """The moments of each column, without values."""
        return [KeyedMoments.of(np.zeros((0, number)), np.zeros(0, np.int64)) for number in self._elements]

    def add_input(self, accumulator: list[KeyedMoments], batch: Sequence[np.ndarray]) -> list[KeyedMoments]:
        """Adds the values of one batch."""
        number = len(self._elements)
        return [
            found.merged(KeyedMoments.of(np.asarray(values, np.float64), np.asarray(keys)))
            for found, values, keys in zip(accumulator, batch[:number], batch[number:], strict=True)
        ]

    def merge_accumulators(self, accumulators: Iterable[list[KeyedMoments]]) -> list[KeyedMoments]:
        """Merges parts, in their order."""
        merged = self.create_accumulator()
        for accumulator in accumulators:
            merged = [one.merged(other) for one, other in zip(merged, accumulator, strict=True)]
        return merged

    def extract_output(self, accumulator: list[KeyedMoments]) -> list[np.ndarray]:
        """The outputs, see `z_score_by_key`."""
        return [array for found in accumulator for array in (found.keys, found.means_and_deviations())]
