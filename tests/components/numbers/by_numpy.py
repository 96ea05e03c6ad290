"""Numbers normalized and filled by their definitions, with NumPy."""

import numpy as np


def statistics_of(values, kind):
    """Location and scale of some values, by their definition."""
    if not len(values):
        return 0.0, 0.0
    if kind == "per_record":
        return values.mean(), values.std()
    if kind == "per_record_min_max":
        return values.min(), np.ptp(values)
    low, middle, high = np.percentile(values, [25, 50, 75])
    return middle, high - low or values.std()


def expected(values, counts, kind, causal):
    """Values normalized by their record, location and scale, `[B, T, E]` each."""
    out, location, scale = (np.zeros(values.shape) for _ in range(3))
    for row, step, element in np.ndindex(values.shape):
        seen = slice(0, step + 1 if causal else None)
        known = values[row, seen, element][counts[row, seen, element]].astype(np.float64)
        middle, spread = statistics_of(known, kind)
        location[row, step, element], scale[row, step, element] = middle, spread
        if counts[row, step, element] and spread > 0:
            out[row, step, element] = (values[row, step, element] - middle) / spread
    return out, location, scale


def carried(values, there):
    """Missing values replaced by the last ones before them, `[T, E]`."""
    found = values.copy()
    for step in range(1, len(values)):
        known = there[: step + 1].any(axis=0)
        last = step - np.argmax(there[step::-1], axis=0)
        found[step] = np.where(known, values[last, np.arange(values.shape[1])], values[step])
    return found


def interpolated(values, there):
    """Missing values replaced by linear interpolation, `[T, E]`."""
    found = values.copy()
    for element in range(values.shape[1]):
        at = np.flatnonzero(there[:, element])
        if len(at):
            found[:, element] = np.interp(np.arange(len(values)), at, values[at, element])
    return found
