"""The bucket plan: which lengths share batches, and how much padding is expected."""

from __future__ import annotations

from typing import Annotated

import pydantic

from tfx_sequences.schemas.columns.base import AsTuple, Declared


class Bucket(Declared):
    """Lengths that share batches, and what one epoch of them is expected to be."""

    shortest: pydantic.NonNegativeInt
    """Shortest length it takes, in steps."""
    longest: pydantic.NonNegativeInt
    """Longest length seen in it; 0 for an empty bucket."""
    batch_size: pydantic.PositiveInt
    """Rows per batch; the last one of an epoch may be shorter."""
    rows: pydantic.NonNegativeInt
    """Rows per epoch."""
    batches: pydantic.NonNegativeInt
    """Batches per epoch: `ceil(rows / batch_size)`."""
    real_steps: pydantic.NonNegativeInt
    """Steps of the records per epoch."""
    padded_steps: pydantic.NonNegativeFloat
    """Steps of the batches per epoch, padding included: the expected value over all shuffles."""


class BucketPlan(Declared):
    """How the records of a training split become batches of about equal length.

    Made by `tfx_sequences.components.input.bucket_planning.make_plan`. Lengths are those
    after `max_length` has cut them and `drop_*` has left records out.

    >>> whole = Bucket(
    ...     shortest=0, longest=8, batch_size=4, rows=10, batches=3, real_steps=60, padded_steps=75.0
    ... )
    >>> plan = BucketPlan(boundaries=(), buckets=(whole,))
    >>> plan.steps_per_epoch, plan.batch_sizes, round(plan.padding_share, 6)
    (3, (4,), 0.2)
    """

    boundaries: Annotated[tuple[pydantic.PositiveInt, ...], AsTuple]
    """Upper length bounds (exclusive) of all buckets but the last, as
    `tf.data.Dataset.bucket_by_sequence_length` takes them."""
    buckets: Annotated[tuple[Bucket, ...], AsTuple]

    @pydantic.model_validator(mode="after")
    def _check(self) -> BucketPlan:
        if list(self.boundaries) != sorted(set(self.boundaries)):
            raise ValueError("boundaries must rise, each greater than the one before it")
        if len(self.buckets) != len(self.boundaries) + 1:
            raise ValueError(f"{len(self.boundaries)} boundaries need {len(self.boundaries) + 1} buckets")
        return self

    @property
    def batch_sizes(self) -> tuple[int, ...]:
        """Rows per batch of each bucket."""
        return tuple(bucket.batch_size for bucket in self.buckets)

    @property
    def records(self) -> int:
        """Rows per epoch."""
        return sum(bucket.rows for bucket in self.buckets)

    @property
    def steps_per_epoch(self) -> int:
        """Batches per epoch, the short last ones included."""
        return sum(bucket.batches for bucket in self.buckets)

    @property
    def real_steps(self) -> int:
        """Steps of all records."""
        return sum(bucket.real_steps for bucket in self.buckets)

    @property
    def padded_steps(self) -> float:
        """Expected steps of all batches, padding included."""
        return sum(bucket.padded_steps for bucket in self.buckets)

    @property
    def padding_share(self) -> float:
        """Expected share of all steps computed that is padding, in `[0, 1)`."""
        return 1 - self.real_steps / self.padded_steps if self.padded_steps else 0.0
