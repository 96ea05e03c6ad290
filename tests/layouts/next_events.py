"""Logs of events: the label of a step is the next event, under another key."""

from __future__ import annotations

import numpy as np

from tests.records import sequence_example


def next_events(count=300, seed=7):
    """Of four events, the next one is the same, one of two that follow, or (twice as likely) the first of these."""
    random = np.random.default_rng(seed)
    found = []
    for index in range(count):
        state, events = int(random.integers(0, 4)), []
        for _ in range(int(random.integers(3, 10))):
            events.append("abcd"[state])
            state = (state + int(random.choice([0, 1, 1, 2]))) % 4
        found.append(sequence_example({"case": f"c{index}"}, {"activity": events, "then": [*events[1:], "<end>"]}))
    return found
