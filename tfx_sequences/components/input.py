"""The tf.data input: transformed records in batches of about equal length.

Records are bucketed as serialized strings, so each batch costs one parse op.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import tensorflow as tf

from tfx_sequences.components.padding import pad_features
from tfx_sequences.components.preprocessing import checked_label
from tfx_sequences.schemas.spec import Batching, SequenceSpec
from tfx_sequences.schemas.transformed_features import EXAMPLE_WEIGHT, LABEL, SEQUENCE_LENGTH

# Records whose lengths one op reads; a thousandth of the per-record cost.
_LENGTH_BATCH = 1024


@dataclasses.dataclass(frozen=True)
class InputStatistics:
    """What one pass over the lengths of a split tells.

    Attributes:
        records: Number of records.
        real_steps: Sum of their lengths.
        padded_steps: Steps in all batches, padding included, for the plan's buckets.
        batches: Batches per epoch.
    """

    records: int
    real_steps: int
    padded_steps: int
    batches: int

    @property
    def padding_share(self) -> float:
        """Share of all steps computed that is padding, in `[0, 1)`."""
        return 1 - self.real_steps / self.padded_steps if self.padded_steps else 0.0


def read_lengths(files: list[str]) -> np.ndarray:
    """Lengths of all transformed records, int64 `[N]`."""
    batches = [n.numpy() for _, n in _with_lengths(_records(files), None)]
    return np.concatenate(batches) if batches else np.zeros([0], np.int64)


def choose_boundaries(lengths: np.ndarray, batching: Batching) -> tuple[int, ...]:
    """Bucket boundaries: the given ones, or quantiles of the lengths.

    A bucket holds lengths from the boundary before it up to its own, exclusive.

    >>> choose_boundaries(np.array([3, 4, 5, 6, 7, 8, 9, 30]), Batching(num_buckets=2))
    (7,)
    """
    if batching.bucket_boundaries is not None:
        return batching.bucket_boundaries
    if not lengths.size:
        return ()
    shares = np.arange(1, batching.num_buckets) / batching.num_buckets
    bounds = np.quantile(lengths, shares, method="higher")
    # A boundary at or below the shortest length would make an empty bucket.
    return tuple(int(b) for b in np.unique(bounds) if b > lengths.min())


def make_dataset(
    files: list[str],
    spec: SequenceSpec,
    feature_spec: dict[str, Any],
    boundaries: tuple[int, ...],
    *,
    training: bool,
) -> tf.data.Dataset:
    """Batches `(inputs, label, weight)` of transformed records, bucketed by length.

    Every record comes exactly once per epoch; short last batches are kept.

    Args:
        files: Gzipped TFRecords of transformed `tf.Example`.
        spec: The spec.
        feature_spec: `TFTransformOutput.transformed_feature_spec()`.
        boundaries: See `choose_boundaries`.
        training: Shuffle records, anew each epoch, by `spec.training.seed`.

    Returns:
        Inputs as of `pad_features`; label `[B]` int64 or float32; weight `[B]` float32.
    """
    bucketed = _bucketed(files, spec, boundaries, training)

    def parse(serialized: tf.Tensor, _: tf.Tensor) -> tuple[dict[str, tf.Tensor], tf.Tensor, tf.Tensor]:
        features = tf.io.parse_example(serialized, feature_spec)
        label = checked_label(features[LABEL], spec)
        weight = features[EXAMPLE_WEIGHT] if spec.example_weight else tf.ones(tf.shape(label), tf.float32)
        return pad_features(features, spec), label, weight

    return bucketed.map(parse, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


def measure(files: list[str], spec: SequenceSpec, boundaries: tuple[int, ...]) -> InputStatistics:
    """Reads the lengths through the same buckets as training and counts real and padded steps."""
    records = real = padded = batches = 0
    for _, lengths in _bucketed(files, spec, boundaries, training=True):
        values = lengths.numpy()
        records += len(values)
        real += int(values.sum())
        padded += len(values) * int(max(values.max(), 1))
        batches += 1
    return InputStatistics(records, real, padded, batches)


def _records(files: list[str]) -> tf.data.Dataset:
    return tf.data.TFRecordDataset(sorted(files), compression_type="GZIP")


def _with_lengths(records: tf.data.Dataset, parallel: int | None) -> tf.data.Dataset:
    length_spec = {SEQUENCE_LENGTH: tf.io.FixedLenFeature([], tf.int64)}

    def lengths(serialized: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return serialized, tf.io.parse_example(serialized, length_spec)[SEQUENCE_LENGTH]

    return records.batch(_LENGTH_BATCH).map(lengths, num_parallel_calls=parallel)


def _bucketed(files: list[str], spec: SequenceSpec, boundaries: tuple[int, ...], training: bool) -> tf.data.Dataset:
    batching = spec.batching
    records = _records(files)
    if training:
        records = records.shuffle(batching.shuffle_buffer, seed=spec.training.seed, reshuffle_each_iteration=True)
    pairs = _with_lengths(records, tf.data.AUTOTUNE).unbatch()
    if not boundaries:
        return pairs.batch(batching.batch_size)
    return pairs.bucket_by_sequence_length(
        element_length_func=lambda _, length: tf.cast(length, tf.int32),
        bucket_boundaries=list(boundaries),
        bucket_batch_sizes=[batching.batch_size] * (len(boundaries) + 1),
        no_padding=True,
    )
