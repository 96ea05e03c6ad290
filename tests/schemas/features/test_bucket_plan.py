"""The bucket plan as a whole: sums of its buckets."""

import pydantic
import pytest

from tfx_sequences.schemas.features.bucket_plan import Bucket, BucketPlan


def bucket(shortest, longest, rows, batch_size, real, padded):
    return Bucket(
        shortest=shortest,
        longest=longest,
        batch_size=batch_size,
        rows=rows,
        batches=-(-rows // batch_size),
        real_steps=real,
        padded_steps=padded,
    )


def test_figures_are_the_sums_of_the_buckets():
    plan = BucketPlan(boundaries=(5,), buckets=(bucket(0, 4, 10, 4, 30, 40.0), bucket(5, 9, 3, 2, 20, 24.0)))
    assert (plan.records, plan.steps_per_epoch, plan.batch_sizes) == (13, 5, (4, 2))
    assert (plan.real_steps, plan.padded_steps) == (50, 64.0)
    assert plan.padding_share == pytest.approx(1 - 50 / 64)


def test_a_plan_of_nothing_has_no_padding():
    assert BucketPlan(boundaries=(), buckets=(bucket(0, 0, 0, 4, 0, 0.0),)).padding_share == 0


@pytest.mark.parametrize(("boundaries", "number"), [((5, 5), 3), ((9, 5), 3), ((5,), 1), ((), 2)])
def test_buckets_that_do_not_fit_the_boundaries_are_refused(boundaries, number):
    with pytest.raises(pydantic.ValidationError):
        BucketPlan(boundaries=boundaries, buckets=(bucket(0, 4, 1, 1, 1, 1.0),) * number)
