"""Batches records with `tf.data.Dataset.bucket_by_sequence_length`, at no cost per record.

The op spends tens of microseconds on each element and copies its contents. So an element is a
micro-batch of hundreds of records, and contains little more than their length.
"""

from __future__ import annotations

import tensorflow as tf

from tfx_sequences.components.input.bucket_queue import micro_batch_rows
from tfx_sequences.schemas.features.bucket_plan import BucketPlan

_NO_BOUNDARY = 2**31 - 1


def bucket(micro_batches: tf.data.Dataset, plan: BucketPlan) -> tf.data.Dataset:
    """Batches micro-batches `(length, ...)`; `length` int32 is the length of any of the rows."""
    sizes = [size // micro_batch_rows(size) for size in plan.batch_sizes]
    return micro_batches.bucket_by_sequence_length(
        element_length_func=lambda length, *_: length,
        # The op needs a boundary even if there is only one bucket.
        bucket_boundaries=list(plan.boundaries) or [_NO_BOUNDARY],
        bucket_batch_sizes=sizes if plan.boundaries else sizes * 2,
        no_padding=True,
    )
