"""Serialized records in memory, of which batches are gathered.

Records are read by the thousand, and then put in the order of the batches by one op: a batch is a
slice, parsed at once. To copy a string costs as much as to parse it, so each is copied once.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from tfx_sequences.components.input.record_formats import PARSE_ERRORS, RecordFormat


class RowParser:
    """What a format does with serialized records `[N]`, at least one, by one graph for all files.

    Args:
        form: The kind of records.

    Attributes:
        lengths: Their numbers of steps, int64 `[N]`; cheaper than to parse them.
        parse: Their features, as the format's `parse` gives them.
    """

    def __init__(self, form: RecordFormat) -> None:
        self.lengths = form.lengths
        self.parse = tf.function(form.parse, input_signature=[tf.TensorSpec([None], tf.string)])

    def can_parse(self, serialized: tf.Tensor) -> np.ndarray:
        """Which records can be parsed, bool `[N]`; found by halving, so few bad ones cost little."""
        count = int(serialized.shape[0])
        try:
            self.lengths(serialized)
            self.parse(serialized)
        except PARSE_ERRORS:
            if count == 1:
                return np.zeros(1, bool)
            halves = serialized[: count // 2], serialized[count // 2 :]
            return np.concatenate([self.can_parse(half) for half in halves])
        return np.ones(count, bool)


@functools.lru_cache(maxsize=4)
def parser_of(form: RecordFormat) -> RowParser:
    """The parser of a format, traced once for all inputs of it."""
    return RowParser(form)


@dataclasses.dataclass(frozen=True)
class RowStore:
    """Records by number.

    Attributes:
        numbers: Their numbers, int64 `[N]`, rising.
        records: The records, string `[N]` or longer; what stands behind the first `N` is none.
    """

    numbers: np.ndarray
    records: tf.Tensor


def arranged(stores: Sequence[RowStore], wanted: np.ndarray, positions: np.ndarray, size: int) -> tf.Tensor:
    """Some records in one tensor, each copied once.

    Args:
        stores: Where they are, at least one store; a later one has greater numbers.
        wanted: Their numbers, int64 `[W]`, each once.
        positions: Where each is to stand, int64 `[W]`, each once and below `size`.
        size: How long the tensor is to be at least; what stands between is empty.
    """
    begins = np.cumsum([0, *(int(store.records.shape[0]) for store in stores)])
    numbers = np.concatenate([store.numbers for store in stores])
    places = np.concatenate([a + np.arange(len(s.numbers)) for a, s in zip(begins, stores, strict=False)])
    # The op has to put every record somewhere: those that are not wanted behind all others.
    to = np.full(begins[-1], size, np.int32)
    to[places.take(_found(numbers, wanted))] = positions
    to_of_store = [to[a:b] for a, b in itertools.pairwise(begins)]
    return tf.dynamic_stitch([*to_of_store, [size]], [*(store.records for store in stores), tf.constant([""])])


def _found(numbers: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Where in `numbers`, which rise, each of `wanted` is; most of them follow one another, which needs no search."""
    gaps = np.flatnonzero(np.diff(numbers) != 1)
    begin = gaps[-1] + 1 if len(gaps) else 0
    found = wanted - numbers[begin] + begin
    early = found < begin
    found[early] = np.searchsorted(numbers[:begin], wanted[early])
    return found
