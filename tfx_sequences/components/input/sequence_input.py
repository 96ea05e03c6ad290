"""The tf.data input: records in padded batches of similar length.

    files -> thousands of records, and their lengths by one cheap parse op
          -> micro-batches of one bucket -> bucket_by_sequence_length
          -> a batch's records, a slice of the thousands -> parsed by one op -> cut, pad
          -> (inputs, targets, weights)

No op runs per record, and values are copied only for padding. The batches are a function of
`(seed, epoch, step)`, independent of prefetching: see `InputState`.
"""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import tensorflow as tf

from tfx_sequences.components.batches.forecast_windows import windows_per_record
from tfx_sequences.components.batches.padding import add_rows
from tfx_sequences.components.features.runtime_checks import assert_in_graph
from tfx_sequences.components.input.dataset_functions import flat_mapped, mapped
from tfx_sequences.components.input.epoch_reader import EpochReader, Source
from tfx_sequences.components.input.fit_epochs import FitEpochs
from tfx_sequences.components.input.input_counts import InputCounts
from tfx_sequences.components.input.input_pass import InputPass, batches_of_pass, integers
from tfx_sequences.components.input.input_state import InputState, source_digest
from tfx_sequences.components.input.reader_position import ReaderPosition
from tfx_sequences.components.input.record_blocks import BlockReader
from tfx_sequences.components.input.record_formats import RecordFormat
from tfx_sequences.components.input.row_store import RowParser, parser_of
from tfx_sequences.components.input.untuned import parallel_calls, untuned
from tfx_sequences.errors import UserInputError
from tfx_sequences.schemas.columns.names import SEQUENCE_LENGTH
from tfx_sequences.schemas.features.bucket_plan import BucketPlan
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

_PREFETCHED = 4
_CHECKED_AT_ONCE = 4096

Batch = tuple[dict[str, Any], Any, Any]


