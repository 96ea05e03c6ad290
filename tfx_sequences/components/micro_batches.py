"""Batches of records by `tf.data.Dataset.bucket_by_sequence_length`, at no cost per record.

The op spends tens of microseconds on each element and copies what it holds. So an element
is a micro-batch of dozens of records, and holds their numbers only.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from tfx_sequences.components.bucket_queue import MicroBatches, micro_batch_rows
from tfx_sequences.schemas.bucket_plan import BucketPlan

NO_ROW = -1
_NO_BOUNDARY = 2**31 - 1


def as_elements(given: MicroBatches, plan: BucketPlan) -> tuple[np.ndarray, np.ndarray]:
    """What the op gets of micro-batches.

    Returns:
        The length of any row of each, int32 `[M]`; and the numbers of its rows, int64 `[M, R]`, with -1
        behind the last: the op stacks elements of one shape.
    """
    first, counts = given.splits[:-1], np.diff(given.splits)
    numbers = np.full([len(counts), max(micro_batch_rows(size) for size in plan.batch_sizes)], NO_ROW)
    numbers[np.arange(numbers.shape[1]) < counts[:, None]] = given.rows.numbers
    return given.rows.lengths[first].astype(np.int32), numbers


def bucket(micro_batches: tf.data.Dataset, plan: BucketPlan) -> tf.data.Dataset:
    """Batches of micro-batches `(length, ...)`, whose `length` int32 is that of any of its rows."""
    sizes = [size // micro_batch_rows(size) for size in plan.batch_sizes]
    return micro_batches.bucket_by_sequence_length(
        element_length_func=lambda length, *_: length,
        # The op wants a boundary even where there is one bucket.
        bucket_boundaries=list(plan.boundaries) or [_NO_BOUNDARY],
        bucket_batch_sizes=sizes if plan.boundaries else sizes * 2,
        no_padding=True,
    )
