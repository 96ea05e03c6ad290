"""The expected length of a batch: the longest of rows drawn at random from a bucket.

A batch is padded to its own longest row, not to its bucket's boundary. So the boundary
overestimates padding, by a lot for small batches.
"""

from __future__ import annotations

import math

import numpy as np

from tfx_sequences.components.transform.length_histogram import LengthHistogram


def expected_longest(histogram: LengthHistogram, rows: int) -> float:
    """Expected longest length of `rows` records drawn without replacement.

    If `N(l)` of `n` records are at most `l` long, then `P(longest <= l) = C(N(l), rows) / C(n, rows)`
    and the expected value is the sum of `P(longest > l)` over all `l`.

    Args:
        histogram: The lengths, at least `rows` records.
        rows: Records drawn, 1 or more.

    >>> expected_longest(LengthHistogram.of([1, 2, 3]), 1), expected_longest(LengthHistogram.of([1, 2, 3]), 3)
    (2.0, 3.0)
    """
    at_most = np.cumsum(histogram.counts)
    total = int(at_most[-1])
    whole = _log_choose(total, rows)
    shares = np.array([math.exp(_log_choose(int(n), rows) - whole) if n >= rows else 0.0 for n in at_most])
    # P(longest > l) is constant between lengths that occur.
    widths = np.diff(histogram.lengths, prepend=0)
    return float(np.round(np.sum(widths * (1 - np.concatenate([[0.0], shares[:-1]]))), 9))


def expected_padded_steps(histogram: LengthHistogram, batch_size: int) -> float:
    """Expected steps, with padding, of one bucket's batches in one epoch.

    All batches except the last are full. A batch has at least one step.

    >>> expected_padded_steps(LengthHistogram.of([4, 4, 4, 4, 4]), 2)
    20.0
    """
    # An empty row still takes a step.
    histogram = LengthHistogram(np.maximum(histogram.lengths, 1), histogram.counts)
    full, rest = divmod(int(histogram.counts.sum()), batch_size)
    steps = full * batch_size * expected_longest(histogram, batch_size) if full else 0.0
    return steps + (rest * expected_longest(histogram, rest) if rest else 0.0)


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
