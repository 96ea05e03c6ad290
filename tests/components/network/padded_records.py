"""Four records of a context and a sequence, padded or one by one, for the tests of networks."""

import numpy as np

LENGTHS = np.array([4, 1, 0, 3])


def batch(steps, filler=0):
    """Four records of lengths 4, 1, 0, 3, padded with `filler` to `steps`."""
    random = np.random.default_rng(1)
    x = np.full((4, steps, 2), float(filler), "float32")
    token = np.full((4, steps), int(filler))
    for row, length in enumerate(LENGTHS):
        x[row, :length] = random.normal(size=(length, 2))
        token[row, :length] = random.integers(0, 6, length)
    return {
        "sequence.x": x,
        "sequence.token": token,
        "context.age": random.normal(size=4).astype("float32"),
        "context.city": np.array([0, 1, 2, 0]),
        "sequence_length": LENGTHS,
    }


def row(inputs, index):
    """One record without any padding; a step is left where there is none, for the kernels need one."""
    steps = max(LENGTHS[index], 1)
    return {
        name: value[index : index + 1, :steps] if name.startswith("sequence.") else value[index : index + 1]
        for name, value in inputs.items()
    }
