"""Which records of a prepared store make which batch, epoch by epoch.

An epoch is a row of windows: a few parts, held in memory together, whose rows are sorted by length
and cut into batches. Which parts share a window, which records of about the same length share a
batch, and the order of the batches are drawn anew for each epoch. All follows from
`(seed, epoch)`, so a batch is known without reading those before it.
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
    """How large a batch gets.

    Attributes:
        rows: Records at most.
        steps: Steps at most, padding included; a longer sequence comes alone. None: no limit.
    """

    rows: int
    steps: int | None = None

    @classmethod
    def of(cls, batching: Batching, lengths: np.ndarray) -> BatchLimits:
        """`batch_size` and `token_budget`; there are no buckets, for rows of a window are sorted by length.

        Args:
            batching: The spec's section.
            lengths: Of all records, `[N]`: what an automatic batch size is chosen from.
        """
        size = batching.batch_size
        rows = auto_batch_size(len(lengths), int(lengths.sum())) if size == AUTO else chosen(size)
        return cls(rows, batching.token_budget)


@dataclasses.dataclass(frozen=True)
class Window:
    """Some parts and the batches made of them.

    Attributes:
        parts: `[P]`, numbers of the parts.
        rows: `[n]` int32, rows of the parts, one part after another, in the order of the batches.
        ends: `[b]` int64, where in `rows` each batch ends; it starts where the one before it does.
    """

    parts: np.ndarray
    rows: np.ndarray
    ends: np.ndarray


def count_batches(lengths: Sequence[np.ndarray], limits: BatchLimits, per_window: int, epoch_parts: np.ndarray) -> int:
    """Batches of an epoch whose windows are made of parts in the order `epoch_parts`."""
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
    """The windows of one epoch; every record is in one batch.

    Args:
        lengths: Of the records of each part.
        limits: How large a batch gets.
        seed: Decides the shuffle, together with `epoch`. None: no shuffle, every epoch is the same.
        epoch: Number of the epoch.
        per_window: Parts that are held in memory together.
        workers: The number of batches becomes a multiple of this, by halving batches of the last window.

    Raises:
        UserInputError: There are too few records for so many workers.

    >>> window, = plan_epoch([np.array([5, 1, 2]), np.array([4])], BatchLimits(rows=2), seed=None)
    >>> window.parts, window.rows, window.ends
    (array([0, 1]), array([1, 2, 3, 0], dtype=int32), array([2, 4]))
    """
    order = np.arange(len(lengths))
    # One generator per purpose, so that a window's draw does not depend on those before it.
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
            # Within a batch the order means nothing, and a rising one reads memory forwards.
            shuffled = [np.sort(batches[i]) for i in random.permutation(len(batches))]
            rows, ends = np.concatenate([rows[:0], *shuffled]), np.cumsum([len(b) for b in shuffled], dtype=np.int64)
        yield Window(parts, rows, ends)


def _windows_of(order: np.ndarray, per_window: int) -> list[np.ndarray]:
    # Of about equal size: the last one is not a remnant with other batches than the rest.
    return np.array_split(order, -(-len(order) // per_window))


def _lengths_of(lengths: Sequence[np.ndarray], parts: np.ndarray) -> np.ndarray:
    return np.concatenate([lengths[part] for part in parts])


def _cuts(rising: np.ndarray, limits: BatchLimits) -> np.ndarray:
    """Ends of the batches that sequences of rising lengths are cut into, each as large as it may be."""
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
    """The same rows in `times` more batches, the largest halved first."""
    sizes = np.diff(ends, prepend=0).tolist()
    for _ in range(times):
        largest = int(np.argmax([*sizes, 0]))
        if not sizes or sizes[largest] < 2:
            raise UserInputError(
                f"{workers} workers cannot get the same number of batches.",
                expected=f"at least {workers} records in the last window of the store",
                received=f"{sum(sizes)} records, each in a batch of its own",
                fix="Use fewer workers, or a larger batching.token_budget.",
            )
        sizes[largest : largest + 1] = [sizes[largest] - sizes[largest] // 2, sizes[largest] // 2]
    return np.cumsum(sizes)
