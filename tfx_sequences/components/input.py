"""The tf.data input: records in padded batches of about equal length.

    files -> chunks of serialized records -> lengths of a whole chunk by one op
          -> micro-batches of one bucket -> bucket_by_sequence_length -> one parse op per batch
          -> cut, pad -> (inputs, targets, weights)

No op runs per record: what costs time is parsing, and that is done for whole batches. The
batches are a function of `(seed, epoch, step)`, whatever is prefetched: see `InputState`.
"""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfx_sequences.components.bucket_queue import MicroBatches
from tfx_sequences.components.epoch_reader import EpochReader, Source
from tfx_sequences.components.fit_epochs import FitEpochs
from tfx_sequences.components.input_counts import InputCounts
from tfx_sequences.components.input_state import InputState, source_digest
from tfx_sequences.components.micro_batches import bucket, pack, unpack
from tfx_sequences.components.record_formats import RecordFormat, transformed_records
from tfx_sequences.components.truncation import cut_steps
from tfx_sequences.errors import TfxSequencesError, UserInputError
from tfx_sequences.schemas.bucket_plan import BucketPlan
from tfx_sequences.schemas.spec import SequenceSpec
from tfx_sequences.schemas.transformed_features import SEQUENCE_LENGTH

Batch = tuple[dict[str, Any], Any, Any]


