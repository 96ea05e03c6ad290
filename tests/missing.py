"""Records with all that can be missing of features and with times of many digits, and one spec that reads them."""

from __future__ import annotations

import numpy as np

from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

NUM_RECORDS = 48
MARKER = -9999.0
START = 1528917632_000_000_001  # nanoseconds: the neighbours in float64 are 256 away


def missing_spec(**changes):
    vitals = {"type": "numeric", "key": "vitals", "shape": (3,), "normalizer": "z_score"}
    time = {"type": "numeric", "key": "time", "dtype": "int64", "missing_value": 0}
    when = {"type": "time", "key": "time", "unit": "ns", "time_zone": "America/New_York", "missing_value": 0}
    return SequenceSpec(
        **{
            "name": "missing",
            "id_key": "id",
            "context": {
                "mass": {
                    "type": "numeric",
                    "normalizer": "z_score",
                    "missing": "mean",
                    "missing_value": MARKER,
                    "indicator": True,
                },
                "age": {"type": "numeric", "dtype": "int64", "default_value": 50.0, "indicator": True},
                "pair": {"type": "numeric", "shape": (2,), "normalizer": "min_max"},
                "asked": {"type": "time", "time_zone": "Asia/Kolkata"},
            },
            "sequence": {
                "vitals": {**vitals, "indicator": True},
                "carried": {**vitals, "missing": "previous"},
                "line": {**vitals, "normalizer": "min_max", "missing": "interpolate"},
                "range": {**vitals, "normalizer": "min_max"},
                "middle": {**vitals, "normalizer": "robust"},
                "own": {**vitals, "normalizer": "per_record", "missing": "previous"},
                "chosen": {**vitals, "normalizer": "auto"},
                "band": {"type": "bucketized", "key": "vitals", "shape": (3,), "boundaries": (0.0,)},
                "dose": {"type": "numeric", "normalizer": "none", "indicator": True},
                "count": {
                    "type": "numeric",
                    "dtype": "int64",
                    "normalizer": "none",
                    "missing_value": -1,
                    "missing": "previous",
                    "default_value": 7.0,
                },
                "time": {**time, "normalizer": "z_score"},
                "gap": {**time, "normalizer": {"offset": "previous", "then": "z_score"}},
                "since": {**time, "normalizer": {"offset": "first", "scale": 0.1}, "missing": "previous"},
                "left": {**time, "normalizer": {"offset": "last", "then": "min_max"}},
                "later": {**time, "normalizer": {"offset": "start"}, "indicator": True},
                "when": {**when, "features": ("gap", "age", "since_first", "hour", "weekday", "month")},
                "day": {**when, "features": ("weekday",), "calendar": "ids"},
                "exact": {**time, "normalizer": {"offset": START, "scale": 0.01}},
                "code": {"type": "categorical", "vocabulary_list": ("hr", "bp")},
                "tags": {"type": "categorical", "multi_valued": True, "vocabulary_list": ("x", "y")},
            },
            "label": {"key": "kind"},
            "model": {"units": (4,)},
            "training": {"epochs": 1},
            **changes,
        }
    )


def missing_records():
    """Context and sequence values; of lists, steps and elements some are missing, none shifts others."""
    random = np.random.default_rng(11)
    records = []
    for index in range(NUM_RECORDS):
        steps = index % 7
        vitals = random.normal((80, 0, 36), (9, 2, 1), (steps, 3)).astype("float32")
        vitals[random.random(vitals.shape) < 0.4] = np.nan
        context = {
            "id": f"r{index}",
            "kind": "ab"[index % 2],
            "start": START + 10 * index,
            "pair": [float(index), float("nan") if index % 4 == 1 else 2.0],
        }
        if index % 3:
            context["mass"] = MARKER if index % 5 == 1 else float(60 + index)
        if index % 5:
            context["asked"] = 1528917632 + 1_000_003 * index
        if index % 4:
            context["age"] = 20 + index
        sequence = {
            "vitals": [[] if random.random() < 0.1 else step for step in vitals.tolist()],
            "dose": [[] if random.random() < 0.3 else float(x) for x in random.random(steps).astype("float32")],
            "count": [int(x) for x in random.integers(-1, 4, steps)],
            "time": [0 if step % 4 == 2 else START + 100 * index + int(random.integers(9)) for step in range(steps)],
            "code": [["hr", "bp", "o2"][i % 3] for i in range(steps)],
            "tags": [[["x"], [], ["y", "x"]][i % 3] for i in range(steps)],
        }
        for number, key in enumerate(("vitals", "dose", "count", "code", "tags", "time")):
            if index % 13 == 2 * number + 1:
                del sequence[key]
        records.append((context, sequence))
    return records
