"""Terms that are known, and which values of the records are not among them."""

from __future__ import annotations

from typing import Any

import numpy as np


class KnownTerms:
    """The set of known terms for a lookup of values.

    Args:
        dtype: `string` or `int64`.
        terms: The terms, as text.

    >>> KnownTerms("int64", ["7", "5"]).strangers(np.array([5, 9, 9]))
    [9]
    """

    def __init__(self, dtype: str, terms: list[str]) -> None:
        self.terms = terms
        self._known: frozenset[Any] = frozenset(t.encode() for t in terms) if dtype == "string" else frozenset(terms)

    def strangers(self, values: np.ndarray) -> list[Any]:
        """The distinct values that are not known terms; strings in the order of the data."""
        if values.dtype == object:
            return [v for v in dict.fromkeys(values.tolist()) if v not in self._known]
        return [v for v in np.unique(values).tolist() if str(v) not in self._known]
