"""What `training.py` trains on: the records of `input_data.py`, in batches of numpy arrays.

A batch is `(ids [B, T] int64, numbers [B, T] float32, lengths [B] int64, targets [B] float32)`, padded with
zeros on the right; ids begin with 1. Neither TensorFlow nor PyTorch is imported here.
"""

from __future__ import annotations

from collections.abc import Iterator

import input_data
import numpy as np

BATCH_SIZE = 256
# The steps of an average batch of that size.
TOKEN_BUDGET = BATCH_SIZE * 41
BUCKETS = 16
Batch = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


class Records:
    """All records in memory."""

    def __init__(self, records: int) -> None:
        files = [input_data.columns(i, n) for i, n in enumerate(input_data.file_sizes(records))]
        self.lengths = np.concatenate([f.lengths for f in files])
        self.ids = np.concatenate([f.item for f in files]) + 1
        self.numbers = np.concatenate([f.price for f in files])
        self.targets = np.concatenate([f.label for f in files]).astype(np.float32)
        self._starts = np.cumsum(self.lengths) - self.lengths

    def batches(self, how: str) -> list[Batch]:
        """All records once; `how` is `random`, `bucketed` or `budget`, batches in random order."""
        random = np.random.default_rng(1)
        order = random.permutation(len(self.lengths))
        rows = list({"random": _random, "bucketed": self._bucketed, "budget": self._budget}[how](order))
        return [self._padded(rows[i]) for i in random.permutation(len(rows))]

    def _bucketed(self, order: np.ndarray) -> Iterator[np.ndarray]:
        """As `bucket_by_sequence_length` makes them, with boundaries of a constant ratio."""
        boundaries = np.geomspace(8, input_data.LONGEST, BUCKETS)
        bucket = np.searchsorted(boundaries, self.lengths[order], side="right")
        for number in np.unique(bucket):
            yield from _random(order[bucket == number])

    def _budget(self, order: np.ndarray) -> Iterator[np.ndarray]:
        """Neighbours in length, so many that their steps, padding included, stay within the budget."""
        order = order[np.argsort(self.lengths[order], kind="stable")]
        first = 0
        while first < len(order):
            last = first + 1
            while last < len(order) and (last + 1 - first) * self.lengths[order[last]] <= TOKEN_BUDGET:
                last += 1
            yield order[first:last]
            first = last

    def _padded(self, rows: np.ndarray) -> Batch:
        lengths = self.lengths[rows]
        steps = np.arange(lengths.max())
        index = self._starts[rows][:, None] + steps
        real = steps < lengths[:, None]
        index = np.where(real, index, 0)
        numbers = np.where(real, self.numbers[index], 0).astype(np.float32)
        return np.where(real, self.ids[index], 0), numbers, lengths, self.targets[rows]


def _random(order: np.ndarray) -> Iterator[np.ndarray]:
    for first in range(0, len(order), BATCH_SIZE):
        yield order[first : first + BATCH_SIZE]


def figures(batches: list[Batch]) -> dict[str, int]:
    """Batches, records, real steps, and steps with their padding."""
    return {
        "batches": len(batches),
        "records": sum(len(lengths) for _, _, lengths, _ in batches),
        "real_steps": int(sum(lengths.sum() for _, _, lengths, _ in batches)),
        "padded_steps": sum(ids.size for ids, _, _, _ in batches),
    }
