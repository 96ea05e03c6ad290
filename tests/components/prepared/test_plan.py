import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfx_sequences.components.prepared.plan import BatchLimits, plan_epoch
from tfx_sequences.errors import UserInputError

PARTS = st.lists(st.lists(st.integers(0, 30), max_size=12).map(np.array), min_size=1, max_size=7)
LIMITS = st.builds(BatchLimits, rows=st.integers(1, 6), steps=st.none() | st.integers(1, 90))


def batches_of(lengths, window):
    """Each batch as `[(part, row in it), ...]`."""
    origin = [(int(part), row) for part in window.parts for row in range(len(lengths[part]))]
    return [[origin[row] for row in rows] for rows in np.split(window.rows, window.ends)[:-1]]


@given(lengths=PARTS, limits=LIMITS, seed=st.none() | st.integers(0, 9), per_window=st.integers(1, 4))
def test_every_row_is_in_one_batch_that_keeps_the_limits(lengths, limits, seed, per_window):
    seen = []
    for window in plan_epoch(lengths, limits, seed=seed, epoch=3, per_window=per_window):
        assert 1 <= len(window.parts) <= per_window
        for batch in batches_of(lengths, window):
            longest = max(max(lengths[part][row] for part, row in batch), 1)
            assert 1 <= len(batch) <= limits.rows
            assert limits.steps is None or len(batch) == 1 or longest * len(batch) <= limits.steps
            seen += batch
    assert sorted(seen) == [(part, row) for part, own in enumerate(lengths) for row in range(len(own))]


@given(lengths=PARTS, limits=LIMITS, workers=st.integers(1, 5))
def test_batches_are_a_multiple_of_the_workers_or_it_is_an_error(lengths, limits, workers):
    def plan():
        return list(plan_epoch(lengths, limits, seed=0, per_window=2, workers=workers))

    last = list(plan_epoch(lengths, limits, seed=0, per_window=2))[-1]
    total = sum(len(w.ends) for w in plan_epoch(lengths, limits, seed=0, per_window=2))
    if len(last.rows) - len(last.ends) < -total % workers:
        with pytest.raises(UserInputError, match="the same number of batches"):
            plan()
        return
    windows = plan()
    assert sum(len(w.ends) for w in windows) == total + -total % workers
    assert sum(len(w.rows) for w in windows) == sum(map(len, lengths))


def as_lists(lengths, **options):
    return [batches_of(lengths, window) for window in plan_epoch(lengths, BatchLimits(rows=4), per_window=2, **options)]


def test_the_seed_and_the_epoch_decide_the_batches():
    lengths = [np.random.default_rng(part).integers(1, 6, 50) for part in range(6)]
    plan = as_lists(lengths, seed=1, epoch=0)
    assert plan == as_lists(lengths, seed=1, epoch=0)
    others = [as_lists(lengths, seed=1, epoch=1), as_lists(lengths, seed=2, epoch=0)]
    for other in others:
        # Not only other positions: other records meet.
        assert not {frozenset(b) for w in plan for b in w} & {frozenset(b) for w in other for b in w}
    assert as_lists(lengths, seed=None, epoch=0) == as_lists(lengths, seed=None, epoch=1)


def test_which_parts_share_a_window_changes_with_the_epoch():
    lengths = [np.array([3])] * 8
    windows = {
        tuple(sorted(window.parts))
        for epoch in range(200)
        for window in plan_epoch(lengths, BatchLimits(2), seed=0, epoch=epoch, per_window=2)
    }
    # Each pair of 8 parts meets in one epoch of 7; that one never does in 200 has a chance of 28 * (6/7)^200 < 1e-11.
    assert windows == set(itertools.combinations(range(8), 2))


def test_a_batch_holds_neighbours_in_length():
    lengths = [np.random.default_rng(0).integers(1, 400, 4000)]
    padded = 0
    for window in plan_epoch(lengths, BatchLimits(rows=256, steps=10_000), seed=0):
        for batch in batches_of(lengths, window):
            padded += len(batch) * max(lengths[0][row] for _, row in batch)
    assert padded / lengths[0].sum() < 1.03
