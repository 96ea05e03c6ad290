"""A spec with the values that a search found."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec
from tfx_sequences.schemas.spec.tuning_options import SECTIONS, with_values


def tuned_spec(spec: SequenceSpec, values: Mapping[str, Any]) -> SequenceSpec:
    """The spec with the values of a trial.

    Args:
        spec: The spec.
        values: The values of keras-tuner's `HyperParameters`; JSON text for a value that is not a number.

    >>> spec = SequenceSpec(name="s", sequence={"x": {"type": "numeric"}}, label={"key": "y"})
    >>> tuned_spec(spec, {"model.units": "[8]", "model.dropout": 0.1}).model.units
    (8,)
    """
    sections = {name: getattr(spec, name) for name in SECTIONS}
    plain = {path: json.loads(value) if isinstance(value, str) else value for path, value in values.items()}
    return spec.model_copy(update=with_values(sections, plain))
