"""One pass over the input: turns the reader's chunks into batches of serialized records.

The reader is Python code and reads thousands of records at a time. Two dataset streams call it: one for
micro-batches, from which `bucket_by_sequence_length` makes batches, and after it one for the records of
these batches.
"""

from __future__ import annotations

import collections
import concurrent.futures
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from tfx_sequences.components.input.bucket_queue import Parts
from tfx_sequences.components.input.dataset_functions import flat_mapped, mapped, taken_while
from tfx_sequences.components.input.epoch_reader import EpochReader, ReadChunk
from tfx_sequences.components.input.input_counts import InputCounts
from tfx_sequences.components.input.micro_batches import bucket
from tfx_sequences.errors import TfxSequencesError
from tfx_sequences.schemas.features.bucket_plan import BucketPlan


class InputPass:
    """The reader of a pass, and chunks that were read but not requested yet.

    Args:
        reader: The reader. It starts at once, while TensorFlow still builds the functions of the pass,
            which takes as long as reading the first chunk.
        seed: The spec's seed.
        finished: Receives the counts of a finished epoch, by its number.

    Attributes:
        reader: The reader.
        error: The error that the reader raised.
    """

    def __init__(self, reader: EpochReader, seed: int, finished: dict[int, InputCounts]) -> None:
        self.reader = reader
        self.error: TfxSequencesError | None = None
        self._seed = (seed % 2**31 << 31) + reader.epoch
        self._finished = finished
        self._complete: collections.deque[ReadChunk] = collections.deque()
        self._chunks = self._begun(iter(reader))

    @staticmethod
    def _begun(chunks: Iterator[ReadChunk]) -> Iterator[ReadChunk]:
        thread = concurrent.futures.ThreadPoolExecutor(1, "first-chunk")
        first = thread.submit(next, chunks)
        thread.shutdown(wait=False)

        def all_chunks() -> Iterator[ReadChunk]:
            yield first.result()
            yield from chunks

        return all_chunks()

    def micro_batches(self) -> tuple[np.ndarray, np.ndarray]:
        """The next micro-batches: length of any row of each, int32 `[M]`, and its seed `[M, 2]`; empty at the end."""
        try:
            for read in self._chunks:
                if self.reader.finished:
                    self._finished[self.reader.epoch] = self.reader.counts
                if len(read.starts):
                    self._complete.append(read)
                given = read.given.micro_batches
                if len(given.rows):
                    return given.rows.lengths[given.splits[:-1]].astype(np.int32), self._seeds(given)
        except TfxSequencesError as error:
            self.error = error
            raise
        return np.zeros([0], np.int32), np.zeros([0, 2], np.int64)

    def batches(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, tf.Tensor]:
        """The batches of one chunk: start, size and seed `[2]` of each; and the records."""
        read = self._complete.popleft()
        batches = read.given.batches
        return read.starts, batches.sizes, self._seeds(batches), read.records

    def _seeds(self, parts: Parts) -> np.ndarray:
        """Seeds from the first record of each part, so that a resumed run draws the same for each batch."""
        places = parts.rows.places[parts.splits[:-1]]
        return np.stack([np.full(len(places), self._seed), (places[:, 0] << 32) + places[:, 1]], axis=1)


def batches_of_pass(
    passes: Callable[[int], InputPass], number: tf.Tensor, plan: BucketPlan, num_workers: int
) -> tf.data.Dataset:
    """The unparsed batches of a pass.

    Args:
        passes: Returns a pass by its number.
        number: The pass's number.
        plan: The bucket plan.
        num_workers: The number of batches is a multiple of this: batches of one record of weight zero fill it up.

    Returns:
        Elements `((lengths, seeds), ((start, size, seed), records))`: one length and one seed for each
        micro-batch; and the batch's records, which are the `size` elements of `records` from `start` on. For more
        than one worker, a third part tells whether the batch counts.
    """

    def next_chunk(_: tf.Tensor) -> tuple[tf.Tensor, ...]:
        lengths, seeds = tf.numpy_function(lambda n: passes(int(n)).micro_batches(), [number], [tf.int32, tf.int64])
        lengths.set_shape([None])
        seeds.set_shape([None, 2])
        return lengths, seeds

    chunks = taken_while(mapped(_without_end(), next_chunk), lambda lengths, _: tf.size(lengths) > 0)
    micro_batches = chunks.prefetch(1).unbatch()
    # The op gives batches in the order in which the reader completes them.
    batches = tf.data.Dataset.zip(bucket(micro_batches, plan), _records_of(passes, number))
    if num_workers == 1:
        return batches
    return batches.map(lambda *batch: (*batch, True)).concatenate(_fillers_of(passes, number, num_workers))


def integers(function: Callable[..., Any], arguments: list[tf.Tensor], count: int) -> tuple[tf.Tensor, ...]:
    """Calls a Python function that returns `count` int64 scalars."""

    def as_arrays(*values: np.ndarray) -> list[np.ndarray]:
        return list(np.atleast_1d(np.asarray(function(*values), np.int64)))

    return tuple(tf.ensure_shape(v, []) for v in tf.numpy_function(as_arrays, arguments, [tf.int64] * count))


def _without_end() -> tf.data.Dataset:
    """An endless dataset. Not `Dataset.counter()`, which has a function: TensorFlow optimizes every function again for
    each iterator, which takes milliseconds."""
    return tf.data.Dataset.range(2**62)


def _records_of(passes: Callable[[int], InputPass], number: tf.Tensor) -> tf.data.Dataset:
    def of_chunk(_: tf.Tensor) -> tf.data.Dataset:
        types = [tf.int64, tf.int64, tf.int64, tf.string]
        *batches, records = tf.py_function(lambda n: passes(int(n)).batches(), [number], types)
        for tensor, shape in zip((*batches, records), ([None], [None], [None, 2], [None]), strict=True):
            tensor.set_shape(shape)
        # Repeating a tensor copies nothing.
        everywhere = tf.data.Dataset.from_tensors(records).repeat()
        return tf.data.Dataset.zip(tf.data.Dataset.from_tensor_slices(tuple(batches)), everywhere)

    return flat_mapped(_without_end(), of_chunk)


def _fillers_of(passes: Callable[[int], InputPass], number: tf.Tensor, num_workers: int) -> tf.data.Dataset:
    """Batches that fill up an epoch; requested after all other batches, so their number is known."""

    def filler(_: tf.Tensor) -> tuple[Any, ...]:
        one, seeds = tf.ones([], tf.int64), tf.zeros([1, 2], tf.int64)
        record = tf.numpy_function(lambda n: passes(int(n)).reader.any_record(), [number], tf.string)
        return (tf.zeros([1], tf.int32), seeds), ((one - 1, one, seeds[0]), tf.reshape(record, [1])), False

    def missing(n: np.ndarray) -> int:
        return -passes(int(n)).reader.counts.batches % num_workers

    count = tf.data.Dataset.from_tensors(0).map(lambda _: integers(missing, [number], 1)[0])
    return count.flat_map(tf.data.Dataset.range).map(filler)
