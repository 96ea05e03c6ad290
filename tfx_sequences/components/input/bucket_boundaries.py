"""Bucket boundaries with minimal padding: exact, by dynamic programming.

Rows padded to the longest length of their bucket have `rows * longest` steps. Let
`C[j]` be the number of rows with the `j` shortest lengths and `L[j]` the longest of
these lengths. The minimal number of steps with `k` buckets is

    best[k][j] = min over i < j of  best[k - 1][i] + (C[j] - C[i]) * L[j]

which is a minimum over lines with decreasing slope `-C[i]` at increasing `L[j]`: a lower
envelope finds a whole row in O(U), so `k` buckets of `U` distinct lengths cost O(k U).
"""

from __future__ import annotations

import numpy as np

from tfx_sequences.components.transform.length_histogram import LengthHistogram


def optimal_boundaries(histogram: LengthHistogram, num_buckets: int) -> tuple[int, ...]:
    """Upper length bounds (exclusive) of all buckets but the last.

    Args:
        histogram: The lengths.
        num_buckets: Maximum number of buckets; fewer if there are fewer distinct lengths.

    Returns:
        Boundaries in the form of `tf.data.Dataset.bucket_by_sequence_length`: those with
        the fewest padded steps if each row is padded to the longest of its bucket.

    >>> optimal_boundaries(LengthHistogram.of([3, 4, 4, 20, 21]), 2)
    (5,)
    """
    # An empty row still takes a step, so lengths 0 and 1 cost the same.
    lengths = [max(int(n), 1) for n in histogram.lengths]
    rows = [0, *np.cumsum(histogram.counts).tolist()]
    num_buckets = min(num_buckets, len(lengths))
    if num_buckets < 2:
        return ()
    best = [rows[j] * lengths[j - 1] if j else 0 for j in range(len(rows))]
    choices = []
    for _ in range(num_buckets - 1):
        best, chosen = _one_more_bucket(best, rows, lengths)
        choices.append(chosen)
    boundaries = []
    end = len(lengths)
    for chosen in reversed(choices):
        end = chosen[end]
        if end == 0:
            break
        boundaries.append(int(histogram.lengths[end - 1]) + 1)
    return tuple(reversed(boundaries))


def _one_more_bucket(best: list[int], rows: list[int], lengths: list[int]) -> tuple[list[int], list[int]]:
    """The next row of the table, and for each entry the start of its last bucket."""
    following, chosen = [0], [0]
    lines: list[int] = []  # the lower envelope, as indices i of lines best[i] - rows[i] * x
    first = 0
    for j in range(1, len(rows)):
        _add_line(lines, first, j - 1, best, rows)
        x = lengths[j - 1]
        first = min(first, len(lines) - 1)
        while first + 1 < len(lines) and _at(lines[first + 1], x, best, rows) <= _at(lines[first], x, best, rows):
            first += 1
        i = lines[first]
        chosen.append(i)
        following.append(best[i] + (rows[j] - rows[i]) * x)
    return following, chosen


def _add_line(lines: list[int], first: int, new: int, best: list[int], rows: list[int]) -> None:
    """Adds a line with the steepest slope so far, and drops those it hides."""
    while len(lines) - first >= 2:
        a, b = lines[-2], lines[-1]
        # b is never the lowest line if a and the new line cross before a and b do.
        if (best[new] - best[a]) * (rows[b] - rows[a]) <= (best[b] - best[a]) * (rows[new] - rows[a]):
            lines.pop()
        else:
            break
    lines.append(new)


def _at(i: int, x: int, best: list[int], rows: list[int]) -> int:
    return best[i] - rows[i] * x