class SequenceInput:
    """Batches records of files, epoch after epoch.

    Every record occurs exactly once per epoch; the last, short batch of each bucket is kept. Batch
    `s` of worker `w` is batch `s * num_workers + w` of all: the workers' batches are disjoint
    and complete, and all workers have the same number of steps (when batches run out, the last step
    of a worker is one row of weight zero).

    Args:
        files: TFRecord files, uncompressed or compressed.
        spec: The spec.
        records: The record format, from `transformed_records` or `raw_records`.
        plan: The bucket plan, from `make_plan`.
        training: Shuffle files, records and batches by `spec.training.seed`, differently in each epoch.
            False keeps every record, in the files' order within a bucket.
        num_workers: Number of workers that share the batches.
        worker: Index of this worker, in `[0, num_workers)`.
        fixed_batch_size: Fill short batches up to their bucket's size with rows of weight
            zero and length zero.

    Attributes:
        epoch: The epoch, counted from 0, of the current or the next pass over the input.
        step: Number of batches of that epoch that were taken.

    Raises:
        UserInputError: There are no files, or the worker does not exist.
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
        # Sort by name, not by folder: a run can resume after its files have moved.
        ordered = tuple(sorted(files, key=lambda f: (os.path.basename(f), f)))
        self._source = Source(ordered, spec, records, plan, training)
        self._num_workers = num_workers
        self._worker = worker
        self._fixed = fixed_batch_size
        self._digest = source_digest(self._source)
        self._passes: dict[int, InputPass] = {}
        self._begun = 0
        self._restored: InputState | None = None
        self.epoch = 0
        self.step = 0
        self._next = (0, 0)
        self._finished: dict[int, InputCounts] = {}

    @functools.cached_property
    def dataset(self) -> tf.data.Dataset:
        """A `tf.data.Dataset` of `(inputs, targets, weights)`: inputs as in `pad_features` (raw records:
        see `raw_records`), targets and weights as in `targets_and_weights`. Only the inputs without a label.

        Each pass over it is the next epoch. With `keras.Model.fit`, add `callback`, because Keras
        starts passes that it does not use.
        """
        # As few functions as possible: each takes milliseconds to start.
        one = tf.data.Dataset.from_tensors(0)
        batches = flat_mapped(one, lambda _: self._batches_of(*integers(self._begin_pass, [], 2)))
        # The number of parallel calls does not change their order. Calls that run ahead serve as prefetching: a
        # separate thread for prefetching would only pass on finished results.
        return untuned(mapped(batches, self._finish, num_parallel_calls=parallel_calls() + _PREFETCHED))

    @functools.cached_property
    def _parser(self) -> RowParser:
        return parser_of(self._source.format)

    @property
    def plan(self) -> BucketPlan:
        """The bucket plan."""
        return self._source.plan

    @property
    def steps_per_epoch(self) -> int:
        """Batches per worker in an epoch, according to the plan."""
        return -(-self._source.plan.steps_per_epoch // self._num_workers)

    @property
    def finished(self) -> list[InputCounts]:
        """Counts of each epoch that was read to its end."""
        return [self._finished[epoch] for epoch in sorted(self._finished)]

    @property
    def counts(self) -> InputCounts | None:
        """Counts so far in the latest epoch; None before the first."""
        return self._passes[self._begun].reader.counts if self._passes else None

    @property
    def callback(self) -> keras.callbacks.Callback:
        """Callback for `fit`: keeps the input's epochs in step with Keras, and counts steps for `state`."""
        return FitEpochs(self)

    def __iter__(self) -> Iterator[Batch]:
        """Yields the rest of the current epoch; afterwards `epoch` is the next one.

        Raises:
            TfxSequencesError: The reader's own error (when reading from `dataset`, TensorFlow wraps it).
        """
        self.begin(self.epoch, self.step)
        with self.explained():
            for batch in self.dataset:
                self.step += 1
                yield batch
        self.begin(self.epoch + 1)

    def begin(self, epoch: int, step: int = 0) -> None:
        """Starts the next pass over `dataset` at this step of this epoch."""
        self.epoch, self.step = epoch, step
        self._next = (epoch, step)

    def state(self) -> InputState:
        """The position of the input: after the last batch that was taken.

        It is correct for iteration over the input itself, and with `fit` and `callback`. If you take
        batches of `dataset` in other ways, set `epoch` and `step` first.
        """
        position = self._position(self.epoch, self.step)
        return InputState(
            source=self._digest,
            num_workers=self._num_workers,
            epoch=self.epoch,
            step=self.step,
            position=position.to_plain() if position else None,
        )

    def restore(self, state: InputState) -> None:
        """Resumes at the position of `state`: the next pass gives the rest of that epoch.

        Raises:
            UserInputError: The state belongs to other files, or to another plan, seed or batching.
        """
        state.check(self._digest, self._num_workers)
        self._restored = state
        self._passes.clear()
        self.begin(state.epoch, state.step)

    @contextlib.contextmanager
    def explained(self) -> Iterator[None]:
        """Raises an error of the reader itself, not TensorFlow's wrapper of it."""
        try:
            yield
        except tf.errors.OpError:
            for a_pass in self._passes.values():
                if a_pass.error is not None:
                    raise a_pass.error from None
            self._find_malformed()
            raise

    def _find_malformed(self) -> None:
        """Raises an error that names the first record that cannot be parsed, if there is one."""
        for file in range(len(self._source.files)):
            blocks = BlockReader(
                self._source.files, _CHECKED_AT_ONCE, self._parser, file, check=True, skip_malformed=False
            )
            while blocks.read():
                pass

    def _position(self, epoch: int, step: int) -> ReaderPosition | None:
        """The last known position before the step; None is the epoch's beginning."""
        known = [p for a_pass in self._passes.values() if a_pass.reader.epoch == epoch for p in a_pass.reader.positions]
        if self._restored and self._restored.epoch == epoch and self._restored.position:
            known.insert(0, ReaderPosition.from_plain(self._restored.position))
        reached = [position for position in known if position.batches <= step * self._num_workers]
        return max(reached, key=lambda position: (position.batches, position.chunk), default=None)

    def _begin_pass(self) -> tuple[int, int]:
        """Starts a pass: returns its number, and the number of batches (of all workers) to skip from its position."""
        epoch, step = self._next
        self._next = (epoch + 1, 0)
        position = self._position(epoch, step)
        # The state of the previous pass may still be requested.
        before = {self._begun: self._passes[self._begun]} if self._begun in self._passes else {}
        self._begun += 1
        reader = EpochReader(self._source, self._parser, epoch, position)
        self._passes = before | {self._begun: InputPass(reader, self._source.spec.training.seed, self._finished)}
        return self._begun, step * self._num_workers - (position.batches if position else 0)

    def _batches_of(self, number: tf.Tensor, skip: tf.Tensor) -> tf.data.Dataset:
        batches = batches_of_pass(lambda n: self._passes[n], number, self._source.plan, self._num_workers).skip(skip)
        return batches.shard(self._num_workers, self._worker) if self._num_workers > 1 else batches

    def _finish(self, bucketed: tuple[tf.Tensor, ...], read: tuple[Any, tf.Tensor], *is_real: tf.Tensor) -> Any:
        source = self._source
        (lengths, seeds), ((start, size, seed), records) = bucketed, read
        check = assert_in_graph(
            tf.reduce_all(seeds[0] == seed),
            "bucket_by_sequence_length returned a different batch than the reader.",
        )
        with tf.control_dependencies([check]):
            serialized = tf.slice(records, start[None], size[None])
        inputs, targets, weights = source.format.batch(serialized, seed if source.training else None)
        for real in is_real:
            weights = tf.nest.map_structure(functools.partial(tf.multiply, tf.cast(real, tf.float32)), weights)
        if self._fixed:
            of_bucket = tf.searchsorted(tf.constant(source.plan.boundaries, tf.int32), lengths[:1], side="right")[0]
            rows = tf.gather(source.plan.batch_sizes, of_bucket)
            rows *= windows_per_record(source.spec, training=source.training)
            missing = rows - tf.shape(inputs[SEQUENCE_LENGTH])[0]
            inputs, targets, weights = tf.nest.map_structure(lambda x: add_rows(x, missing), (inputs, targets, weights))
        return (inputs, targets, weights) if source.spec.heads else inputs


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
