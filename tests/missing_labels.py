"""Records of which only some have which labels, of all kinds, for records and for steps."""

from __future__ import annotations

import numpy as np

from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

NUM_RECORDS = 36


def spec_of_missing_labels(**changes):
    return SequenceSpec(
        **{
            "name": "partly",
            "id_key": "id",
            "sequence": {"speed": {"type": "numeric"}, "token": {"type": "categorical", "num_oov_buckets": 1}},
            "labels": {
                "state": {"key": "state", "per_step": True, "class_weights": "balanced", "step_weight": "sure"},
                "next": {"key": "token", "per_step": True, "shift": 1},
                "rank": {"key": "rank", "per_step": True, "dtype": "int64", "classes": (1, 2, 3)},
                "moods": {"key": "moods", "per_step": True, "type": "multi_label", "class_weights": "balanced"},
                "frame": {"key": "frame", "per_step": True, "type": "multi_label", "shape": (2,)},
                "level": {"key": "level", "per_step": True, "type": "regression"},
                "kind": {"key": "kind"},
                "grade": {"key": "grade", "dtype": "int64"},
                "place": {"key": "place", "type": "regression", "shape": (2,)},
                "score": {"key": "score", "type": "regression", "dtype": "int64"},
            },
            "model": {"units": (4,), "bidirectional": False},
            "training": {"epochs": 1},
            **changes,
        }
    )


def records_of_missing_labels():
    """Context and sequence values: labels are missing in steps, in whole records, and as NaN."""
    random = np.random.default_rng(8)
    records = []
    for index in range(NUM_RECORDS):
        steps = index % 6
        ends = (0, steps - 1)
        context = {"id": f"r{index}"}
        if index % 3:
            context |= {"kind": "ab"[index % 2], "grade": index % 4 - 1, "score": index}
        if index % 4:
            context["place"] = [float(index), float("nan") if index % 7 == 1 else 1.0]
        sequence = {
            "speed": random.normal(size=steps).astype("float32").tolist(),
            "token": [["x", "y", "z"][int(i)] for i in random.integers(0, 3, steps)],
            "state": [
                ["slow", "fast"][int(i)] if t in ends else [] for t, i in enumerate(random.integers(0, 2, steps))
            ],
            "sure": [2.0 if t in ends else [] for t in range(steps)],
            "rank": [[] if t % 3 == 1 else int(i) for t, i in enumerate(random.integers(1, 4, steps))],
            "moods": [[["up"], [], ["down", "up"]][t % 3] for t in range(steps)],
            "frame": [[] if t == 2 else [float(x) for x in random.integers(0, 2, 2)] for t in range(steps)],
            "level": [float("nan") if t == 1 else float(t) for t in range(steps)],
        }
        for number, keys in enumerate((["state", "sure"], ["moods"], ["frame"], ["level"], ["token"])):
            if index % 11 == 2 * number:
                for key in keys:
                    del sequence[key]
        records.append((context, sequence))
    return records
