import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tfx_sequences.components.input.bucket_boundaries import optimal_boundaries
from tfx_sequences.components.transform.length_histogram import LengthHistogram


def padded_steps(histogram, boundaries):
    """Steps if every row is padded to the longest of its bucket."""
    bucket = np.searchsorted(boundaries, histogram.lengths, side="right")
    steps = 0
    for index in np.unique(bucket):
        inside = bucket == index
        steps += int(histogram.counts[inside].sum()) * max(int(histogram.lengths[inside].max()), 1)
    return steps


@given(st.lists(st.integers(0, 30), min_size=1, max_size=60), st.integers(1, 5))
def test_no_other_boundaries_pad_less(lengths, num_buckets):
    histogram = LengthHistogram.of(lengths)
    chosen = optimal_boundaries(histogram, num_buckets)
    assert len(chosen) < num_buckets
    candidates = [int(n) + 1 for n in histogram.lengths[:-1]]
    cuts = min(num_buckets - 1, len(candidates))
    least = min(padded_steps(histogram, c) for c in itertools.combinations(candidates, cuts))
    assert padded_steps(histogram, chosen) == least


def test_ten_thousand_lengths_and_many_buckets():
    random = np.random.default_rng(0)
    histogram = LengthHistogram(np.arange(1, 10_001), random.integers(1, 1000, 10_000))
    chosen = optimal_boundaries(histogram, 64)
    assert len(chosen) == 63
    even = tuple(int(b) for b in np.linspace(1, 10_001, 65)[1:-1])
    assert padded_steps(histogram, chosen) <= padded_steps(histogram, even)


def test_nothing_to_divide():
    assert optimal_boundaries(LengthHistogram.of([]), 4) == ()
    assert optimal_boundaries(LengthHistogram.of([7, 7]), 4) == ()
    assert optimal_boundaries(LengthHistogram.of([3, 7]), 1) == ()
