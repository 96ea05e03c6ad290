"""Serialized records in memory, from which batches are gathered.

Records are read in thousands, and one op arranges them in the order of the batches: a batch is then a
slice, parsed at once. Copying a string costs as much as parsing it, so each string is copied only once.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from tfx_sequences.components.input.record_formats import PARSE_ERRORS, RecordFormat
from tfx_sequences.components.records.well_formed import MalformedRecord


class RowParser:
    """A format's functions for serialized records `[N]`, at least one, as one graph for all files.

    Args:
        form: The record format.

    Attributes:
        lengths: Returns their numbers of steps, int64 `[N]`; cheaper than parsing.
        parse: Returns their features, like the format's `parse`.
    """

    def __init__(self, form: RecordFormat) -> None:
        self.lengths = form.lengths
        self.parse = tf.function(form.parse, input_signature=[tf.TensorSpec([None], tf.string)])
        self._malformed = form.malformed

    def check(self, serialized: tf.Tensor) -> None:
        """Raises one of `PARSE_ERRORS` if a record is not well-formed, or cannot be parsed."""
        if self._malformed(serialized.numpy()).any():
            raise MalformedRecord("a record is not well-formed")
        self.parse(serialized)

    def can_parse(self, serialized: tf.Tensor) -> np.ndarray:
        """Whether each record is well-formed and can be parsed, bool `[N]`."""
        found = ~self._malformed(serialized.numpy())
        if found.any():
            found[found] = self._parses(serialized if found.all() else tf.boolean_mask(serialized, found))
        return found

    def _parses(self, serialized: tf.Tensor) -> np.ndarray:
        """Found by bisection, which is cheap for few records that cannot be parsed."""
        count = int(serialized.shape[0])
        try:
            self.lengths(serialized)
            self.parse(serialized)
        except PARSE_ERRORS:
            if count == 1:
                return np.zeros(1, bool)
            halves = serialized[: count // 2], serialized[count // 2 :]
            return np.concatenate([self._parses(half) for half in halves])
        return np.ones(count, bool)


@functools.lru_cache(maxsize=4)
def parser_of(form: RecordFormat) -> RowParser:
    """The parser of a format, traced once for all its inputs."""
    return RowParser(form)


@dataclasses.dataclass(frozen=True)
class RowStore:
    """Records by number.

    Attributes:
        numbers: Numbers of the records, int64 `[N]`, ascending.
        records: The records, string `[N]` or longer; elements after the first `N` are unused.
    """

    numbers: np.ndarray
    records: tf.Tensor


def arranged(stores: Sequence[RowStore], wanted: np.ndarray, positions: np.ndarray, size: int) -> tf.Tensor:
    """Collects records in one tensor; copies each record once.

    Args:
        stores: Stores of the records, at least one; later stores have greater numbers.
        wanted: Numbers of the wanted records, int64 `[W]`, each once.
        positions: Position of each in the result, int64 `[W]`, each once and below `size`.
        size: Minimum length of the tensor; other positions are empty.
    """
    begins = np.cumsum([0, *(int(store.records.shape[0]) for store in stores)])
    numbers = np.concatenate([store.numbers for store in stores])
    places = np.concatenate([a + np.arange(len(s.numbers)) for a, s in zip(begins, stores, strict=False)])
    # The op must place every record somewhere: unwanted ones go after all others.
    to = np.full(begins[-1], size, np.int32)
    to[places.take(_found(numbers, wanted))] = positions
    to_of_store = [to[a:b] for a, b in itertools.pairwise(begins)]
    return tf.dynamic_stitch([*to_of_store, [size]], [*(store.records for store in stores), tf.constant([""])])


def _found(numbers: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Positions of `wanted` in the sorted `numbers`; most numbers are consecutive, which needs no search."""
    gaps = np.flatnonzero(np.diff(numbers) != 1)
    begin = gaps[-1] + 1 if len(gaps) else 0
    found = wanted - numbers[begin] + begin
    early = found < begin
    found[early] = np.searchsorted(numbers[:begin], wanted[early])
    return found
