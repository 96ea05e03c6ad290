"""Counts the lengths of the training split, exactly and in the one pass of all statistics."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tfx_sequences.schemas.spec.batching import Batching

if TYPE_CHECKING:
    from tfx_sequences.components.transform.statistics_engine import StatisticsEngine
    from tfx_sequences.components.transform.transform_output import VocabularyReader

LENGTHS_FILE = "sequence_lengths"
_OF_LABEL = "missing label "


@dataclasses.dataclass(frozen=True)
class LengthHistogram:
    """The number of records of each length.

    Attributes:
        lengths: The distinct lengths in steps, ascending, int64 `[U]`.
        counts: Number of records of each length, int64 `[U]`.
    """

    lengths: np.ndarray
    counts: np.ndarray

    @classmethod
    def of(cls, lengths: Any) -> LengthHistogram:
        """The histogram of the lengths `[N]` of all records.

        >>> LengthHistogram.of([7, 3, 7])
        LengthHistogram(lengths=array([3, 7]), counts=array([1, 2]))
        """
        return cls(*np.unique(np.asarray(lengths, np.int64), return_counts=True))

    def as_batched(self, batching: Batching) -> LengthHistogram:
        """The lengths as batched in training: without dropped records, and with long ones truncated.

        >>> LengthHistogram.of([1, 5, 8, 9, 30]).as_batched(
        ...     Batching(drop_shorter_than=2, drop_longer_than=20, max_length=8)
        ... )
        LengthHistogram(lengths=array([5, 8]), counts=array([1, 2]))
        """
        keep = self.lengths >= batching.drop_shorter_than
        if batching.drop_longer_than is not None:
            keep &= self.lengths <= batching.drop_longer_than
        lengths, counts = self.lengths[keep], self.counts[keep]
        if batching.max_length is not None:
            lengths = np.minimum(lengths, batching.max_length)
        distinct, where = np.unique(lengths, return_inverse=True)
        summed = np.zeros(len(distinct), np.int64)
        np.add.at(summed, where, counts)
        return LengthHistogram(distinct, summed)


def analyze_lengths(engine: StatisticsEngine, lengths: Any, missing_labels: Sequence[Any] = ()) -> None:
    """In a `preprocessing_fn`: counts the lengths, int64 `[B]`, of the analyzed split.

    They are counted as strings, which is exact, and needs no other pass. `read_histogram` reads it.

    Args:
        engine: Counts them.
        lengths: The lengths.
        missing_labels: Strings, the name of a head for each of its targets that is missing. They are
            counted in the same vocabulary, because each vocabulary is a stage of its own in Beam.
            `read_missing_labels` reads them.
    """
    import tensorflow as tf

    tokens = tf.concat([tf.strings.as_string(lengths), *(_OF_LABEL + names for names in missing_labels)], axis=0)
    engine.count(tokens, LENGTHS_FILE)


def read_histogram(output: VocabularyReader) -> LengthHistogram:
    """The counts of `analyze_lengths`.

    Args:
        output: Transform's output.
    """
    counts = {token: count for token, count in _counts(output).items() if not token.startswith(_OF_LABEL)}
    table = np.array(sorted((int(length), count) for length, count in counts.items()), np.int64).reshape(-1, 2)
    return LengthHistogram(table[:, 0], table[:, 1])


def read_missing_labels(output: VocabularyReader) -> dict[str, int]:
    """By head how many targets of the analyzed split are missing, where any is.

    Args:
        output: Transform's output.
    """
    counts = _counts(output)
    return {token.removeprefix(_OF_LABEL): count for token, count in counts.items() if token.startswith(_OF_LABEL)}


def _counts(output: VocabularyReader) -> dict[str, int]:
    lines = (line.decode().split(" ", 1) for line in output.vocabulary_by_name(LENGTHS_FILE))
    return {token: int(count) for count, token in lines}
