"""Cuts long series into windows on the fly: a context to read, and a horizon to predict.

A split in time never leaks: a window belongs to the split that contains its horizon, so
a step that one split predicts is neither predicted nor read by an earlier split.
"""

from __future__ import annotations

from typing import Any

import pydantic
import tensorflow as tf

from tfx_sequences.schemas.columns.base import Declared


class Windows(Declared):
    """Parameters of windows.

    >>> Windows(context=3, horizon=1).count(6), Windows(context=3, horizon=1, stride=2).count(6)
    (3, 2)
    """

    context: pydantic.PositiveInt
    """Number of steps to read, `C`."""
    horizon: pydantic.PositiveInt
    """Number of steps to predict after them, `H`."""
    stride: pydantic.PositiveInt = 1
    """Number of steps from the start of a window to the start of the next."""

    def count(self, length: int) -> int:
        """Number of windows of a series of this length, within one split."""
        return max(0, (length - self.context - self.horizon) // self.stride + 1)


def cut_windows(
    series: dict[str, Any],
    lengths: tf.Tensor,
    windows: Windows,
    *,
    start: float = 0.0,
    end: float = 1.0,
) -> dict[str, tuple[tf.Tensor, tf.Tensor] | tf.Tensor]:
    """All windows of a batch of series whose horizon lies within a fraction of their steps.

    The first split `start=0, end=0.8` and the second `start=0.8, end=1` do not share a horizon step,
    and contexts of the first end before the second starts. Contexts of the second may reach back into
    the first, as they do when the model is used.

    Args:
        series: Ragged `[B, T, ...]` features of the same lengths, by name.
        lengths: Steps of each series, int64 `[B]`.
        windows: Context, horizon and stride.
        start: Horizons start at or after step `floor(start * T)`.
        end: Horizons end at or before step `floor(end * T)`.

    Returns:
        By name `(context [W, C, ...], horizon [W, H, ...])`, grouped by series; `"series"`: the index of each
        window's series, in `[0, B)`, int64 `[W]`; `"step"`: the step at which its horizon starts,
        int64 `[W]`.

    >>> x = tf.ragged.constant([[1, 2, 3, 4, 5], [7, 8]])
    >>> cut = cut_windows({"x": x}, x.row_lengths(), Windows(context=2, horizon=1))
    >>> [part.numpy().tolist() for part in cut["x"]]
    [[[1, 2], [2, 3], [3, 4]], [[3], [4], [5]]]
    """
    lengths = tf.cast(lengths, tf.int64)
    # Multiply in float64, which is exact for any length that fits into memory.
    first, last = (tf.cast(tf.floor(tf.cast(lengths, tf.float64) * share + 1e-9), tf.int64) for share in (start, end))
    context, horizon = windows.context, windows.horizon
    # Use one grid for all splits, so that two parts of a series give the same windows as the whole.
    behind = tf.maximum(first - context, 0)
    begin = (behind + windows.stride - 1) // windows.stride * windows.stride
    counts = tf.maximum((last - context - horizon - begin) // windows.stride + 1, 0)
    of_series = tf.repeat(tf.range(tf.size(lengths, tf.int64)), counts)
    within = tf.ragged.range(counts).flat_values
    starts = tf.gather(begin, of_series) + within * windows.stride
    cut: dict[str, Any] = {"series": of_series, "step": starts + context}
    for name, ragged in series.items():
        steps = (tf.gather(tf.cast(ragged.row_starts(), tf.int64), of_series) + starts)[:, None]
        cut[name] = (
            tf.gather(ragged.values, steps + tf.range(context, dtype=tf.int64)),
            tf.gather(ragged.values, steps + tf.range(context, context + horizon, dtype=tf.int64)),
        )
    return cut


def window_dataset(
    batches: tf.data.Dataset, windows: Windows, batch_size: int, *, start: float = 0.0, end: float = 1.0
) -> tf.data.Dataset:
    """Batches of windows, cut from batches of series on the fly.

    Args:
        batches: `(series, lengths)`, as for `cut_windows`.
        windows: Context, horizon and stride.
        batch_size: Windows per batch; the last batch is shorter.
        start: See `cut_windows`.
        end: See `cut_windows`.

    Returns:
        Batches of the results of `cut_windows`; `series` is an index within a batch of series.
    """
    return (
        batches.map(
            lambda series, lengths: cut_windows(series, lengths, windows, start=start, end=end),
            num_parallel_calls=tf.data.AUTOTUNE,
            deterministic=True,
        )
        .rebatch(batch_size)
        .prefetch(tf.data.AUTOTUNE)
    )
