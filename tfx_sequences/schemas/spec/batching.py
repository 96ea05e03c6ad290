"""How records are combined into padded batches."""

from __future__ import annotations

from typing import Literal

import pydantic

from tfx_sequences.schemas.columns.auto import AUTO, Auto
from tfx_sequences.schemas.columns.base import Declared, Sizes


class Padding(Declared):
    """How the rows of one sequence feature are padded to the longest row of their batch."""

    value: float = 0.0
    """The value of padded steps; an integer for ids. The mask is computed from lengths, so the network ignores it."""
    side: Literal["right", "left"] = "right"
    """The side that is padded. The network first moves padding to the right, so both sides give the same results."""


class Batching(Declared):
    """How records are combined into batches of similar length."""

    batch_size: pydantic.PositiveInt | Auto = AUTO
    """Maximum number of records per batch. `auto`: about the square root of the number of training records, as a power
    of 2 from 8 to 256; fewer if records are long."""
    token_budget: pydantic.PositiveInt | None = None
    """Maximum number of steps per batch, including padding: buckets of long sequences get smaller batches. A longer
    sequence is a batch of its own."""
    batch_size_multiple: pydantic.PositiveInt = 1
    """Automatic batch sizes are multiples of this number; at least one multiple, even if that exceeds the budget."""
    num_buckets: pydantic.PositiveInt = 8
    """Maximum number of buckets, if `bucket_boundaries` is not given."""
    bucket_boundaries: Sizes | None = None
    """Upper length bounds (exclusive) of the buckets; None chooses the bounds with the least padding."""
    bucket_batch_sizes: Sizes | None = None
    """Records per batch in each bucket: one more number than `bucket_boundaries`. Replaces the automatic sizes."""
    shuffle_buffer: pydantic.PositiveInt = 10_000
    """Number of records that are held in memory at a time, and shuffled in training; fewer if they have more than
    256 MB together."""
    drop_shorter_than: pydantic.NonNegativeInt = 0
    """Training drops shorter sequences and reports their number."""
    drop_longer_than: pydantic.PositiveInt | None = None
    """Training drops longer sequences and reports their number."""
    max_length: pydantic.PositiveInt | None = None
    """Longer sequences are truncated to this number of steps: in training, evaluation and serving. Histories of
    forecasts are truncated to 8 horizons (or twice the longest of `lags`) if neither this nor `truncate` is given; None
    keeps whole histories."""
    truncate: Literal["tail", "head", "random"] = "tail"
    """The end that is cut off. `random` keeps a random part in training, and cuts off the tail otherwise."""
    padding: dict[str, Padding] = {}
    """Padding by sequence feature, if it is not 0 on the right."""
    prepared: bool = False
    """Whether the trainer first writes the transformed records in a columnar format: later epochs are read several
    times faster. Batches are then taken from records sorted by length, without buckets."""
    on_error: Literal["raise", "skip"] = "raise"
    """`skip` drops records that cannot be parsed, and reports their number and which they are."""

    @pydantic.model_validator(mode="after")
    def _check(self) -> Batching:
        bounds, sizes = self.bucket_boundaries, self.bucket_batch_sizes
        if bounds is not None and list(bounds) != sorted(set(bounds)):
            raise ValueError(
                "bucket_boundaries must be increasing: each boundary must be greater than the one before it"
            )
        if sizes is not None and bounds is None:
            raise ValueError("bucket_batch_sizes needs bucket_boundaries: set both, or set token_budget")
        if sizes is not None and bounds is not None and len(sizes) != len(bounds) + 1:
            raise ValueError(
                f"bucket_batch_sizes must have one more number than bucket_boundaries: expected {len(bounds) + 1}, "
                f"received {len(sizes)}"
            )
        if self.drop_longer_than is not None and self.drop_longer_than < self.drop_shorter_than:
            raise ValueError("drop_longer_than is below drop_shorter_than: no sequence would remain")
        return self
