"""Creates the bucket plan of a training split from its lengths."""

from __future__ import annotations

import numpy as np

from tfx_sequences.components.input.bucket_boundaries import optimal_boundaries
from tfx_sequences.components.input.padding_forecast import expected_padded_steps
from tfx_sequences.components.transform.length_histogram import LengthHistogram
from tfx_sequences.schemas.columns.auto import AUTO
from tfx_sequences.schemas.features.bucket_plan import Bucket, BucketPlan
from tfx_sequences.schemas.spec.auto_settings import auto_batch_size
from tfx_sequences.schemas.spec.batching import Batching

# Automatic sizes above this are multiples of _ROUND, so that they divide into micro-batches.
_LARGE = 64
_ROUND = 8


def make_plan(histogram: LengthHistogram, batching: Batching) -> BucketPlan:
    """The plan for records of these lengths.

    Given boundaries and batch sizes take precedence. Otherwise the boundaries minimize the
    padding, and a batch has as many rows as `token_budget` allows, at most `batch_size`.
    Rows per bucket, batches and real steps are exact; padded steps are the expected
    value over all shuffles.

    Args:
        histogram: Lengths of the training split, before truncation and dropping.
        batching: The spec's section.

    >>> plan = make_plan(LengthHistogram.of([3, 4, 4, 20, 21]), Batching(num_buckets=2, batch_size=9, token_budget=42))
    >>> plan.boundaries, plan.batch_sizes, plan.steps_per_epoch, plan.padded_steps
    ((5,), (9, 2), 2, 54.0)
    """
    histogram = histogram.as_batched(batching)
    boundaries = batching.bucket_boundaries
    if boundaries is None:
        boundaries = optimal_boundaries(histogram, batching.num_buckets)
    batch_size = batching.batch_size
    if batch_size == AUTO:
        batch_size = auto_batch_size(int(histogram.counts.sum()), int((histogram.lengths * histogram.counts).sum()))
    of_length = np.searchsorted(boundaries, histogram.lengths, side="right")
    buckets = []
    for index, shortest in enumerate((0, *boundaries)):
        inside = LengthHistogram(histogram.lengths[of_length == index], histogram.counts[of_length == index])
        buckets.append(_bucket(inside, shortest, _size(inside, index, boundaries, batching, batch_size)))
    return BucketPlan(boundaries=boundaries, buckets=tuple(buckets))


def _size(inside: LengthHistogram, index: int, boundaries: tuple[int, ...], batching: Batching, batch_size: int) -> int:
    if batching.bucket_batch_sizes is not None:
        return batching.bucket_batch_sizes[index]
    size = batch_size
    if batching.token_budget is not None:
        # Evaluation may contain lengths up to the boundary that do not occur in training.
        longest = boundaries[index] - 1 if index < len(boundaries) else int(inside.lengths.max(initial=1))
        size = max(1, min(size, batching.token_budget // max(longest, 1)))
        if size > _LARGE and batching.batch_size_multiple == 1:
            size -= size % _ROUND
    multiple = batching.batch_size_multiple
    return max(multiple, size - size % multiple)


def _bucket(inside: LengthHistogram, shortest: int, batch_size: int) -> Bucket:
    rows = int(inside.counts.sum())
    return Bucket(
        shortest=shortest,
        longest=int(inside.lengths.max(initial=0)),
        batch_size=batch_size,
        rows=rows,
        batches=-(-rows // batch_size),
        real_steps=int((inside.lengths * inside.counts).sum()),
        padded_steps=expected_padded_steps(inside, batch_size),
    )
