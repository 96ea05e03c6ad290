"""Spans of IOB tags found one tag after another, as conlleval does: what the vectorised counts are compared with."""

from __future__ import annotations

from collections.abc import Sequence


def spans_of(tags: Sequence[str]) -> set[tuple[str, int, int]]:
    """Type, first and last step of each span."""
    found, begin, kind = set(), None, ""
    for step, tag in enumerate([*tags, "O"]):
        prefix, _, its = tag.partition("-")
        before = "O" if step == 0 else tags[step - 1].partition("-")[0]
        if begin is not None and (prefix in "OBS" or before in "ES" or its != kind):
            found.add((kind, begin, step - 1))
            begin = None
        if begin is None and prefix != "O":
            begin, kind = step, its
    return found


def span_f1(truth: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]) -> float:
    """The F1 score of the spans of all sequences."""
    pairs = [(spans_of(t), spans_of(p)) for t, p in zip(truth, predicted, strict=True)]
    right = sum(len(t & p) for t, p in pairs)
    return 2 * right / sum(len(t) + len(p) for t, p in pairs)
