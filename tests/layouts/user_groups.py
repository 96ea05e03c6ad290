"""Several records of each user; the class is a coin that was thrown once per user."""

from __future__ import annotations

import numpy as np

from tests.records import sequence_example


def user_groups(users=30, each=10, seed=5):
    """Shuffled records: what is learned of one user says nothing about another one."""
    random = np.random.default_rng(seed)
    found = []
    for user in range(users):
        mean, kind = random.normal(0, 1, 8), ["yes", "no"][int(random.integers(0, 2))]
        for number in range(each):
            steps = int(random.integers(3, 7))
            lists = {"x": (mean + random.normal(0, 0.05, (steps, 8))).tolist()}
            found.append(sequence_example({"id": f"u{user}-{number}", "user_id": f"u{user}", "kind": kind}, lists))
    return [found[index] for index in random.permutation(len(found))]