class SequenceInput:
    """Batches of the records of some files, epoch after epoch.

    Every record comes exactly once per epoch; each bucket's last, short batch is kept. Batch
    `s` of worker `w` is batch `s * num_workers + w` of all: the workers' batches are disjoint
    and complete, and all have the same number of steps (where batches run out, the last step
    of a worker is one row of weight zero).

    Args:
        files: TFRecord files; gzip if their names end in `.gz`.
        spec: The spec.
        records: The kind of records, of `transformed_records` or `raw_records`.
        plan: The bucket plan, of `make_plan`.
        training: Shuffle files, records and batches by `spec.training.seed`, each epoch anew.
            False keeps every record, in the files' order within a bucket.
        num_workers: How many workers share the batches.
        worker: Which of them this is, in `[0, num_workers)`.
        fixed_batch_size: Fill short batches up to their bucket's size with rows of weight
            zero and length zero.

    Attributes:
        epoch: The epoch, from 0, that the next pass over the input gives, or that one is giving.
        step: Batches of that epoch that were taken.

    Raises:
        UserInputError: No files, or a worker that does not exist.
    """

    def __init__(
        self,
        files: Sequence[str],
        spec: SequenceSpec,
        records: RecordFormat,
        plan: BucketPlan,
        *,
        training: bool,
        num_workers: int = 1,
        worker: int = 0,
        fixed_batch_size: bool = False,
    ) -> None:
        _check(files, num_workers, worker)
        # By name, not by folder: a run may be resumed where its files have moved.
        ordered = tuple(sorted(files, key=lambda f: (os.path.basename(f), f)))
        self._source = Source(ordered, spec, records, plan, training)
        self._num_workers = num_workers
        self._worker = worker
        self._fixed = fixed_batch_size
        # Parsing a chunk at once costs half of parsing its batches, unless most go to other workers.
        self._parse_chunks = num_workers == 1
        self._digest = source_digest(self._source)
        self._readers: dict[int, EpochReader] = {}
        self._latest: EpochReader | None = None
        self._restored: InputState | None = None
        self._error: TfxSequencesError | None = None
        self.epoch = 0
        self.step = 0
        self._next = (0, 0)
        self._finished: dict[int, InputCounts] = {}

    @functools.cached_property
    def dataset(self) -> tf.data.Dataset:
        """A `tf.data.Dataset` of `(inputs, targets, weights)`: inputs as of `pad_features` (raw records:
        see `raw_records`), targets and weights as of `targets_and_weights`.

        Each pass over it is the next epoch. Under `keras.Model.fit` add `callback`, for Keras
        begins passes that it does not use.
        """
        number = tf.TensorSpec([], tf.int64)
        passes = tf.data.Dataset.from_generator(self._begin_pass, output_signature=(number, number))
        batches = passes.flat_map(self._batches_of_pass)
        # How many calls run at a time does not change their order.
        batches = batches.map(self._finish, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        return batches.prefetch(tf.data.AUTOTUNE)

    @property
    def finished(self) -> list[InputCounts]:
        """What was read, of each epoch that was read to its end."""
        return [self._finished[epoch] for epoch in sorted(self._finished)]

    @property
    def counts(self) -> InputCounts | None:
        """What was read so far in the epoch that was read last; None before the first."""
        return self._latest.counts if self._latest else None

    @property
    def callback(self) -> keras.callbacks.Callback:
        """For `fit`: makes Keras' epochs those of the input, and follows its steps for `state`."""
        return FitEpochs(self)

    def __iter__(self) -> Iterator[Batch]:
        """The rest of the current epoch; afterwards `epoch` is the next one.

        Raises:
            TfxSequencesError: What the reader found, as it is (from `dataset`, TensorFlow wraps it).
        """
        self.begin(self.epoch, self.step)
        with self.explained():
            for batch in self.dataset:
                self.step += 1
                yield batch
        self.begin(self.epoch + 1)

    def begin(self, epoch: int, step: int = 0) -> None:
        """The next pass over `dataset` begins at this step of this epoch."""
        self.epoch, self.step = epoch, step
        self._next = (epoch, step)

    def state(self) -> InputState:
        """Where the input stands: behind the last batch that was taken.

        Right for iteration over the input itself and under `fit` with `callback`; who takes
        batches of `dataset` in other ways sets `epoch` and `step` before.
        """
        return InputState(
            source=self._digest,
            num_workers=self._num_workers,
            epoch=self.epoch,
            step=self.step,
            position=self._position(self.epoch, self.step),
        )

    def restore(self, state: InputState) -> None:
        """Goes on where `state` was taken: the next pass gives the rest of that epoch.

        Raises:
            UserInputError: The state is one of other files, another plan, seed or batching.
        """
        state.check(self._digest, self._num_workers)
        self._restored = state
        self._readers.clear()
        self.begin(state.epoch, state.step)

    @contextlib.contextmanager
    def explained(self) -> Iterator[None]:
        """Within it, an error of the reader is raised as it is, not as TensorFlow wraps it."""
        try:
            yield
        except tf.errors.OpError:
            if self._error is None:
                raise
            raise self._error from None

    def _position(self, epoch: int, step: int) -> dict[str, Any] | None:
        """The last known position from which a pass reaches the step; None is the epoch's beginning."""
        known = list(self._readers[epoch].positions) if epoch in self._readers else []
        if self._restored and self._restored.epoch == epoch and self._restored.position:
            known.insert(0, self._restored.position)
        reached = [p for p in known if p["batches"] <= step * self._num_workers]
        if not reached:
            return None
        latest = max(reached, key=lambda p: (p["batches"], p["chunk"]))
        return {**latest, "open_rows": np.asarray(latest["open_rows"]).tolist()}

    def _begin_pass(self) -> Iterator[tuple[int, int]]:
        """Once per pass over the dataset: epoch, and batches (of all workers) to skip from its position."""
        epoch, step = self._next
        self._next = (epoch + 1, 0)
        position = self._position(epoch, step)
        self._latest = reader = EpochReader(self._source, epoch, position)
        # The epoch before may still be asked for its state.
        self._readers = {e: r for e, r in self._readers.items() if e == epoch - 1} | {epoch: reader}
        yield epoch, step * self._num_workers - (position["batches"] if position else 0)

    def _batches_of_pass(self, epoch: tf.Tensor, skip: tf.Tensor) -> tf.data.Dataset:
        vector = tf.TensorSpec([None], tf.int64)
        signature = (tf.TensorSpec([None], tf.string), vector, vector, tf.TensorSpec([None, 2], tf.int64))
        chunks = tf.data.Dataset.from_generator(self._chunks, args=(epoch,), output_signature=signature).prefetch(1)
        if self._parse_chunks:
            chunks = chunks.map(lambda rows, *rest: (self._source.format.parse(rows), *rest)).prefetch(1)
        self._row_spec = chunks.element_spec[0]
        batches = bucket(chunks.flat_map(_micro_batches), self._source.plan)
        if self._num_workers > 1:
            batches = batches.map(lambda *batch: (*batch, True))
            fillers = tf.data.Dataset.from_generator(
                self._fillers, args=(epoch,), output_signature=(tf.TensorSpec([None], tf.string))
            ).map(self._filler)
            batches = batches.concatenate(fillers)
            return batches.skip(skip).shard(self._num_workers, self._worker)
        return batches.skip(skip)

    def _chunks(self, epoch: np.ndarray) -> Iterator[tuple[Any, ...]]:
        try:
            reader = self._readers[int(epoch)]
            for given in reader:
                if reader.finished:
                    self._finished[reader.epoch] = reader.counts
                if len(given.records):
                    records, first = given.records, given.splits[:-1]
                    yield records.serialized, given.splits, records.lengths[first], self._seeds(reader.epoch, given)
        except TfxSequencesError as error:
            self._error = error
            raise

    def _seeds(self, epoch: int, given: MicroBatches) -> np.ndarray:
        """For what is drawn per batch, int64 `[M, 2]`: from its first record, so a resumed run draws the same."""
        places = given.records.places[given.splits[:-1]]
        of_epoch = (self._source.spec.training.seed % 2**31 << 31) + epoch
        return np.stack([np.full(len(places), of_epoch), (places[:, 0] << 32) + places[:, 1]], axis=1)

    def _fillers(self, epoch: np.ndarray) -> Iterator[list[bytes]]:
        """Batches that give all workers as many; drawn when all others are, so their number is known."""
        reader = self._readers[int(epoch)]
        for _ in range(-reader.counts.batches % self._num_workers):
            yield [reader.any_record()]

    def _filler(self, rows: tf.Tensor) -> tuple[tf.Tensor, ...]:
        return tf.zeros([1], tf.int32), pack(rows, tf.constant([0, 1], tf.int64)), tf.zeros([1, 2], tf.int64), False

    def _finish(self, lengths: tf.Tensor, rows: Any, seeds: tf.Tensor, real: Any = True) -> Batch:
        source = self._source
        features = unpack(rows, self._row_spec)
        if not self._parse_chunks:
            features = source.format.parse(features)
        if source.training:
            features = cut_steps(features, source.spec, seeds[0])
        inputs, targets, weights = source.format.batch(features)
        weights = tf.nest.map_structure(lambda weight: weight * tf.cast(real, weight.dtype), weights)
        if self._fixed:
            of_bucket = tf.searchsorted(tf.constant(source.plan.boundaries, tf.int32), lengths[:1], side="right")[0]
            missing = tf.gather(source.plan.batch_sizes, of_bucket) - tf.shape(inputs[SEQUENCE_LENGTH])[0]
            inputs, targets, weights = tf.nest.map_structure(
                lambda x: _add_rows(x, missing), (inputs, targets, weights)
            )
        return inputs, targets, weights


def make_dataset(
    files: Sequence[str],
    spec: SequenceSpec,
    feature_spec: dict[str, Any],
    plan: BucketPlan,
    *,
    training: bool,
) -> tf.data.Dataset:
    """`SequenceInput(...).dataset` of transformed records.

    Args:
        files: TFRecords of transformed `tf.Example`.
        spec: The spec.
        feature_spec: `TFTransformOutput.transformed_feature_spec()`.
        plan: The bucket plan, of `make_plan`.
        training: Shuffle, anew each epoch, by `spec.training.seed`.
    """
    return SequenceInput(files, spec, transformed_records(spec, feature_spec), plan, training=training).dataset


def _micro_batches(rows: Any, splits: tf.Tensor, lengths: tf.Tensor, seeds: tf.Tensor) -> tf.data.Dataset:
    """One element per micro-batch: length of its first row, its rows, its seed."""
    return tf.data.Dataset.from_tensor_slices((tf.cast(lengths, tf.int32), pack(rows, splits), seeds))


def _add_rows(values: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
    padded = tf.pad(values, [[0, count], *([[0, 0]] * (values.shape.rank - 1))])
    return tf.ensure_shape(padded, [None, *values.shape[1:]])


def _check(files: Sequence[str], num_workers: int, worker: int) -> None:
    if not files:
        raise UserInputError("There are no files to read.", expected="TFRecord files", received="an empty list")
    if not 0 <= worker < num_workers:
        raise UserInputError(
            "The worker does not exist.",
            expected=f"worker in [0, num_workers), num_workers was {num_workers}",
            received=f"worker {worker}",
            fix="Number the workers from 0.",
        )
