"""Sorts records into micro-batches of one bucket each, without losing or splitting records.

A micro-batch is hundreds of rows of one bucket: a batch of that bucket or an equal part of one. So
`tf.data.Dataset.bucket_by_sequence_length` moves hundreds of rows at a time instead of one. Rows
that do not fill a micro-batch wait for the next chunk.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from tfx_sequences.components.input.record_chunks import Rows
from tfx_sequences.schemas.features.bucket_plan import BucketPlan

_MOST_ROWS = 512
_FEW_ROWS = 8


@dataclasses.dataclass(frozen=True)
class Parts:
    """Rows in consecutive parts.

    Attributes:
        rows: The rows of all parts.
        splits: Start and end of each part in `rows`, int64 `[P + 1]`.
        buckets: The bucket of each part, int64 `[P]`.
    """

    rows: Rows
    splits: np.ndarray
    buckets: np.ndarray

    @classmethod
    def of(cls, rows: Rows, sizes: np.ndarray, buckets: np.ndarray) -> Parts:
        """Divides all rows into consecutive parts of these sizes."""
        return cls(rows, np.concatenate([[0], np.cumsum(sizes)]), buckets)

    @property
    def sizes(self) -> np.ndarray:
        """Number of rows of each part, int64 `[P]`."""
        return np.diff(self.splits)

    def take(self, which: np.ndarray) -> Parts:
        """The parts with these indices, in their order."""
        sizes = self.sizes[which]
        splits = np.concatenate([[0], np.cumsum(sizes)])
        rows = self.rows.take(np.arange(splits[-1]) + np.repeat(self.splits[:-1][which] - splits[:-1], sizes))
        return Parts(rows, splits, self.buckets[which])

    @classmethod
    def concat(cls, parts: Sequence[Parts]) -> Parts:
        """Concatenates parts."""
        return cls.of(
            Rows.concat([p.rows for p in parts]),
            np.concatenate([p.sizes for p in parts]),
            np.concatenate([p.buckets for p in parts]),
        )


NOTHING = Parts(Rows.concat([]), np.zeros([1], np.int64), np.zeros([0], np.int64))


@dataclasses.dataclass(frozen=True)
class Given:
    """Output of a queue.

    Attributes:
        micro_batches: Micro-batches for `bucket_by_sequence_length`.
        batches: The batches that they complete, in the order in which the op will emit them.
    """

    micro_batches: Parts
    batches: Parts


def micro_batch_rows(batch_size: int) -> int:
    """Rows of a micro-batch: a divisor of `batch_size`, up to 512, to keep the number of elements small.

    >>> [micro_batch_rows(n) for n in (1, 256, 512, 768, 1024, 1031)]
    [1, 256, 512, 384, 512, 1031]
    """
    if batch_size <= _MOST_ROWS:
        return batch_size
    rows = next(n for n in range(_MOST_ROWS, 0, -1) if batch_size % n == 0)
    return rows if rows >= _FEW_ROWS else batch_size


class BucketQueue:
    """Collects rows into batches.

    The queue knows the contents of `bucket_by_sequence_length`, because the op closes a batch of bucket `k`
    with every `batch_sizes[k] / micro_batch_rows(batch_sizes[k])`th micro-batch. So the queue knows the
    batches before they exist: their rows, their order, and their numbers of steps.

    Args:
        plan: The plan.

    Attributes:
        batches: Number of complete batches.
        padded_steps: Steps of these batches, with padding.
    """

    def __init__(self, plan: BucketPlan) -> None:
        self._boundaries = plan.boundaries
        self._sizes = plan.batch_sizes
        self._micro_rows = np.array([micro_batch_rows(size) for size in self._sizes])
        self._micro_per_batch = np.array(self._sizes) // self._micro_rows
        self._all = np.arange(len(self._sizes))
        self._held = NOTHING  # micro-batches of incomplete batches, in order of arrival
        self._waiting = Rows.concat([])  # rows not yet in a micro-batch; in order of arrival within a bucket
        self.batches = 0
        self.padded_steps = 0

    @property
    def open_rows(self) -> Rows:
        """All rows that are not in a complete batch; in order of arrival within a bucket."""
        return Rows.concat([self._held.rows, self._waiting])

    def add(self, added: Rows, random: np.random.Generator | None) -> Given:
        """Adds rows, and returns the micro-batches that they complete.

        Args:
            added: The rows.
            random: Shuffles rows within their bucket, and the order of micro-batches;
                None keeps the order.
        """
        if random is not None:
            added = added.take(random.permutation(len(added)))
        rows, of_bucket, rank = self._by_bucket(Rows.concat([self._waiting, added]))
        whole = np.bincount(of_bucket, minlength=len(self._micro_rows)) // self._micro_rows
        is_whole = rank < (whole * self._micro_rows)[of_bucket]
        self._waiting = rows.take(~is_whole)
        given = Parts.of(rows.take(is_whole), np.repeat(self._micro_rows, whole), np.repeat(self._all, whole))
        if random is not None:
            given = given.take(random.permutation(len(given.buckets)))
        return Given(given, self._closed_by(given))

    def flush(self) -> Given:
        """Returns the waiting rows as short micro-batches; afterwards all batches are complete."""
        rows, of_bucket, _ = self._by_bucket(self._waiting)
        self._waiting = rows.take(slice(0))
        buckets, sizes = np.unique(of_bucket, return_counts=True)
        given = Parts.of(rows, sizes, buckets)
        return Given(given, self._closed_by(given, ended=True))

    def _by_bucket(self, rows: Rows) -> tuple[Rows, np.ndarray, np.ndarray]:
        """The rows sorted by bucket, with the bucket and the rank within the bucket of each."""
        of_bucket = np.searchsorted(self._boundaries, rows.lengths, side="right")
        order = np.argsort(of_bucket, kind="stable")
        of_bucket = of_bucket[order]
        return rows.take(order), of_bucket, _ranks(of_bucket)

    def _closed_by(self, given: Parts, *, ended: bool = False) -> Parts:
        """Simulates what `bucket_by_sequence_length` does with the micro-batches.

        The op emits a batch when a micro-batch fills it; at the end it emits the others, bucket by bucket.
        """
        arrived = Parts.concat([self._held, given])
        by_bucket = np.argsort(arrived.buckets, kind="stable")
        buckets = arrived.buckets[by_bucket]
        per_batch = self._micro_per_batch[buckets]
        last_of_batch = np.arange(len(buckets)) + per_batch - 1 - _ranks(buckets) % per_batch
        is_full = last_of_batch < np.searchsorted(buckets, buckets, side="right")
        closed_at = len(buckets) + buckets
        closed_at[is_full] = by_bucket[last_of_batch[is_full]]
        is_closed = is_full | ended
        self._held = arrived.take(np.sort(by_bucket[~is_closed]))
        closed_at = closed_at[is_closed]
        order = np.argsort(closed_at, kind="stable")
        closed = arrived.take(by_bucket[is_closed][order])
        begins = np.flatnonzero(np.diff(closed_at[order], prepend=-1))
        batches = Parts(closed.rows, np.append(closed.splits[begins], len(closed.rows)), closed.buckets[begins])
        self.batches += len(begins)
        if len(begins):
            # A batch has at least one step: see `pad_features`.
            longest = np.maximum(np.maximum.reduceat(closed.rows.lengths, batches.splits[:-1]), 1)
            self.padded_steps += int(batches.sizes @ longest)
        return batches


def _ranks(of_bucket: np.ndarray) -> np.ndarray:
    """The rank of each element within its bucket. `of_bucket` must be sorted."""
    return np.arange(len(of_bucket)) - np.searchsorted(of_bucket, of_bucket)
