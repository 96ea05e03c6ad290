"""The bucket plan: the lengths that share batches, and the expected padding."""

from __future__ import annotations

from typing import Annotated

import pydantic

from tfx_sequences.schemas.columns.base import AsTuple, Declared


class Bucket(Declared):
    """Lengths that share batches, with the expected numbers for one epoch."""

    shortest: pydantic.NonNegativeInt
    """Shortest length in this bucket, in steps."""
    longest: pydantic.NonNegativeInt
    """Longest length found in this bucket; 0 for an empty bucket."""
    batch_size: pydantic.PositiveInt
    """Rows per batch; the last batch of an epoch may have fewer."""
    rows: pydantic.NonNegativeInt
    """Rows per epoch."""
    batches: pydantic.NonNegativeInt
    """Batches per epoch: `ceil(rows / batch_size)`."""
    real_steps: pydantic.NonNegativeInt
    """Steps of the records, per epoch."""
    padded_steps: pydantic.NonNegativeFloat
    """Steps of the batches per epoch, including padding: the expected value over all shuffles."""


class BucketPlan(Declared):
    """How the records of a training split are combined into batches of similar length.

    Created by `tfx_sequences.components.input.bucket_planning.make_plan`. Lengths are measured
    after truncation to `max_length`, without the records that `drop_*` drops.

    >>> whole = Bucket(
    ...     shortest=0, longest=8, batch_size=4, rows=10, batches=3, real_steps=60, padded_steps=75.0
    ... )
    >>> plan = BucketPlan(boundaries=(), buckets=(whole,))
    >>> plan.steps_per_epoch, plan.batch_sizes, round(plan.padding_share, 6)
    (3, (4,), 0.2)
    """

    boundaries: Annotated[tuple[pydantic.PositiveInt, ...], AsTuple]
    """Upper length bounds (exclusive) of all buckets except the last, as in
    `tf.data.Dataset.bucket_by_sequence_length`."""
    buckets: Annotated[tuple[Bucket, ...], AsTuple]

    @pydantic.model_validator(mode="after")
    def _check(self) -> BucketPlan:
        if list(self.boundaries) != sorted(set(self.boundaries)):
            raise ValueError("boundaries must be increasing: each boundary must be greater than the one before it")
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
        """Batches per epoch, including the short last ones."""
        return sum(bucket.batches for bucket in self.buckets)

    @property
    def real_steps(self) -> int:
        """Steps of all records."""
        return sum(bucket.real_steps for bucket in self.buckets)

    @property
    def padded_steps(self) -> float:
        """Expected steps of all batches, including padding."""
        return sum(bucket.padded_steps for bucket in self.buckets)

    @property
    def padding_share(self) -> float:
        """The expected padding ratio: padded steps divided by all steps, in `[0, 1)`."""
        return 1 - self.real_steps / self.padded_steps if self.padded_steps else 0.0
