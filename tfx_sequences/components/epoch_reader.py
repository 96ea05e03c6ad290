"""One epoch of records as micro-batches: a function of the seed, the epoch, and where it begins.

Files come in an order drawn anew each epoch, several are read at a time, and the records of
a chunk are shuffled within their buckets. All of that is drawn from `(seed, epoch, chunk)`,
so an epoch can begin again at any chunk: what has to be remembered is where the files
stand and which records wait in unfinished batches.
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from absl import logging

from tfx_sequences.components.bucket_queue import BucketQueue, MicroBatches
from tfx_sequences.components.input_counts import InputCounts
from tfx_sequences.components.record_chunks import ChunkReader, Records, place_name, read_places
from tfx_sequences.components.record_formats import PARSE_ERRORS, RecordFormat, is_parsed
from tfx_sequences.errors import DataError
from tfx_sequences.schemas.bucket_plan import BucketPlan
from tfx_sequences.schemas.spec import SequenceSpec

# Files read at a time in training.
_OPEN_FILES = 4
# Positions kept: more than any prefetching runs ahead of who takes the batches.
_KEPT_POSITIONS = 64


@dataclasses.dataclass(frozen=True)
class Source:
    """What is read, and how.

    Attributes:
        files: The files.
        spec: The spec; its `batching` and seed matter here.
        format: The kind of records.
        plan: The bucket plan.
        training: Shuffle, and leave out what `drop_*` say.
    """

    files: tuple[str, ...]
    spec: SequenceSpec
    format: RecordFormat
    plan: BucketPlan
    training: bool


class EpochReader:
    """Iterates once over the micro-batches of one epoch.

    Args:
        source: What to read.
        epoch: The epoch, from 0.
        position: A position of this epoch to begin at; None is the beginning.

    Attributes:
        counts: What was read so far.
        finished: All was read, and `counts` are those of the whole epoch.
        positions: The latest positions, each behind a chunk; a position is plain data and small.
    """

    def __init__(self, source: Source, epoch: int, position: dict[str, Any] | None = None) -> None:
        self._source = source
        self.epoch = epoch
        self.first_batch = int(position["batches"]) if position else 0
        self._start = position
        self.counts = InputCounts.from_dict(position["counts"]) if position else InputCounts(epoch)
        self.positions: collections.deque[dict[str, Any]] = collections.deque(maxlen=_KEPT_POSITIONS)
        self.finished = False
        self._any_place: list[int] | None = position["any_place"] if position else None

    def __iter__(self) -> Iterator[MicroBatches]:
        source, start = self._source, self._start
        queue = BucketQueue(source.plan)
        if start:
            yield queue.add(self._read_again(np.array(start["open_rows"], np.int64).reshape(-1, 2)), None)
            queue.batches, queue.padded_steps = self.counts.batches, self.counts.padded_steps
        chunk = int(start["chunk"]) if start else 0
        order: Sequence[int] = range(len(source.files))
        if source.training:
            order = self._random(0).permutation(len(source.files)).tolist()
        reader = ChunkReader(
            source.files,
            order,
            source.spec.batching.shuffle_buffer,
            _OPEN_FILES if source.training else 1,
            self._lengths,
            start["files"] if start else None,
        )
        given: MicroBatches | None = None
        for records in reader:
            chunk += 1
            taken = self._accepted(records)
            self.counts.records += len(taken)
            self.counts.real_steps += int(taken.lengths.sum())
            before, given = given, queue.add(taken, self._random(chunk) if source.training else None)
            self._count(queue)
            self._remember(chunk, reader, queue)
            # One chunk behind, so that all is counted before the last batch can be taken.
            if before:
                yield before
        last = queue.flush()
        self._count(queue)
        self.finished = True
        logging.info("Input, %s: %s", "training" if source.training else "evaluation", self.counts)
        if given:
            yield given
        yield last

    def any_record(self) -> bytes:
        """A record that can be parsed, of those that were read."""
        return read_places(self._source.files, np.array([self._any_place]))[0]

    def _random(self, chunk: int) -> np.random.Generator:
        seed = self._source.spec.training.seed % 2**64
        return np.random.default_rng([seed, self.epoch, chunk])

    def _count(self, queue: BucketQueue) -> None:
        self.counts.batches, self.counts.padded_steps = queue.batches, queue.padded_steps

    def _remember(self, chunk: int, reader: ChunkReader, queue: BucketQueue) -> None:
        self.positions.append(
            {
                "batches": queue.batches,
                "chunk": chunk,
                "files": reader.position,
                "any_place": self._any_place,
                "open_rows": queue.open_rows,
                "counts": self.counts.to_dict(),
            }
        )

    def _accepted(self, records: Records) -> Records:
        """The records that become batches, with their lengths there; what happens to others is noted."""
        batching = self._source.spec.batching
        lengths = records.lengths
        keep = lengths >= 0
        self._note("malformed", records.take(~keep))
        if self._any_place is None and keep.any():
            self._any_place = records.places[int(np.argmax(keep))].tolist()
        if self._source.training:
            too_short = keep & (lengths < batching.drop_shorter_than)
            self._note("too_short", records.take(too_short))
            keep &= ~too_short
            if batching.drop_longer_than is not None:
                too_long = lengths > batching.drop_longer_than
                self._note("too_long", records.take(too_long))
                keep &= ~too_long
        if batching.max_length is not None:
            self._note("truncated", records.take(keep & (lengths > batching.max_length)))
        records = records if keep.all() else records.take(keep)
        return dataclasses.replace(records, lengths=self._as_batched(records.lengths))

    def _as_batched(self, lengths: np.ndarray) -> np.ndarray:
        most = self._source.spec.batching.max_length
        return lengths if most is None else np.minimum(lengths, most)

    def _read_again(self, places: np.ndarray) -> Records:
        if not len(places):
            return Records.concat([])
        serialized = read_places(self._source.files, places)
        return Records(serialized, places, self._as_batched(self._lengths(tf.constant(serialized), places)))

    def _lengths(self, serialized: tf.Tensor, places: np.ndarray) -> np.ndarray:
        """Lengths of records, int64 `[N]`; -1 for one that cannot be parsed, where that is to be skipped."""
        source = self._source
        skip = source.spec.batching.on_error == "skip"
        parsed = is_parsed(serialized, source.format.parse) if skip else np.ones(len(places), bool)
        try:
            lengths = np.full(len(places), -1, np.int64)
            if parsed.any():
                good = serialized if parsed.all() else tf.boolean_mask(serialized, parsed)
                lengths[parsed] = source.format.lengths(good).numpy()
            return lengths
        except PARSE_ERRORS as error:
            wrong = int(np.argmin(is_parsed(serialized, source.format.lengths)))
            raise DataError(
                f"Record {place_name(source.files, places[wrong])} cannot be parsed.",
                expected=f"the records that the spec '{source.spec.name}' describes",
                received=f"TensorFlow's error: {str(error).splitlines()[0]}",
                fix="Write the record again, or set batching.on_error to 'skip' in the spec.",
            ) from error

    def _note(self, what: str, records: Records) -> None:
        if len(records):
            wanted = self.counts.wanted_names(what)
            named = zip(records.serialized[:wanted], records.places[:wanted], strict=True)
            names = [self._name(serialized, place, what) for serialized, place in named]
            self.counts.note(what, len(records), names)

    def _name(self, serialized: bytes, place: Sequence[int], what: str) -> str:
        where = place_name(self._source.files, place)
        record = None if what == "malformed" else self._source.format.name(serialized)
        return f"{where} '{record}'" if record else where
