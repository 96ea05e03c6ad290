"""One epoch of records as micro-batches: a function of the seed, the epoch and the start position.

Each epoch draws a new order of the files, reads several of them at a time, and shuffles the records of a
chunk within their buckets. All of this depends only on `(seed, epoch, chunk)`, so an epoch can restart at
any chunk. A position only has to contain the positions of the files and the records that wait in unfinished
batches.
"""

from __future__ import annotations

import collections
import dataclasses
import functools
from collections.abc import Iterator, Sequence

import numpy as np
import tensorflow as tf
from absl import logging

from tfx_sequences.components.input.bucket_queue import BucketQueue, Given
from tfx_sequences.components.input.chunk_size import chunk_size
from tfx_sequences.components.input.input_counts import InputCounts
from tfx_sequences.components.input.reader_position import ReaderPosition
from tfx_sequences.components.input.record_chunks import Chunk, ChunkReader, Rows
from tfx_sequences.components.input.record_formats import RecordFormat
from tfx_sequences.components.input.record_places import read_places
from tfx_sequences.components.input.row_store import RowParser, RowStore, arranged
from tfx_sequences.components.records.places import short_place
from tfx_sequences.schemas.features.bucket_plan import BucketPlan
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

# Files read at a time in training.
_OPEN_FILES = 4
# Number of stored positions: more than prefetching can run ahead of the consumer.
_KEPT_POSITIONS = 64
_ALIGNED = 8


@dataclasses.dataclass(frozen=True)
class Source:
    """The records to read, and how to read them.

    Attributes:
        files: The files.
        spec: The spec; only its `batching` and seed are used here.
        format: The record format.
        plan: The bucket plan.
        training: Whether to shuffle, and to drop records according to `drop_*`.
    """

    files: tuple[str, ...]
    spec: SequenceSpec
    format: RecordFormat
    plan: BucketPlan
    training: bool

    @functools.cached_property
    def chunk_size(self) -> int:
        """Records that are read and shuffled at a time."""
        return chunk_size(self.files, self.spec.batching.shuffle_buffer)


@dataclasses.dataclass(frozen=True)
class ReadChunk:
    """The contribution of one chunk of records to an epoch.

    Attributes:
        given: The chunk's micro-batches, and the batches that they complete.
        records: The serialized records, batch by batch.
        starts: Start of each batch in `records`, int64 `[batches]`.
    """

    given: Given
    records: tf.Tensor | None
    starts: np.ndarray


