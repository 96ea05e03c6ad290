"""The forecasts of a spec: its heads that are forecasts, how far they reach, and what they know beforehand."""

from __future__ import annotations

from tfx_sequences.schemas.spec.label import Label
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def forecast_heads(spec: SequenceSpec) -> dict[str, Label]:
    """The heads that are forecasts, by name; either none or all of a spec."""
    return {name: label for name, label in spec.heads.items() if label.kind.from_windows}


def horizon_of(spec: SequenceSpec) -> int:
    """Steps that are forecast, the same of all heads; 0 where there are no forecasts."""
    return max((label.horizon or 0 for label in forecast_heads(spec).values()), default=0)


def known_future(spec: SequenceSpec) -> dict[str, str]:
    """Of the sequence features that are known beforehand: the raw key of their future, by the feature's name."""
    return {name: key for label in forecast_heads(spec).values() for name, key in label.known_future.items()}
