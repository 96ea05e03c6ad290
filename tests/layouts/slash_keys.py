"""Keys with slashes, as MediaSequence has them; the class is determined by the speed."""

from __future__ import annotations

import numpy as np

from tests.records import sequence_example


def slash_keys(count=200, seed=3):
    """Records whose speed is about 2 for `walk` and about 5 for `run`."""
    random = np.random.default_rng(seed)
    found = []
    for index in range(count):
        fast, steps = index % 2, int(random.integers(3, 10))
        context = {
            "example/id": f"clip{index}",
            "clip/label/string": ["walk", "run"][fast],
            "clip/start/timestamp": 1000 * index,
        }
        lists = {
            "image/speed": random.normal(2 + 3 * fast, 0.5, steps).tolist(),
            "region/label/string": random.choice(["person", "dog"], steps).tolist(),
        }
        found.append(sequence_example(context, lists))
    return found
