"""Plans the batches of a prepared store, epoch by epoch.

An epoch is a sequence of windows. A window is a few parts that are held in memory together; their rows are sorted by
length and cut into batches. Each epoch draws again which parts share a window, which records of similar length share a
batch, and the order of the batches. Everything depends only on `(seed, epoch)`, so a batch is known without reading the
batches before it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

from tfx_sequences.errors import UserInputError
from tfx_sequences.schemas.columns.auto import AUTO, chosen
from tfx_sequences.schemas.spec.auto_settings import auto_batch_size
from tfx_sequences.schemas.spec.batching import Batching


@dataclasses.dataclass(frozen=True)
class BatchLimits:
    """The limits of a batch's size.

    Attributes:
        rows: Maximum number of records.
        steps: Maximum number of steps, with padding; a longer sequence is a batch of its own. None for no limit.
    """

    rows: int
    steps: int | None = None

    @classmethod
    def of(cls, batching: Batching, lengths: np.ndarray) -> BatchLimits:
        """The limits from `batch_size` and `token_budget`; no buckets, because a window's rows are sorted by length.

        Args:
            batching: The spec's section.
            lengths: Lengths of all records, `[N]`, which determine an automatic batch size.
        """
        size = batching.batch_size
        rows = auto_batch_size(len(lengths), int(lengths.sum())) if size == AUTO else chosen(size)
        return cls(rows, batching.token_budget)


@dataclasses.dataclass(frozen=True)
class Window:
    """Some parts and the batches made from them.

    Attributes:
        parts: `[P]`, indices of the parts.
        rows: `[n]` int32, rows of the parts, one part after another, in the order of the batches.
        ends: `[b]` int64, the end of each batch in `rows`; it starts where the previous one ends.
    """

    parts: np.ndarray
    rows: np.ndarray
    ends: np.ndarray


def count_batches(lengths: Sequence[np.ndarray], limits: BatchLimits, per_window: int, epoch_parts: np.ndarray) -> int:
    """Number of batches in an epoch whose windows take the parts in the order `epoch_parts`."""
    return sum(
        len(_cuts(np.sort(_lengths_of(lengths, parts)), limits)) for parts in _windows_of(epoch_parts, per_window)
    )


def plan_epoch(
    lengths: Sequence[np.ndarray],
    limits: BatchLimits,
    *,
    seed: int | None,
    epoch: int = 0,
    per_window: int = 4,
    workers: int = 1,
) -> Iterator[Window]:
    """The windows of one epoch; every record is in exactly one batch.

    Args:
        lengths: Lengths of the records of each part.
        limits: Limits of a batch's size.
        seed: Determines the shuffle, together with `epoch`. None: no shuffle, every epoch is the same.
        epoch: Number of the epoch.
        per_window: Number of parts that are held in memory together.
        workers: Number of workers. Batches of the last window are halved until the batches are a multiple of it.

    Raises:
        UserInputError: There are too few records for this number of workers.

    >>> window, = plan_epoch([np.array([5, 1, 2]), np.array([4])], BatchLimits(rows=2), seed=None)
    >>> window.parts, window.rows, window.ends
    (array([0, 1]), array([1, 2, 3, 0], dtype=int32), array([2, 4]))
    """
    order = np.arange(len(lengths))
    # One generator per purpose, so that a window does not depend on the previous ones.
    if seed is not None:
        order = np.random.default_rng([seed, epoch]).permutation(order)
    missing = -count_batches(lengths, limits, per_window, order) % workers if workers > 1 else 0
    windows = _windows_of(order, per_window)
    for index, parts in enumerate(windows):
        own = _lengths_of(lengths, parts)
        random = None if seed is None else np.random.default_rng([seed, epoch, index + 1])
        ties = np.arange(len(own)) if random is None else random.random(len(own))
        rows = np.lexsort((ties, own)).astype(np.int32)
        ends = _cuts(own[rows], limits)
        if index == len(windows) - 1:
            ends = _halved(ends, missing, workers)
        if random is not None:
            batches = np.split(rows, ends)[:-1]
            # The order within a batch does not matter, and ascending rows read memory sequentially.
            shuffled = [np.sort(batches[i]) for i in random.permutation(len(batches))]
            rows, ends = np.concatenate([rows[:0], *shuffled]), np.cumsum([len(b) for b in shuffled], dtype=np.int64)
        yield Window(parts, rows, ends)


def _windows_of(order: np.ndarray, per_window: int) -> list[np.ndarray]:
    # Windows of about equal size, so that the last one is not a small remainder with different batches.
    return np.array_split(order, -(-len(order) // per_window))


def _lengths_of(lengths: Sequence[np.ndarray], parts: np.ndarray) -> np.ndarray:
    return np.concatenate([lengths[part] for part in parts])


def _cuts(rising: np.ndarray, limits: BatchLimits) -> np.ndarray:
    """Ends of the batches for sequences sorted by length; each batch is as large as the limits allow."""
    ends = []
    start = 0
    while start < len(rising):
        candidates = rising[start : start + limits.rows]
        size = len(candidates)
        if limits.steps is not None:
            padded = np.maximum(candidates, 1) * np.arange(1, size + 1)
            size = max(1, int(np.searchsorted(padded, limits.steps, side="right")))
        start += size
        ends.append(start)
    return np.array(ends, np.int64)


def _halved(ends: np.ndarray, times: int, workers: int) -> np.ndarray:
    """The same rows in `times` more batches; the largest batches are halved first."""
    sizes = np.diff(ends, prepend=0).tolist()
    for _ in range(times):
        largest = int(np.argmax([*sizes, 0]))
        if not sizes or sizes[largest] < 2:
            raise UserInputError(
                f"{workers} workers cannot get the same number of batches.",
                expected=f"at least {workers} records in the last window of the store",
                received=f"{sum(sizes)} records, each in a separate batch",
                fix="Use fewer workers, or a larger batching.token_budget.",
            )
        sizes[largest : largest + 1] = [sizes[largest] - sizes[largest] // 2, sizes[largest] // 2]
    return np.cumsum(sizes)
