"""Figures of a head from what the exported model sums up."""

from __future__ import annotations

from tfx_sequences.components.kinds.registry import kind_of


def figures(label, sums, classes=()):
    """The figures by name, of the sums of each record `[B, S]`."""
    return kind_of(label).measures(label, classes, with_curve=True).figures(sums.sum(0))