class EpochReader:
    """Iterates once over the micro-batches of one epoch, with the records of the batches that they form.

    Args:
        source: The source to read.
        parser: Measures the records.
        epoch: The epoch, counted from 0.
        position: Start position in this epoch; None for its beginning.

    Attributes:
        counts: Counts so far.
        finished: Whether everything was read, so that `counts` are those of the whole epoch.
        positions: The latest positions, one after each chunk.
    """

    def __init__(self, source: Source, parser: RowParser, epoch: int, position: ReaderPosition | None = None) -> None:
        self._source = source
        self._parser = parser
        self.epoch = epoch
        self._start = position
        self.counts = position.counts.copy() if position else InputCounts(epoch)
        self.positions: collections.deque[ReaderPosition] = collections.deque(maxlen=_KEPT_POSITIONS)
        self.finished = False
        self._any_place = position.any_place if position else None

    def __iter__(self) -> Iterator[ReadChunk]:
        source, start = self._source, self._start
        queue = BucketQueue(source.plan)
        kept: list[RowStore] = []
        last: ReadChunk | None = None
        if start:
            kept, rows = self._read_again(start.open_rows)
            yield ReadChunk(queue.add(rows, None), None, np.zeros([0], np.int64))
            queue.batches, queue.padded_steps = self.counts.batches, self.counts.padded_steps
        number = start.chunk if start else 0
        order: Sequence[int] = range(len(source.files))
        if source.training:
            order = self._random(0).permutation(len(source.files)).tolist()
        reader = ChunkReader(
            source.files,
            order,
            source.chunk_size,
            _OPEN_FILES if source.training else 1,
            self._parser,
            source.spec.batching.on_error == "skip",
            start.files if start else None,
            sum(len(store.numbers) for store in kept),
        )
        for chunk in reader:
            # Delay by one chunk, so that everything is counted before the last batch can be taken.
            if last:
                yield last
            number += 1
            rows = self._accepted(chunk)
            self.counts.records += len(rows)
            self.counts.real_steps += int(rows.lengths.sum())
            given = queue.add(rows, self._random(number) if source.training else None)
            open_rows = queue.open_rows
            read, kept = _in_order(given, [*kept, *chunk.stores], open_rows)
            self._count(queue)
            self._remember(number, chunk, open_rows)
            last = read
        read, _ = _in_order(queue.flush(), kept, queue.open_rows)
        self._count(queue)
        self.finished = True
        logging.info("Input, %s: %s", "training" if source.training else "evaluation", self.counts)
        if last:
            yield last
        yield read

    def any_record(self) -> bytes:
        """A record that was read and can be parsed."""
        return read_places(self._source.files, np.array([self._any_place]))[0]

    def _random(self, chunk: int) -> np.random.Generator:
        seed = self._source.spec.training.seed % 2**64
        return np.random.default_rng([seed, self.epoch, chunk])

    def _count(self, queue: BucketQueue) -> None:
        self.counts.batches, self.counts.padded_steps = queue.batches, queue.padded_steps

    def _remember(self, number: int, chunk: Chunk, open_rows: Rows) -> None:
        self.positions.append(
            ReaderPosition(
                batches=self.counts.batches,
                chunk=number,
                files=chunk.position,
                any_place=self._any_place,
                open_rows=open_rows.places,
                counts=self.counts.copy(),
            )
        )

    def _accepted(self, chunk: Chunk) -> Rows:
        """The records to batch, with their lengths as batched; notes dropped and truncated records."""
        batching, rows = self._source.spec.batching, chunk.rows
        self._note("malformed", chunk.malformed)
        if self._any_place is None and len(rows):
            file, index = rows.places[0].tolist()
            self._any_place = file, index
        keep = np.ones(len(rows), bool)
        if self._source.training:
            too_short = rows.lengths < batching.drop_shorter_than
            self._note("too_short", rows.places[too_short])
            keep &= ~too_short
            if batching.drop_longer_than is not None:
                too_long = rows.lengths > batching.drop_longer_than
                self._note("too_long", rows.places[too_long])
                keep &= ~too_long
        if batching.max_length is not None:
            self._note("truncated", rows.places[keep & (rows.lengths > batching.max_length)])
        rows = rows if keep.all() else rows.take(keep)
        return dataclasses.replace(rows, lengths=self._as_batched(rows.lengths))

    def _as_batched(self, lengths: np.ndarray) -> np.ndarray:
        most = self._source.spec.batching.max_length
        return lengths if most is None else np.minimum(lengths, most)

    def _read_again(self, places: np.ndarray) -> tuple[list[RowStore], Rows]:
        if not len(places):
            return [], Rows.concat([])
        records = tf.constant(read_places(self._source.files, places))
        lengths = self._parser.lengths(records).numpy()
        numbers = np.arange(len(places))
        return [RowStore(numbers, records)], Rows(numbers, places, self._as_batched(lengths))

    def _note(self, what: str, places: np.ndarray) -> None:
        if len(places):
            named = places[: self.counts.wanted_names(what)]
            names = [short_place(self._source.files[file], int(index)) for file, index in named]
            if what != "malformed" and len(named):
                ids = [self._source.format.name(record) for record in read_places(self._source.files, named)]
                names = [f"{name} '{id_}'" if id_ else name for name, id_ in zip(names, ids, strict=True)]
            self.counts.note(what, len(places), names)


def _in_order(given: Given, stores: list[RowStore], open_rows: Rows) -> tuple[ReadChunk, list[RowStore]]:
    """The batches' records in order, and the stores of the records in unfinished batches.

    For batches of 3 and 2 records and one open record, `records` is `b b b _ _ _ _ _ c c _ _ _ _ _ _ o _ ...`: each
    batch, and then the open records, start at a multiple of 8. `starts` is `[0, 8]`.
    """
    batches = given.batches
    if not len(batches.sizes):
        # There is nothing to arrange: a copy would take as long as the parse.
        return ReadChunk(given, None, np.zeros([0], np.int64)), stores
    still_open = np.sort(open_rows.numbers)
    sizes = np.append(batches.sizes, len(still_open))
    # TensorFlow does not copy a slice of strings whose bounds are multiples of 8.
    splits = np.concatenate([[0], np.cumsum(-(-sizes // _ALIGNED) * _ALIGNED)])
    starts, end = splits[:-2], int(splits[-2])
    numbers = np.concatenate([batches.rows.numbers, still_open])
    positions = np.arange(len(numbers)) + np.repeat(splits[:-1] - np.cumsum(sizes) + sizes, sizes)
    records = arranged(stores, numbers, positions, int(splits[-1]))
    kept = [RowStore(still_open, tf.slice(records, [end], [int(splits[-1]) - end]))] if len(still_open) else []
    return ReadChunk(given, records, starts), kept
