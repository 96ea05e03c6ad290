"""Counts the lengths of the training split, exactly and in Transform's own pass over the data.

TensorFlow is needed only to read the result of an analysis; Beam and TFT only for the analysis.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from tfx_sequences.schemas.spec.batching import Batching

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


def analyze_lengths(lengths: Any, missing_labels: Sequence[Any] = ()) -> None:
    """In a `preprocessing_fn`: counts the lengths, int64 `[B]`, of the analyzed split.

    It uses a vocabulary of the lengths with frequencies, which is exact and part of the single pass that
    the other analyzers make. `read_histogram` reads it.

    Args:
        lengths: The lengths.
        missing_labels: Strings, the name of a head for each of its targets that is missing. They are
            counted in the same vocabulary, because each vocabulary is a stage of its own in Beam.
            `read_missing_labels` reads them.
    """
    import tensorflow as tf
    import tensorflow_transform as tft

    tokens = tf.concat([tf.strings.as_string(lengths), *(_OF_LABEL + names for names in missing_labels)], axis=0)
    tft.vocabulary(tokens, vocab_filename=LENGTHS_FILE, store_frequency=True, name="sequence_lengths")


def read_histogram(tft_output: Any) -> LengthHistogram:
    """The counts of `analyze_lengths`.

    Args:
        tft_output: A `tft.TFTransformOutput`.
    """
    counts = {token: count for token, count in _counts(tft_output).items() if not token.startswith(_OF_LABEL)}
    table = np.array(sorted((int(length), count) for length, count in counts.items()), np.int64).reshape(-1, 2)
    return LengthHistogram(table[:, 0], table[:, 1])


def read_missing_labels(tft_output: Any) -> dict[str, int]:
    """By head how many targets of the analyzed split are missing, where any is.

    Args:
        tft_output: A `tft.TFTransformOutput`.
    """
    counts = _counts(tft_output)
    return {token.removeprefix(_OF_LABEL): count for token, count in counts.items() if token.startswith(_OF_LABEL)}


def _counts(tft_output: Any) -> dict[str, int]:
    lines = (line.decode().split(" ", 1) for line in tft_output.vocabulary_by_name(LENGTHS_FILE))
    return {token: int(count) for count, token in lines}
