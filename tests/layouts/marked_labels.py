"""Records whose missing labels are stored as a value: an empty string, -1, or an unlikely number."""

from __future__ import annotations

import numpy as np

from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def marked_labels(number=60, seed=6):
    """Context and sequence values: the speed determines `phase` and `state` of a step; its sign determines `mood`.

    `mood` is `""` in every fifth record; of the steps, about a third have the phase -1, the state `""` and the
    level -9.
    """
    random = np.random.default_rng(seed)
    for index in range(number):
        steps, side = int(random.integers(3, 9)), index % 2
        phases = np.sort(random.integers(0, 3, steps))
        known = random.random((3, steps)) > 0.3
        sign = 2 * side - 1
        yield (
            {"id": f"v{index}", "mood": "" if index % 5 == 0 else ["sad", "glad"][side]},
            {
                "speed": (sign * random.normal(3 + 3 * phases, 0.3)).tolist(),
                "phase": [int(p) if k else -1 for p, k in zip(phases, known[0], strict=True)],
                "state": ["slow" if p == 0 else "fast" for p in phases] if index % 7 else [""] * steps,
                "level": [float(p) if k else -9.0 for p, k in zip(phases, known[1], strict=True)],
            },
        )


def marked_spec(**changes):
    """A spec that says which values these are."""
    return SequenceSpec(
        **{
            "name": "marked",
            "id_key": "id",
            "sequence": {"speed": {"type": "numeric"}},
            "labels": {
                "mood": {"key": "mood"},
                "phase": {"key": "phase", "per_step": True, "dtype": "int64", "missing_value": -1},
                "state": {"key": "state", "per_step": True, "classes": ("slow", "fast")},
                "level": {"key": "level", "per_step": True, "type": "regression", "missing_value": -9},
            },
            "model": {"units": (8,)},
            "training": {"epochs": 12, "learning_rate": 0.02},
            **changes,
        }
    )


def without_marks(record):
    """The same record with nothing in place of these values."""
    context, sequence = record
    context = {key: value for key, value in context.items() if value != ""}
    return context, {key: [[] if value in (-1, "", -9.0) else value for value in v] for key, v in sequence.items()}
