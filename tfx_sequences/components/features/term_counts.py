"""Counts of terms, and the vocabulary that follows from them, in the order of `tft.vocabulary`."""

from __future__ import annotations

from collections import Counter
from typing import Any

import tensorflow as tf

from tfx_sequences.schemas.columns.column import Vocabulary


class TermCounts:
    r"""How often each term occurs. Terms without text, and those with a line break, are not counted.

    >>> counts = TermCounts()
    >>> counts.add(tf.constant(["b", "a", "c", "", "a\n", "c"]))
    >>> counts.terms(Vocabulary()), counts.terms(Vocabulary(frequency_threshold=2)), counts.terms(Vocabulary(top_k=2))
    ([b'c', b'b', b'a'], [b'c'], [b'c', b'b'])
    """

    def __init__(self) -> None:
        self._counts: Counter[bytes] = Counter()

    def add(self, terms: Any) -> None:
        """Counts the strings `[N]`."""
        found, _, counts = tf.unique_with_counts(terms)
        self._counts.update(dict(zip(found.numpy().tolist(), counts.numpy().tolist(), strict=True)))

    def terms(self, vocabulary: Vocabulary) -> list[bytes]:
        """The terms by falling count, and by falling bytes among those of one count."""
        least = vocabulary.frequency_threshold or 1
        kept = [(count, term) for term, count in self._counts.items() if count >= least and _is_kept(term)]
        return [term for _, term in sorted(kept, reverse=True)[: vocabulary.top_k]]


def _is_kept(term: bytes) -> bool:
    return bool(term) and b"\n" not in term and b"\r" not in term
