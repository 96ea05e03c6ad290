"""How the network is fitted, as a spec declares it."""

from __future__ import annotations

import pydantic

from tfx_sequences.schemas.base import Declared


class Training(Declared):
    """How the network is fitted."""

    epochs: pydantic.PositiveInt = 60
    """Epochs at most; early stopping usually ends sooner."""
    learning_rate: float = pydantic.Field(1e-3, gt=0)
    """Of Adam."""
    early_stopping_patience: pydantic.PositiveInt = 8
    """Epochs without a better validation loss before training stops; the best weights are kept."""
    gradient_clip_norm: float | None = pydantic.Field(1.0, gt=0)
    """Global norm to which gradients are clipped."""
    seed: int = 0
