"""The network, as a spec declares it."""

from __future__ import annotations

from typing import Literal

import pydantic

from tfx_sequences.schemas.base import Declared, Sizes


class Model(Declared):
    """The masked recurrent network."""

    cell: Literal["lstm", "gru", "simple_rnn"] = "lstm"
    units: Sizes = pydantic.Field((64,), min_length=1)
    """Units of each stacked recurrent layer."""
    bidirectional: bool = True
    pooling: Literal["last", "mean", "max"] = "mean"
    """How the real steps become one vector: the final state, or the mean or maximum over them."""
    dropout: float = pydantic.Field(0.2, ge=0, lt=1)
    """Share of inputs and of pooled outputs that is dropped in training."""
