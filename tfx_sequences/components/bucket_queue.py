"""Sorts records into micro-batches of one bucket each, without losing or splitting any.

A micro-batch is a few rows of one bucket, its share of a batch of that bucket:
`tf.data.Dataset.bucket_by_sequence_length` then has to move dozens of rows at a time
instead of one. Rows that do not fill a micro-batch wait for the next chunk.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from tfx_sequences.components.record_chunks import Rows
from tfx_sequences.schemas.bucket_plan import BucketPlan

_MOST_ROWS = 64
_FEW_ROWS = 8


@dataclasses.dataclass(frozen=True)
class MicroBatches:
    """Micro-batches, one after another.

    Attributes:
        rows: The rows of all.
        splits: Where each begins and ends in `rows`, int64 `[M + 1]`.
        buckets: The bucket of each, int64 `[M]`.
    """

    rows: Rows
    splits: np.ndarray
    buckets: np.ndarray


def micro_batch_rows(batch_size: int) -> int:
    """Rows of a micro-batch, a divisor of `batch_size`: as many as 64, to save on elements.

    >>> [micro_batch_rows(n) for n in (1, 16, 64, 96, 256, 257)]
    [1, 16, 64, 48, 64, 257]
    """
    if batch_size <= _MOST_ROWS:
        return batch_size
    rows = next(n for n in range(_MOST_ROWS, 0, -1) if batch_size % n == 0)
    return rows if rows >= _FEW_ROWS else batch_size


class BucketQueue:
    """Rows on their way into batches.

    It knows what `bucket_by_sequence_length` holds, for that closes a batch of bucket `k`
    with the `batch_sizes[k] / micro_batch_rows(batch_sizes[k])`th micro-batch, and so it
    counts batches and their steps before they exist.

    Args:
        plan: The plan.

    Attributes:
        batches: Batches that are complete.
        padded_steps: Their steps, padding included.
    """

    def __init__(self, plan: BucketPlan) -> None:
        self._boundaries = plan.boundaries
        self._sizes = plan.batch_sizes
        self._micro_rows = [micro_batch_rows(size) for size in self._sizes]
        nothing = Rows.concat([])
        self._held = [nothing for _ in self._sizes]  # rows that left in micro-batches of batches still open
        self._waiting = [nothing for _ in self._sizes]  # rows that fill no micro-batch yet
        self.batches = 0
        self.padded_steps = 0

    @property
    def open_rows(self) -> Rows:
        """All rows in no complete batch, bucket by bucket in order of arrival."""
        return Rows.concat([r for pair in zip(self._held, self._waiting, strict=True) for r in pair])

    def add(self, added: Rows, random: np.random.Generator | None) -> MicroBatches:
        """Takes rows in, and gives out the micro-batches that they complete.

        Args:
            added: The rows.
            random: Shuffles rows within their bucket, and micro-batches among one another;
                None keeps the order.
        """
        if random is not None:
            added = added.take(random.permutation(len(added)))
        buckets = np.searchsorted(self._boundaries, added.lengths, side="right")
        by_bucket = added.take(np.argsort(buckets, kind="stable"))
        ends = np.cumsum(np.bincount(buckets, minlength=len(self._sizes))).tolist()
        out: list[tuple[int, Rows]] = []
        for bucket, (begin, end) in enumerate(zip([0, *ends], ends, strict=False)):
            if begin == end:
                continue
            rows = self._micro_rows[bucket]
            ready = Rows.concat([self._waiting[bucket], by_bucket.take(slice(begin, end))])
            whole = len(ready) // rows * rows
            self._waiting[bucket] = ready.take(slice(whole, None))
            if whole:
                out.append((bucket, ready.take(slice(whole))))
        return self._give_out(out, random)

    def flush(self) -> MicroBatches:
        """The rows still waiting, as short micro-batches; afterwards all batches count as complete."""
        out = [(bucket, rows) for bucket, rows in enumerate(self._waiting) if len(rows)]
        given = self._give_out(out, None)
        for bucket, rows in enumerate(self._held):
            if len(rows):
                self._complete(rows.lengths[None])
            self._held[bucket] = self._waiting[bucket] = Rows.concat([])
        return given

    def _give_out(self, ready: Sequence[tuple[int, Rows]], random: np.random.Generator | None) -> MicroBatches:
        starts, counts, of_bucket, offset = [], [], [], 0
        for bucket, rows in ready:
            size = self._micro_rows[bucket]
            first = np.arange(0, len(rows), size)
            starts.append(offset + first)
            counts.append(np.minimum(size, len(rows) - first))
            of_bucket.append(np.full(len(first), bucket))
            offset += len(rows)
        rows = Rows.concat([r for _, r in ready])
        if not ready:
            return MicroBatches(rows, np.zeros([1], np.int64), np.zeros([0], np.int64))
        start, count, buckets = np.concatenate(starts), np.concatenate(counts), np.concatenate(of_bucket)
        order = np.arange(len(start)) if random is None else random.permutation(len(start))
        start, count, buckets = start[order], count[order], buckets[order]
        splits = np.concatenate([[0], np.cumsum(count)])
        rows = rows.take(np.arange(offset) + np.repeat(start - splits[:-1], count))
        given = MicroBatches(rows, splits, buckets)
        self._follow(given)
        return given

    def _follow(self, given: MicroBatches) -> None:
        """Does with micro-batches what `bucket_by_sequence_length` will do."""
        bucket_of_row = np.repeat(given.buckets, np.diff(given.splits))
        by_bucket = given.rows.take(np.argsort(bucket_of_row, kind="stable"))
        ends = np.cumsum(np.bincount(bucket_of_row, minlength=len(self._sizes))).tolist()
        for bucket, (begin, end) in enumerate(zip([0, *ends], ends, strict=False)):
            if begin == end:
                continue
            size = self._sizes[bucket]
            rows = Rows.concat([self._held[bucket], by_bucket.take(slice(begin, end))])
            closed = len(rows) // size
            self._complete(rows.lengths[: closed * size].reshape(closed, size))
            self._held[bucket] = rows.take(slice(closed * size, None))

    def _complete(self, lengths: np.ndarray) -> None:
        """Counts batches, of which `lengths` `[batches, rows]` are."""
        self.batches += len(lengths)
        # A batch has at least one step: see `pad_features`.
        self.padded_steps += lengths.shape[1] * int(np.maximum(lengths.max(axis=1), 1).sum())
