"""A tf.data.Dataset of padded batches straight from record files: `make_dataset`, with TensorFlow alone."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

import keras
import tensorflow as tf

from tfx_sequences.components.input.bucket_planning import make_plan
from tfx_sequences.components.input.declared_shapes import with_declared_shapes
from tfx_sequences.components.input.input_counts import InputCounts
from tfx_sequences.components.input.input_state import InputState
from tfx_sequences.components.input.length_counts import count_lengths
from tfx_sequences.components.input.record_formats import RecordFormat, raw_records
from tfx_sequences.components.input.sequence_input import SequenceInput
from tfx_sequences.components.records.record_kinds import kind_of_records
from tfx_sequences.components.transform.length_histogram import LengthHistogram
from tfx_sequences.errors import DataError, UserInputError, did_you_mean
from tfx_sequences.schemas.columns.base import declared
from tfx_sequences.schemas.columns.column_base import BaseColumn
from tfx_sequences.schemas.features.bucket_plan import BucketPlan
from tfx_sequences.schemas.spec.batching import Batching
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec
from tfx_sequences.schemas.spec.unlabelled_spec import spec_of_columns


class SequenceDataset(tf.data.Dataset):
    """A `tf.data.Dataset` of bucketed, padded batches; each pass over it is the next epoch.

    All methods of `tf.data.Dataset` work on it.

    Args:
        source: The input whose batches these are.

    Attributes:
        input: The `SequenceInput`. A loop over it, in place of the dataset, also counts epochs and steps for `state`.
    """

    def __init__(self, source: SequenceInput) -> None:
        self.input = source
        self._batches = source.dataset
        super().__init__(tf.data.experimental.to_variant(self._batches))

    @property
    def element_spec(self) -> Any:
        """The structure of a batch."""
        return self._batches.element_spec

    def _inputs(self) -> list[tf.data.Dataset]:
        return [self._batches]

    @property
    def plan(self) -> BucketPlan:
        """The bucket plan: boundaries, batch sizes, and the batches and steps of an epoch."""
        return self.input.plan

    @property
    def counts(self) -> InputCounts | None:
        """Counts so far in the latest epoch: records, batches, steps, padding, dropped records; None before it."""
        return self.input.counts

    @property
    def steps_per_epoch(self) -> int:
        """Batches in an epoch, according to the plan."""
        return self.input.steps_per_epoch

    @property
    def callback(self) -> keras.callbacks.Callback:
        """The callback for `keras.Model.fit` with which `state` is exact."""
        return self.input.callback

    def state(self) -> InputState:
        """The position after the last batch that was taken: with `fit` and `callback`, or in a loop over `input`."""
        return self.input.state()

    def restore(self, state: InputState) -> None:
        """Resumes at the position of `state`: the next pass gives the rest of that epoch.

        Raises:
            UserInputError: The state belongs to other files, or to another plan, seed or batching.
        """
        self.input.restore(state)


def make_dataset(
    files: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    spec: SequenceSpec | Iterable[BaseColumn] | BaseColumn,
    *,
    label: Mapping[str, Any] | str | None = None,
    record: str | None = None,
    training: bool = True,
    seed: int | None = None,
    plan: BucketPlan | None = None,
    num_workers: int = 1,
    worker: int = 0,
    **batching: Any,
) -> SequenceDataset:
    """Reads records into bucketed, padded batches, with TensorFlow alone.

    The bucket plan is made from one fast pass over the lengths of the records. Values are as stored: strings stay
    strings. Their lookup and normalization are those of `SequenceFeatures`, or of your own layers.

    Args:
        files: TFRecord files or glob patterns, uncompressed or compressed, on any file system of TensorFlow.
        spec: A spec; or columns, of which only the features are read.
        label: With columns: the fields of a label, such as `{"key": "price", "type": "regression"}`; or the key of a
            label that is a class. None: batches without a label.
        record: With columns: `SequenceExample`, `Example` or `ELWC`. None: that of the first record.
        training: Shuffle files, records and batches, differently in each epoch, and drop records as `drop_...` says.
            False keeps every record, in the order of the files within a bucket.
        seed: Seed of the order. None: the spec's `training.seed`.
        plan: The bucket plan; that of the training records for those of validation. None: made from these files.
        num_workers: Number of workers that share the batches.
        worker: Index of this worker, in `[0, num_workers)`.
        **batching: Fields of the spec's `batching`: `batch_size`, `token_budget`, `num_buckets`, `bucket_boundaries`,
            `max_length`, `drop_longer_than` ...

    Returns:
        A dataset of `(features, targets, weights)`, or of `features` without a label. Features, by name: `[B, ...]` for
        a context feature `KEY`; `[B, T]`, or `[B, T, *shape]`, padded on the right with zeros or empty strings, for a
        sequence feature `sequence.KEY`; and `sequence_length`, int64 `[B]`. A step that lacks a value has zeros or an
        empty string. Targets are as stored, `[B]` or `[B, T]`; weights, float32 of the same shape, are 0 at padded
        steps.

    Raises:
        DataError: No file matches, or the files have no records of a length that is kept.
        SpecError: A field of `batching` or `label` is not valid; a column's steps are made by the pipeline's transform.
        UserInputError: An argument does not go with a spec.

    >>> import tempfile, tensorflow as tf
    >>> from tfx_sequences import SequenceFeatures, sequence_numeric_column
    >>> def record(values):
    ...     lists = tf.train.FeatureLists()
    ...     for value in values:
    ...         lists.feature_list["x"].feature.add().float_list.value.append(value)
    ...     return tf.train.SequenceExample(feature_lists=lists).SerializeToString()
    >>> path = tempfile.mkdtemp() + "/train.tfrecord"
    >>> with tf.io.TFRecordWriter(path) as writer:
    ...     for length in (3, 1, 3, 2):
    ...         writer.write(record([1.0] * length))
    >>> x = sequence_numeric_column("x", shape=(), normalizer="none")
    >>> dataset = make_dataset(path, [x], batch_size=2, num_buckets=1, training=False)
    >>> for batch in dataset:
    ...     print(batch["sequence.x"].shape, batch["sequence_length"].numpy())
    (2, 3) [3 1]
    (2, 3) [3 2]
    >>> inputs, lengths = SequenceFeatures([x])(next(iter(dataset)))
    >>> inputs.shape
    TensorShape([2, 3, 1])
    """
    found = _files(files)
    if isinstance(spec, SequenceSpec):
        if label is not None or record is not None:
            raise UserInputError(
                "make_dataset was given a spec, and what the spec declares itself.",
                expected="`label` and `record` only with columns",
                received=f"label={label!r}, record={record!r}",
                fix="Change the spec, or pass columns.",
            )
    else:
        spec = spec_of_columns(spec, label, record=record or kind_of_records(found[0]))
    spec = _with_options(spec, batching, seed)
    records = with_declared_shapes(raw_records(spec), spec)
    if plan is None:
        plan = make_plan(_kept_lengths(found, records, spec.batching), spec.batching)
    source = SequenceInput(found, spec, records, plan, training=training, num_workers=num_workers, worker=worker)
    return SequenceDataset(source)


def _files(files: str | os.PathLike[str] | Iterable[str | os.PathLike[str]]) -> list[str]:
    given = [files] if isinstance(files, str | os.PathLike) else list(files)
    found: list[str] = []
    for pattern in given:
        matches = sorted(tf.io.gfile.glob(os.fspath(pattern)))
        if not matches:
            raise DataError(
                "make_dataset found nothing to read.",
                expected="TFRecord files",
                received=f"no file that matches {pattern}",
                fix="Correct the pattern, or the working folder.",
            )
        found += [match for match in matches if match not in found]
    if not found:
        raise UserInputError("make_dataset found nothing to read.", expected="TFRecord files", received="an empty list")
    return found


def _with_options(spec: SequenceSpec, batching: Mapping[str, Any], seed: int | None) -> SequenceSpec:
    if unknown := [name for name in batching if name not in Batching.model_fields]:
        raise UserInputError(
            f"make_dataset does not have the argument '{unknown[0]}'.{did_you_mean(unknown[0], Batching.model_fields)}",
            expected=f"a field of `batching`: {', '.join(Batching.model_fields)}",
            received=unknown[0],
        )
    sections: dict[str, Any] = {
        "batching": declared(Batching, **{**spec.batching.model_dump(exclude_unset=True), **batching})
    }
    if seed is not None:
        sections["training"] = spec.training.model_copy(update={"seed": seed})
    return spec.model_copy(update=sections)


def _kept_lengths(files: list[str], records: RecordFormat, batching: Batching) -> LengthHistogram:
    found = count_lengths(files, records, skip_malformed=batching.on_error == "skip")
    if not found.as_batched(batching).counts.sum():
        raise DataError(
            "make_dataset found nothing to batch.",
            expected="at least one record of a length that is kept",
            received=f"{int(found.counts.sum())} records in {len(files)} files",
            fix="Check the files, and drop_shorter_than and drop_longer_than.",
        )
    return found
