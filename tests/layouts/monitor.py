"""Hours at a bedside monitor: a vector of vitals with NaN, a list that some records do not have, times of many digits.

What is to be predicted depends on one feature: `sick` on the vitals, `late` on the last digits of the times, `state` of
a step on its speed. Every fifth record does not have `late`; only the first and the last step have a `state`.
"""

from __future__ import annotations

import numpy as np

from tests.records import sequence_example
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

ADMITTED = 1528917632


def monitor_records(number=240, seed=7):
    """Context and sequence values."""
    random = np.random.default_rng(seed)
    for index in range(number):
        sick, late, steps = index % 2, index // 2 % 2, int(random.integers(4, 10))
        vitals = random.normal((80 + 20 * sick, 120, 36.8 + sick), (5, 9, 0.3), (steps, 3)).astype("float32")
        vitals[random.random(vitals.shape) < 0.4] = np.nan
        context = {"id": f"p{index}", "sick": ["no", "yes"][sick], "late": ["a", "b"][late]}
        sequence = {
            "vitals": vitals.tolist(),
            "hour": [float(step) for step in range(steps)],
            "time": sorted(int(x) for x in ADMITTED + 30 * late + random.integers(0, 30, steps)),
            "code": random.choice(["hr", "bp", "o2"], steps).tolist(),
            "dose": [float(x) if random.random() < 0.5 else [] for x in random.random(steps)],
        }
        speed = random.normal(3 * random.integers(0, 2, steps), 0.5)
        sequence["speed"] = [float(x) for x in speed]
        sequence["state"] = [
            ["slow", "fast"][int(x > 1.5)] if step in (0, steps - 1) else [] for step, x in enumerate(speed)
        ]
        if index % 5 == 4:
            del context["late"]
        if index % 6 == 0:
            del sequence["dose"]
        yield context, sequence


def monitor_examples(**options):
    """The same as `tf.SequenceExample`."""
    return [sequence_example(context, sequence) for context, sequence in monitor_records(**options)]


def monitor_spec(**changes):
    """A spec that takes them as they are."""
    time = {"type": "numeric", "key": "time", "dtype": "int64"}
    return SequenceSpec(
        **{
            "name": "monitor",
            "id_key": "id",
            "sequence": {
                "vitals": {"type": "numeric", "shape": (3,), "indicator": True},
                "hour": {"type": "numeric"},
                "speed": {"type": "numeric"},
                "time": {**time, "normalizer": {"offset": ADMITTED, "scale": 0.03}},
                "time_z": {**time, "normalizer": "z_score"},
                "gap": {**time, "normalizer": {"offset": "previous", "then": "log1p"}},
                "when": {"type": "time", "key": "time", "features": ("gap", "since_first", "hour")},
                "code": {"type": "categorical"},
                "dose": {"type": "numeric", "missing": "previous", "indicator": True},
            },
            "labels": {
                "sick": {"key": "sick"},
                "late": {"key": "late"},
                "state": {"key": "state", "per_step": True},
            },
            "model": {"units": (8,)},
            "training": {"epochs": 15, "learning_rate": 0.02, "folds": 1},
            **changes,
        }
    )
