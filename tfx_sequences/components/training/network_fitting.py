"""Fits networks of one spec to transformed records: with validation, or to all records at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from tfx_sequences.components.input.bucket_planning import make_plan
from tfx_sequences.components.input.epoch_source import EpochSource
from tfx_sequences.components.input.length_counts import count_lengths
from tfx_sequences.components.input.record_formats import transformed_records
from tfx_sequences.components.input.sequence_input import SequenceInput
from tfx_sequences.components.network.model import build_model, compile_model
from tfx_sequences.components.network.named_weights import NamedAxis, named_axes
from tfx_sequences.components.network.sequence_model import SequenceModel
from tfx_sequences.components.network.task_statistics import TaskStatistics
from tfx_sequences.components.numbers.chosen import normalizers_of, read_choices
from tfx_sequences.components.training.backup import BackupFile
from tfx_sequences.components.training.fitting import Fitted, fit
from tfx_sequences.components.training.model_export import try_export, try_saving
from tfx_sequences.components.training.refitting import refit
from tfx_sequences.components.training.split_statistics import table_terms, task_statistics
from tfx_sequences.components.training.strategies import distributed
from tfx_sequences.components.training.training_input import training_input
from tfx_sequences.components.training.warm_start import WarmStart, warm_start
from tfx_sequences.components.transform.length_histogram import LengthHistogram, read_histogram
from tfx_sequences.components.transform.transform_output import TransformOutput
from tfx_sequences.schemas.features.bucket_plan import BucketPlan
from tfx_sequences.schemas.features.record_scales import network_spec
from tfx_sequences.schemas.features.transformed_features import make_parse_transformed_spec
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

# Batches of a smaller validation split are cached, because they are the same in every epoch.
_KEPT_BYTES = 16 << 20


@dataclasses.dataclass(frozen=True)
class FittedNetwork:
    """A fitted network with its data.

    Attributes:
        model: The network.
        axes: Names along the axes of its weights.
        begun: The warm start, if it started from another model's weights.
        statistics: Statistics of the training records that shape the network.
        plan: The bucket plan of the training records.
        fitted: The result of the training.
        train: The input of the training records.
        valid: The input of the validation records; None without validation.
    """

    model: SequenceModel
    axes: Mapping[str, NamedAxis]
    begun: WarmStart | None
    statistics: TaskStatistics
    plan: BucketPlan
    fitted: Fitted
    train: EpochSource
    valid: EpochSource | None


class NetworkFitting:
    """Fits networks of a spec; each starts from the same random seed.

    Args:
        spec: The spec, with all settings resolved.
        transformed: Transform's output.
        strategy: The distribution strategy.
    """

    def __init__(self, spec: SequenceSpec, transformed: TransformOutput, strategy: Any) -> None:
        self._spec = spec
        self._transformed = transformed
        self._strategy = strategy
        self._feature_spec = make_parse_transformed_spec(spec)
        # The records also contain their scales if a per-record normalizer was chosen.
        self._read = network_spec(spec, normalizers_of(read_choices(transformed.transform_savedmodel_dir)))
        self._records = transformed_records(self._read, self._feature_spec)
        self._begun = 0

    def validated(
        self,
        train_files: Sequence[str],
        valid_files: Sequence[str],
        *,
        lengths: LengthHistogram | None = None,
        backup: BackupFile | None = None,
        log_dir: str | None = None,
    ) -> FittedNetwork:
        """Fits a network with validation; it has the weights of its best epoch.

        Args:
            train_files: Transformed records.
            valid_files: Transformed records.
            lengths: Lengths of the training records; None if they are the records that Transform analyzed.
            backup: Backup of the training state.
            log_dir: Folder for TensorBoard's logs.
        """
        spec = self._spec
        lengths = lengths or read_histogram(self._transformed)
        plan = make_plan(lengths, spec.batching)
        valid = distributed(
            self._strategy,
            lambda workers, worker: SequenceInput(
                valid_files, self._read, self._records, plan, training=False, num_workers=workers, worker=worker
            ),
        )

        def run(model: SequenceModel, train: EpochSource) -> Fitted:
            with valid.explained():
                return fit(model, spec, train, _kept(valid.dataset, valid_files), backup=backup, log_dir=log_dir)

        return self._network(train_files, lengths, plan, run, valid)

    def refitted(
        self,
        files: Sequence[str],
        epochs: int,
        *,
        lengths: LengthHistogram,
        rates: Sequence[float] = (),
        backup: BackupFile | None = None,
    ) -> FittedNetwork:
        """Fits a network to all records; it has the weights of the last epoch.

        Args:
            files: Transformed records.
            epochs: Number of epochs.
            lengths: Lengths of the records.
            rates: The learning rate of each epoch, if a validation determined it.
            backup: Backup of the training state.
        """
        plan = make_plan(lengths, self._spec.batching)
        return self._network(
            files,
            lengths,
            plan,
            lambda model, train: refit(model, self._spec, train, epochs, rates=rates, backup=backup),
            None,
        )

    def lengths_of(self, files: Sequence[str]) -> LengthHistogram:
        """The lengths of all records of some files, before truncation and dropping."""
        return count_lengths(files, self._records)

    def _network(
        self,
        files: Sequence[str],
        lengths: LengthHistogram,
        plan: BucketPlan,
        run: Callable[[SequenceModel, EpochSource], Fitted],
        valid: EpochSource | None,
    ) -> FittedNetwork:
        spec, strategy = self._spec, self._strategy
        if self._begun:
            # Resets the numbering of layer names, and releases the previous network.
            keras.backend.clear_session()
        self._begun += 1
        keras.utils.set_random_seed(spec.training.seed)
        once = SequenceInput(files, self._read, self._records, plan, training=True)
        statistics = task_statistics(spec, self._transformed, once, lengths)
        if self._begun == 1 and spec.model.builder is not None:
            try_export(spec, statistics, self._transformed)
            # As if nothing had been built before.
            keras.backend.clear_session()
            keras.utils.set_random_seed(spec.training.seed)
        with strategy.scope():
            model = build_model(spec, statistics)
            axes = self._axes(model, statistics)
            begun = warm_start(model, axes, spec.training.warm_start) if spec.training.warm_start else None
        if self._begun == 1 and strategy.num_replicas_in_sync == 1:
            try_saving(model, spec)
        with training_input(files, self._read, self._feature_spec, plan, self._transformed.folder, strategy) as train:
            with strategy.scope():
                compile_model(model, spec, statistics, train.steps_per_epoch)
            fitted = run(model, train)
        return FittedNetwork(model, axes, begun, statistics, plan, fitted, train, valid)

    def _axes(self, model: SequenceModel, statistics: TaskStatistics) -> Mapping[str, NamedAxis]:
        spec = self._spec
        classes = {
            f"{spec.output_prefix(n)}logits": head.classes for n, head in statistics.heads.items() if head.classes
        }
        return named_axes(model, table_terms(spec, self._transformed), classes)


def _kept(dataset: Any, files: Sequence[str]) -> Any:
    if not isinstance(dataset, tf.data.Dataset):
        return dataset
    size = sum(tf.io.gfile.stat(file).length for file in files)
    return dataset.cache() if size <= _KEPT_BYTES else dataset
