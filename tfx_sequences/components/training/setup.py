"""What training needs before its first step, for the trainer and for each trial of the tuner."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf
import tensorflow_transform as tft

from tfx_sequences.components.input.bucket_planning import make_plan
from tfx_sequences.components.input.epoch_source import EpochSource
from tfx_sequences.components.input.record_formats import Features, transformed_records
from tfx_sequences.components.input.sequence_input import SequenceInput
from tfx_sequences.components.network.model import build_model, compile_model
from tfx_sequences.components.network.named_weights import NamedAxis, named_axes
from tfx_sequences.components.network.sequence_model import SequenceModel
from tfx_sequences.components.network.task_statistics import TaskStatistics
from tfx_sequences.components.training.backup import BackupFile
from tfx_sequences.components.training.fitting import Fitted, fit
from tfx_sequences.components.training.split_statistics import table_terms, task_statistics
from tfx_sequences.components.training.strategies import distributed
from tfx_sequences.components.training.training_input import training_input
from tfx_sequences.components.transform.length_histogram import read_histogram
from tfx_sequences.components.transform.transform_guard import check_transform
from tfx_sequences.schemas.features.bucket_plan import BucketPlan
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

# A validation split of smaller files is kept as batches, for it is the same in every epoch.
_KEPT_BYTES = 16 << 20


@dataclasses.dataclass(frozen=True)
class TrainingSetup:
    """The inputs of training, and what Transform and the training split decide of the network.

    `prepare_training` makes one. Its methods are called in this order: `build`, `compiled`, `fit`.

    Attributes:
        spec: The spec that is trained.
        transform_output: The transform graph's folder.
        tft_output: The same, opened.
        feature_spec: Of the transformed records.
        plan: The bucket plan of the training split.
        train_files: Transformed records of the training split.
        valid_files: Those of the validation split.
        valid: The input of the validation split.
        statistics: What the training split decides.
        strategy: Whose replicas share the batches.
    """

    spec: SequenceSpec
    transform_output: str
    tft_output: tft.TFTransformOutput
    feature_spec: Features
    plan: BucketPlan
    train_files: Sequence[str]
    valid_files: Sequence[str]
    valid: EpochSource
    statistics: TaskStatistics
    strategy: tf.distribute.Strategy

    def build(self) -> SequenceModel:
        """The network, with fresh weights."""
        with self.strategy.scope():
            return build_model(self.spec, self.statistics)

    def axes_of(self, model: keras.Model) -> Mapping[str, NamedAxis]:
        """The weights of the network whose rows or outputs have names: terms and classes."""
        heads = self.statistics.heads
        classes = {
            f"{self.spec.output_prefix(name)}logits": head.classes for name, head in heads.items() if head.classes
        }
        with self.strategy.scope():
            return named_axes(model, table_terms(self.spec, self.tft_output), classes)

    @contextlib.contextmanager
    def compiled(self, model: SequenceModel) -> Iterator[EpochSource]:
        """Compiles the network and gives the input of the training split, for as long as the context lasts.

        The input comes first: how many steps its epochs have decides the loss and the schedule.
        """
        source = training_input(
            self.train_files, self.spec, self.feature_spec, self.plan, self.transform_output, self.strategy
        )
        with source as train:
            with self.strategy.scope():
                compile_model(model, self.spec, self.statistics, train.steps_per_epoch)
            yield train

    def fit(
        self, model: SequenceModel, train: EpochSource, *, backup: BackupFile | None = None, log_dir: str | None = None
    ) -> Fitted:
        """Fits the compiled network; see `fitting.fit`."""
        with self.valid.explained():
            return fit(model, self.spec, train, self._kept(self.valid.dataset), backup=backup, log_dir=log_dir)

    def _kept(self, dataset: Any) -> Any:
        if not isinstance(dataset, tf.data.Dataset):
            return dataset
        size = sum(tf.io.gfile.stat(file).length for file in self.valid_files)
        return dataset.cache() if size <= _KEPT_BYTES else dataset


def prepare_training(
    spec: SequenceSpec,
    transform_output: str,
    train_patterns: Sequence[str],
    valid_patterns: Sequence[str],
    *,
    strategy: tf.distribute.Strategy | None = None,
    most_steps: int | None = None,
) -> TrainingSetup:
    """Sets the seed, checks the transform graph, and reads what the training split decides.

    Args:
        spec: The spec, with the values of a trial if it is one.
        transform_output: The transform graph's folder.
        train_patterns: Glob patterns of the transformed training records.
        valid_patterns: The same for validation.
        strategy: Whose replicas share the batches; None: the current one.
        most_steps: Train for that many steps at most; None or 0 leaves it to the spec.

    Raises:
        SpecError: The transform graph was made with another spec.
    """
    strategy = strategy or tf.distribute.get_strategy()
    keras.utils.set_random_seed(spec.training.seed)
    check_transform(transform_output, spec)
    tft_output = tft.TFTransformOutput(transform_output)
    train_files, valid_files = record_files(train_patterns), record_files(valid_patterns)
    plan = make_plan(read_histogram(tft_output), spec.batching)
    if most_steps:
        # A step takes a batch for each replica.
        spec = with_steps(spec, most_steps, -(-plan.steps_per_epoch // strategy.num_replicas_in_sync))
    feature_spec = tft_output.transformed_feature_spec()
    records = transformed_records(spec, feature_spec)
    valid = distributed(
        strategy,
        lambda workers, worker: SequenceInput(
            valid_files, spec, records, plan, training=False, num_workers=workers, worker=worker
        ),
    )
    statistics = task_statistics(spec, tft_output, SequenceInput(train_files, spec, records, plan, training=True))
    return TrainingSetup(
        spec=spec,
        transform_output=transform_output,
        tft_output=tft_output,
        feature_spec=feature_spec,
        plan=plan,
        train_files=train_files,
        valid_files=valid_files,
        valid=valid,
        statistics=statistics,
        strategy=strategy,
    )


def with_steps(spec: SequenceSpec, steps: int, steps_per_epoch: int) -> SequenceSpec:
    """The spec trained for at most `steps`: by fewer epochs, and shorter ones where the steps make no whole ones.

    Args:
        spec: The spec.
        steps: At most that many, in all epochs.
        steps_per_epoch: Of all records, where the spec sets no other number.

    >>> from tfx_sequences.schemas.spec.spec_io import load_spec
    >>> spec = load_spec("japanese_vowels")
    >>> shorter = [with_steps(spec, steps, steps_per_epoch=100).training for steps in (40, 250, 100_000)]
    >>> [(training.epochs, training.steps_per_epoch) for training in shorter]
    [(1, 40), (3, 83), (60, None)]
    """
    training = spec.training
    whole = training.steps_per_epoch or steps_per_epoch
    if steps >= whole * training.epochs:
        return spec
    epochs = -(-steps // whole)
    shorter = training.model_copy(update={"epochs": epochs, "steps_per_epoch": steps // epochs})
    return spec.model_copy(update={"training": shorter})


def record_files(patterns: Sequence[str]) -> list[str]:
    """The files that glob patterns match, in order."""
    return sorted(file for pattern in patterns for file in tf.io.gfile.glob(pattern))
