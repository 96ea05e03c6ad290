import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfx_sequences.components.input.padding_forecast import expected_longest, expected_padded_steps
from tfx_sequences.components.transform.length_histogram import LengthHistogram


@given(st.lists(st.integers(0, 9), min_size=1, max_size=8), st.data())
def test_the_expected_longest_is_the_mean_over_all_draws(lengths, data):
    rows = data.draw(st.integers(1, len(lengths)))
    draws = [max(draw) for draw in itertools.combinations(lengths, rows)]
    assert expected_longest(LengthHistogram.of(lengths), rows) == pytest.approx(np.mean(draws))


def test_the_expected_steps_are_the_mean_over_shuffles():
    random = np.random.default_rng(3)
    lengths = random.integers(0, 40, 53)

    def steps(batch_size):
        shuffled = random.permutation(lengths)
        batches = [shuffled[i : i + batch_size] for i in range(0, len(shuffled), batch_size)]
        return sum(len(b) * max(b.max(), 1) for b in batches)

    for batch_size in (1, 7, 60):
        mean = np.mean([steps(batch_size) for _ in range(3000)])
        assert expected_padded_steps(LengthHistogram.of(lengths), batch_size) == pytest.approx(mean, rel=0.005)


def test_many_rows_do_not_overflow():
    histogram = LengthHistogram(np.array([1, 100]), np.array([10**9, 10**9]))
    assert expected_longest(histogram, 512) == pytest.approx(100)
    assert expected_longest(histogram, 1) == pytest.approx(50.5, rel=1e-4)


def test_no_rows_are_no_steps():
    assert expected_padded_steps(LengthHistogram.of([]), 4) == 0
