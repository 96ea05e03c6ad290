"""Whole numbers of many digits: how many distinct ones become equal as float32."""

from __future__ import annotations

import numpy as np

from tfx_sequences.components.numbers.statistics import Moments

# Distinct values of one element that are kept: the first ones.
_MOST_VALUES = 1 << 16


class DistinctNumbers:
    """The distinct values of a feature, each element of a vector by itself.

    Args:
        elements: Numbers of a step (or record).

    >>> numbers = DistinctNumbers(1)
    >>> numbers.add(np.array([[1528917632], [1528917633], [1528917760]]), np.ones((3, 1), bool))
    >>> numbers.lost("none", Moments.of(np.zeros((0, 1))))
    '3 distinct values become 2 as float32, such as 1528917632 and 1528917633'
    """

    def __init__(self, elements: int) -> None:
        self._values: list[np.ndarray | None] = [None] * elements

    def add(self, values: np.ndarray, there: np.ndarray) -> None:
        """Adds `[N, E]` values, those that are `there`."""
        for element, known in enumerate(self._values):
            found = values[there[:, element], element]
            if known is None:
                self._values[element] = np.unique(found)[:_MOST_VALUES]
            elif len(known) < _MOST_VALUES:
                self._values[element] = np.union1d(known, found)[:_MOST_VALUES]

    def lost(self, method: str, moments: Moments) -> str:
        """What is lost in the element that loses most, in words; empty if nothing.

        Args:
            method: The normaliser. Nothing is said about those by ranks or by record.
            moments: Those of the values.
        """
        worst, words = 0, ""
        for element, values in enumerate(self._values):
            if values is None or not len(values):
                continue
            kept = _as_float32(values, method, moments, element)
            if kept is None:
                return ""
            distinct = len(np.unique(kept))
            if len(values) - distinct > worst:
                worst = len(values) - distinct
                at = int(np.flatnonzero(np.diff(kept) == 0)[0])
                example = f"{values[at]:.17g} and {values[at + 1]:.17g}"
                if values.dtype.kind in "iu":
                    example = f"{values[at]} and {values[at + 1]}"
                words = f"{len(values)} distinct values become {distinct} as float32, such as {example}"
        return words


def _as_float32(values: np.ndarray, method: str, moments: Moments, element: int) -> np.ndarray | None:
    """Rising values as the network gets them; None if the normaliser is by ranks or by record."""
    wide = values.astype(np.float64)
    if method in ("z_score", "robust"):
        # Both are linear; where the middle is makes no difference to how many are distinct.
        wide = (wide - moments.mean[element]) / (moments.std[element] or 1.0)
    elif method == "min_max":
        wide = (wide - wide[0]) / ((wide[-1] - wide[0]) or 1.0)
    elif method == "log1p":
        wide = np.sign(wide) * np.log1p(np.abs(wide))
    elif method != "none":
        return None
    return wide.astype(np.float32)
