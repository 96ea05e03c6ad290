"""The forecasts of a spec: its forecast heads, their horizon, and features that are known in advance."""

from __future__ import annotations

from tfx_sequences.schemas.spec.label import Label
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def forecast_heads(spec: SequenceSpec) -> dict[str, Label]:
    """The forecast heads by name: either none or all heads of a spec."""
    return {name: label for name, label in spec.heads.items() if label.kind.from_windows}


def horizon_of(spec: SequenceSpec) -> int:
    """Number of forecast steps, the same for all heads; 0 without forecasts."""
    return max((label.horizon or 0 for label in forecast_heads(spec).values()), default=0)


def known_future(spec: SequenceSpec) -> dict[str, str]:
    """For each sequence feature that is known in advance, the raw key of its future values."""
    return {name: key for label in forecast_heads(spec).values() for name, key in label.known_future.items()}
