"""Counts of several batches together."""

from collections import Counter

import numpy as np

from tfx_sequences.components.records.figures import Figures
from tfx_sequences.components.records.missing_values import MissingCounts


def figures_of(lengths, **parts):
    return Figures([np.array(lengths, np.int64)], **parts)


def test_records_and_steps_are_summed():
    assert (Figures().records, Figures().steps) == (0, 0)
    figures = Figures([np.array([3, 0]), np.array([], np.int64), np.array([5])])
    assert (figures.records, figures.steps) == (3, 8)


def test_parts_are_added_up_and_stay_as_they_are():
    first = figures_of([3], classes={"a": Counter("xxy")}, terms={"t": Counter("p")}, missing={"c": MissingCounts(1)})
    second = figures_of([2, 0], classes={"a": Counter("y"), "b": Counter("z")}, missing={"c": MissingCounts(2, 5)})
    whole = Figures.of_all([first, second])
    assert (whole.records, whole.steps) == (3, 5)
    assert whole.classes == {"a": {"x": 2, "y": 2}, "b": {"z": 1}}
    assert whole.terms == {"t": {"p": 1}}
    assert whole.missing == {"c": MissingCounts(3, 5)}
    assert first.classes == {"a": {"x": 2, "y": 1}} and first.records == 1
