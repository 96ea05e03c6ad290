"""The tf.data input: records in padded batches of about equal length.

    files -> thousands of records, a store of them, and their lengths by one cheap parse op
          -> micro-batches of one bucket, as record numbers -> bucket_by_sequence_length
          -> gathered from the store -> parsed by one op -> cut, pad -> (inputs, targets, weights)

No op runs per record, and no value is copied but to be padded. The batches are a function of
`(seed, epoch, step)`, whatever is prefetched: see `InputState`.
"""

from __future__ import annotations

import collections
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
from tfx_sequences.components.forecast_windows import windows_per_record
from tfx_sequences.components.input_counts import InputCounts
from tfx_sequences.components.input_state import InputState, source_digest
from tfx_sequences.components.micro_batches import NO_ROW, as_elements, bucket
from tfx_sequences.components.record_blocks import BlockReader
from tfx_sequences.components.record_formats import RecordFormat, transformed_records
from tfx_sequences.components.row_store import RowParser, RowStore, gather, parser_of
from tfx_sequences.components.untuned import parallel_calls, untuned
from tfx_sequences.errors import TfxSequencesError, UserInputError
from tfx_sequences.schemas.bucket_plan import BucketPlan
from tfx_sequences.schemas.spec import SequenceSpec
from tfx_sequences.schemas.transformed_features import SEQUENCE_LENGTH

_PREFETCHED = 4
_CHECKED_AT_ONCE = 4096

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
        self._stores: dict[int, collections.deque[tuple[int, RowStore]]] = {}
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
        batches = batches.map(self._finish, num_parallel_calls=parallel_calls(), deterministic=True)
        return untuned(batches.prefetch(_PREFETCHED))

    @functools.cached_property
    def _parser(self) -> RowParser:
        return parser_of(self._source.format)

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
                self._find_malformed()
                raise
            raise self._error from None

    def _find_malformed(self) -> None:
        """Raises the error that names the first record that cannot be parsed, if there is one."""
        for file in range(len(self._source.files)):
            blocks = BlockReader(
                self._source.files, _CHECKED_AT_ONCE, self._parser, file, check=True, skip_malformed=False
            )
            while blocks.read():
                pass

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
        self._latest = reader = EpochReader(self._source, self._parser, epoch, position)
        # The epoch before may still be asked for its state.
        self._readers = {e: r for e, r in self._readers.items() if e == epoch - 1} | {epoch: reader}
        yield epoch, step * self._num_workers - (position["batches"] if position else 0)

    def _batches_of_pass(self, epoch: tf.Tensor, skip: tf.Tensor) -> tf.data.Dataset:
        signature = (
            tf.TensorSpec([None], tf.int32),
            tf.TensorSpec([None, None], tf.int64),
            tf.TensorSpec([None, 2], tf.int64),
        )
        chunks = tf.data.Dataset.from_generator(self._micro_batches, args=(epoch,), output_signature=signature)
        numbers = bucket(chunks.prefetch(1).flat_map(_slices), self._source.plan)
        # The op gives batches in the order in which the reader completes them, so their stores follow one another.
        batches = tf.data.Dataset.zip(numbers, self._stores_of(epoch))
        if self._num_workers > 1:
            batches = batches.map(lambda batch, store: ((*batch, True), store)).concatenate(self._fillers_of(epoch))
            return batches.skip(skip).shard(self._num_workers, self._worker)
        return batches.skip(skip)

    def _micro_batches(self, epoch: np.ndarray) -> Iterator[tuple[np.ndarray, ...]]:
        """Drives the reader: micro-batches to the bucketing, stores to where the batches meet them."""
        try:
            reader = self._readers[int(epoch)]
            stores = self._stores[reader.epoch] = collections.deque()
            for read in reader:
                if reader.finished:
                    self._finished[reader.epoch] = reader.counts
                if read.batches and read.store:
                    stores.append((read.batches, read.store))
                if len(read.given.rows):
                    yield *as_elements(read.given, self._source.plan), self._seeds(reader.epoch, read.given)
        except TfxSequencesError as error:
            self._error = error
            raise

    def _stores_of(self, epoch: tf.Tensor) -> tf.data.Dataset:
        """The store of each batch: numbers `[N]`, records `[N]`. Repeating a store copies nothing."""

        def next_store(epoch: tf.Tensor) -> tuple[Any, ...]:
            batches, store = self._stores[int(epoch)].popleft()
            return batches, store.numbers, store.records

        def from_reader(_: tf.Tensor) -> tuple[tf.Tensor, ...]:
            batches, *store = tf.py_function(next_store, [epoch], [tf.int64, tf.int64, tf.string])
            return tf.ensure_shape(batches, []), *(tf.ensure_shape(values, [None]) for values in store)

        stores = tf.data.Dataset.counter().map(from_reader)
        return stores.flat_map(lambda batches, *store: tf.data.Dataset.from_tensors(store).repeat(batches))

    def _fillers_of(self, epoch: tf.Tensor) -> tf.data.Dataset:
        """Batches that give all workers as many; asked for when all others are drawn, so their number is known."""

        def record(epoch: tf.Tensor) -> bytes:
            return self._readers[int(epoch)].any_record()

        def count(epoch: tf.Tensor) -> int:
            return -self._readers[int(epoch)].counts.batches % self._num_workers

        def filler(_: tf.Tensor) -> tuple[Any, ...]:
            batch = tf.zeros([1], tf.int32), tf.zeros([1, 1], tf.int64), tf.zeros([1, 2], tf.int64), False
            return batch, (tf.zeros([1], tf.int64), tf.reshape(tf.py_function(record, [epoch], tf.string), [1]))

        missing = tf.data.Dataset.from_tensors(epoch).map(lambda e: tf.py_function(count, [e], tf.int64))
        return missing.flat_map(lambda n: tf.data.Dataset.range(tf.ensure_shape(n, []))).map(filler)

    def _seeds(self, epoch: int, given: MicroBatches) -> np.ndarray:
        """For what is drawn per batch, int64 `[M, 2]`: from its first record, so a resumed run draws the same."""
        places = given.rows.places[given.splits[:-1]]
        of_epoch = (self._source.spec.training.seed % 2**31 << 31) + epoch
        return np.stack([np.full(len(places), of_epoch), (places[:, 0] << 32) + places[:, 1]], axis=1)

    def _finish(self, batch: tuple[tf.Tensor, ...], store: tuple[tf.Tensor, tf.Tensor]) -> Batch:
        source = self._source
        lengths, numbers, seeds, *is_real = batch
        features = source.format.parse(gather(*store, tf.boolean_mask(numbers, numbers != NO_ROW)))
        inputs, targets, weights = source.format.batch(features, seeds[0] if source.training else None)
        for real in is_real:
            weights = tf.nest.map_structure(functools.partial(tf.multiply, tf.cast(real, tf.float32)), weights)
        if self._fixed:
            of_bucket = tf.searchsorted(tf.constant(source.plan.boundaries, tf.int32), lengths[:1], side="right")[0]
            rows = tf.gather(source.plan.batch_sizes, of_bucket)
            rows *= windows_per_record(source.spec, training=source.training)
            missing = rows - tf.shape(inputs[SEQUENCE_LENGTH])[0]
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


def _slices(*chunk: tf.Tensor) -> tf.data.Dataset:
    """One element per micro-batch: length of any of its rows, their numbers, its seed."""
    return tf.data.Dataset.from_tensor_slices(chunk)


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
