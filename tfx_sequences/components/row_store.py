"""Serialized records in memory, of which batches are gathered.

Records are read by the thousand; what then travels through the datasets is their numbers, so no
op runs per record. A store holds the bytes under these numbers, and a batch's are parsed at once.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from tfx_sequences.components.record_formats import PARSE_ERRORS, RecordFormat


class RowParser:
    """What a format does with serialized records `[N]`, at least one, by one graph for all files.

    Args:
        form: The kind of records.

    Attributes:
        lengths: Their numbers of steps, int64 `[N]`; cheaper than to parse them.
        parse: Their features, as the format's `parse` gives them.
    """

    def __init__(self, form: RecordFormat) -> None:
        serialized = [tf.TensorSpec([None], tf.string)]
        self.lengths = tf.function(form.lengths, input_signature=serialized)
        self.parse = tf.function(form.parse, input_signature=serialized)

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
        records: The records, string `[N]`.
    """

    numbers: np.ndarray
    records: tf.Tensor

    def keep(self, numbers: np.ndarray) -> RowStore:
        """A store of some of the records only."""
        wanted = np.sort(numbers)
        return RowStore(wanted, tf.gather(self.records, np.searchsorted(self.numbers, wanted)))

    @classmethod
    def concat(cls, parts: Sequence[RowStore]) -> RowStore:
        """One store of all records; a later part has greater numbers."""
        if len(parts) == 1:
            return parts[0]
        return cls(
            np.concatenate([part.numbers for part in parts]), tf.concat([part.records for part in parts], axis=0)
        )


def gather(numbers: tf.Tensor, records: tf.Tensor, wanted: tf.Tensor) -> tf.Tensor:
    """The records of the numbers `wanted` `[B]`, from a store of `numbers` `[N]`, rising."""
    return tf.gather(records, tf.searchsorted(numbers, wanted))
