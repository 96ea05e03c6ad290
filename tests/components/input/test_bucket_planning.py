import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfx_sequences.components.input.bucket_planning import make_plan
from tfx_sequences.components.transform.length_histogram import LengthHistogram
from tfx_sequences.schemas.features.bucket_plan import BucketPlan
from tfx_sequences.schemas.spec.batching import Batching

LENGTHS = LengthHistogram.of(np.arange(1, 201).repeat(5))


def test_what_is_given_wins():
    batching = Batching(
        bucket_boundaries=(50, 100), bucket_batch_sizes=(9, 5, 3), batch_size=64, token_budget=10, num_buckets=7
    )
    plan = make_plan(LENGTHS, batching)
    assert plan.boundaries == (50, 100)
    assert plan.batch_sizes == (9, 5, 3)


def test_the_budget_holds_to_the_boundary_and_rows_are_capped():
    plan = make_plan(LENGTHS, Batching(batch_size=100, token_budget=2000, num_buckets=10))
    longest = [b - 1 for b in plan.boundaries] + [200]
    assert all(size * n <= 2000 for size, n in zip(plan.batch_sizes, longest, strict=True))
    assert all((size + 8) * n > 2000 or size + 8 > 100 for size, n in zip(plan.batch_sizes, longest, strict=True))


def test_a_sequence_longer_than_the_budget_comes_alone():
    plan = make_plan(LengthHistogram.of([5, 5000]), Batching(batch_size=100, token_budget=50, num_buckets=2))
    assert plan.batch_sizes == (10, 1)


@pytest.mark.parametrize("multiple", [3, 8])
def test_sizes_are_multiples_on_request(multiple):
    batching = Batching(batch_size=100, token_budget=2000, num_buckets=10, batch_size_multiple=multiple)
    sizes = make_plan(LENGTHS, batching).batch_sizes
    assert all(size % multiple == 0 for size in sizes)
    assert len(set(sizes)) > 3


@given(
    st.lists(st.integers(0, 50), max_size=80),
    st.integers(1, 20),
    st.none() | st.integers(1, 300),
    st.integers(1, 6),
)
def test_every_record_is_planned_once(lengths, batch_size, token_budget, num_buckets):
    batching = Batching(batch_size=batch_size, token_budget=token_budget, num_buckets=num_buckets)
    plan = make_plan(LengthHistogram.of(lengths), batching)
    assert plan.records == len(lengths)
    assert plan.real_steps == sum(lengths)
    assert plan.padded_steps >= plan.real_steps - 1e-6
    of_bucket = np.bincount(np.searchsorted(plan.boundaries, lengths, side="right"), minlength=len(plan.buckets))
    assert [b.rows for b in plan.buckets] == of_bucket.tolist()
    assert plan.steps_per_epoch == sum(-(-n // b.batch_size) for n, b in zip(of_bucket, plan.buckets, strict=True))
    assert all(b.longest < bound for b, bound in zip(plan.buckets, plan.boundaries, strict=False))


def test_the_plan_is_of_the_lengths_that_are_batched():
    batching = Batching(drop_shorter_than=11, drop_longer_than=190, max_length=100, num_buckets=1)
    plan = make_plan(LENGTHS, batching)
    assert plan.records == 180 * 5
    assert plan.buckets[0].longest == 100


def test_the_plan_is_json():
    plan = make_plan(LENGTHS, Batching(token_budget=500))
    assert BucketPlan.model_validate_json(plan.model_dump_json()) == plan


def test_a_plan_that_contradicts_itself_is_refused():
    bucket = make_plan(LENGTHS, Batching(num_buckets=1)).buckets[0]
    with pytest.raises(ValueError, match="1 boundaries need 2 buckets"):
        BucketPlan(boundaries=(3,), buckets=(bucket,))
    with pytest.raises(ValueError, match="must be increasing"):
        BucketPlan(boundaries=(3, 3), buckets=(bucket,) * 3)
