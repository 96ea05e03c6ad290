"""How records become padded batches."""

from __future__ import annotations

from typing import Literal

import pydantic

from tfx_sequences.schemas.columns.auto import AUTO, Auto
from tfx_sequences.schemas.columns.base import Declared, Sizes


class Padding(Declared):
    """How the rows of one sequence feature are filled up to the longest of their batch."""

    value: float = 0.0
    """What padding holds; a whole number for ids. The mask comes from lengths, so the network never sees it."""
    side: Literal["right", "left"] = "right"
    """The side that is padded. The network first moves padding to the right, so both sides give the same results."""


class Batching(Declared):
    """How records become batches of about equal length."""

    batch_size: pydantic.PositiveInt | Auto = AUTO
    """Records per batch at most. `auto`: about the root of the number of training records, as a power of 2 from 8 to
    256; fewer where records are long."""
    token_budget: pydantic.PositiveInt | None = None
    """Steps per batch at most, padding included: buckets of long sequences get smaller batches.
    A longer sequence is a batch of its own."""
    batch_size_multiple: pydantic.PositiveInt = 1
    """Automatic batch sizes are multiples of this; at least one, even if that exceeds the budget."""
    num_buckets: pydantic.PositiveInt = 8
    """The largest number of buckets, where the boundaries are not given."""
    bucket_boundaries: Sizes | None = None
    """Upper length bounds (exclusive) of the buckets; None chooses those with the least padding."""
    bucket_batch_sizes: Sizes | None = None
    """Records per batch of each bucket, one more than `bucket_boundaries`; takes precedence over automatic sizes."""
    shuffle_buffer: pydantic.PositiveInt = 10_000
    """Records that are held in memory, and in training shuffled, at a time."""
    drop_shorter_than: pydantic.NonNegativeInt = 0
    """Training leaves out shorter sequences, and reports how many."""
    drop_longer_than: pydantic.PositiveInt | None = None
    """Training leaves out longer sequences, and reports how many."""
    max_length: pydantic.PositiveInt | None = None
    """Longer sequences are cut to this number of steps: in training, evaluation and serving. Histories of forecasts are
    cut to 8 horizons (or twice the longest of `lags`) if neither this nor `truncate` is given; None keeps them."""
    truncate: Literal["tail", "head", "random"] = "tail"
    """Which end is cut off. `random` keeps a random stretch in training, and cuts the tail elsewhere."""
    padding: dict[str, Padding] = {}
    """By sequence feature, if padding is not 0 on the right."""
    prepared: bool = False
    """Before it trains, the trainer writes the transformed records once more, column by column: later epochs read
    several times faster. Batches are then cut from records sorted by length, without buckets."""
    on_error: Literal["raise", "skip"] = "raise"
    """`skip` leaves out records that cannot be parsed, and reports how many and which."""

    @pydantic.model_validator(mode="after")
    def _check(self) -> Batching:
        bounds, sizes = self.bucket_boundaries, self.bucket_batch_sizes
        if bounds is not None and list(bounds) != sorted(set(bounds)):
            raise ValueError("bucket_boundaries must rise, each greater than the one before it")
        if sizes is not None and bounds is None:
            raise ValueError("bucket_batch_sizes needs bucket_boundaries: give both, or a token_budget")
        if sizes is not None and bounds is not None and len(sizes) != len(bounds) + 1:
            raise ValueError(
                f"bucket_batch_sizes must have one more than bucket_boundaries: expected {len(bounds) + 1}, "
                f"received {len(sizes)}"
            )
        if self.drop_longer_than is not None and self.drop_longer_than < self.drop_shorter_than:
            raise ValueError("drop_longer_than is below drop_shorter_than: no sequence would be left")
        return self
