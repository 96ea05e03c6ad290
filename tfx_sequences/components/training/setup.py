"""Everything that training needs before its first step, for the trainer and for each trial of the tuner."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from tfx_sequences.components.input.bucket_planning import make_plan
from tfx_sequences.components.training.auto_statistics import split_statistics
from tfx_sequences.components.training.backup import BackupFile
from tfx_sequences.components.training.network_fitting import NetworkFitting
from tfx_sequences.components.training.trained_network import TrainedNetwork, train_network
from tfx_sequences.components.transform.length_histogram import read_histogram
from tfx_sequences.components.transform.transform_guard import check_transform
from tfx_sequences.components.transform.transform_output import TransformOutput
from tfx_sequences.schemas.columns.auto import chosen
from tfx_sequences.schemas.spec.auto_settings import auto_settings, with_auto_settings, with_settings
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


@dataclasses.dataclass(frozen=True)
class TrainingSetup:
    """The setup of a training, from Transform and the training split. `prepare_training` creates one.

    Attributes:
        spec: The spec to train, with all settings resolved.
        settings: The settings that were derived from the data, by their path in the spec.
        transformed: Transform's output.
        train_files: Transformed records of the training split.
        valid_files: Transformed records of the validation split.
        strategy: The strategy whose replicas share the batches.
    """

    spec: SequenceSpec
    settings: Mapping[str, Any]
    transformed: TransformOutput
    train_files: Sequence[str]
    valid_files: Sequence[str]
    strategy: tf.distribute.Strategy

    @functools.cached_property
    def fitting(self) -> NetworkFitting:
        """Fits networks of the spec."""
        return NetworkFitting(self.spec, self.transformed, self.strategy)

    def train(self, *, backup: BackupFile | None = None, log_dir: str | None = None) -> TrainedNetwork:
        """Trains the network of the spec; see `train_network`.

        Args:
            backup: Backup of the training state.
            log_dir: Folder for TensorBoard's logs.
        """
        return train_network(
            self.fitting, self.spec.training, self.train_files, self.valid_files, backup=backup, log_dir=log_dir
        )


def prepare_training(
    spec: SequenceSpec,
    transform_output: str,
    train_patterns: Sequence[str],
    valid_patterns: Sequence[str],
    *,
    held_back: bool = False,
    strategy: tf.distribute.Strategy | None = None,
    most_steps: int | None = None,
) -> TrainingSetup:
    """Sets the seed, checks the transform graph, and derives the settings that the spec leaves to the data.

    Args:
        spec: The spec, with the values of the trial if there is one.
        transform_output: The transform graph's folder.
        train_patterns: Glob patterns of the transformed training records.
        valid_patterns: Glob patterns of the transformed validation records.
        held_back: Whether the validation records are held-back training records, so that the final training may use
            all of them.
        strategy: The strategy whose replicas share the batches; None uses the current one.
        most_steps: Maximum number of training steps; None or 0 leaves the limit to the spec.

    Raises:
        SpecError: The transform graph was made with another spec.
    """
    strategy = strategy or tf.distribute.get_strategy()
    keras.utils.set_random_seed(spec.training.seed)
    check_transform(transform_output, spec)
    transformed = TransformOutput(transform_output)
    train_files, valid_files = record_files(train_patterns), record_files(valid_patterns)
    settings = auto_settings(spec, split_statistics(spec, transformed, train_files, valid_files if held_back else []))
    spec = with_settings(spec, settings)
    if most_steps:
        plan = make_plan(read_histogram(transformed), spec.batching)
        # A step takes a batch for each replica.
        spec = with_steps(spec, most_steps, -(-plan.steps_per_epoch // strategy.num_replicas_in_sync))
    return TrainingSetup(spec, settings, transformed, train_files, valid_files, strategy)


def with_steps(spec: SequenceSpec, steps: int, steps_per_epoch: int) -> SequenceSpec:
    """The spec limited to `steps` training steps: fewer epochs, and shorter ones if the steps do not divide evenly.

    Args:
        spec: The spec.
        steps: Maximum number of steps in all epochs.
        steps_per_epoch: Steps for all records, unless the spec sets another number.

    >>> from tfx_sequences.schemas.spec.spec_io import load_spec
    >>> spec = load_spec("japanese_vowels")
    >>> shorter = [with_steps(spec, steps, steps_per_epoch=100).training for steps in (40, 250, 100_000)]
    >>> [(training.epochs, training.steps_per_epoch) for training in shorter]
    [(1, 40), (3, 83), ('auto', None)]
    """
    training = with_auto_settings(spec).training
    whole = training.steps_per_epoch or steps_per_epoch
    if steps >= whole * chosen(training.epochs):
        return spec
    epochs = -(-steps // whole)
    shorter = training.model_copy(update={"epochs": epochs, "steps_per_epoch": steps // epochs})
    return spec.model_copy(update={"training": shorter})


def record_files(patterns: Sequence[str]) -> list[str]:
    """The files that glob patterns match, in order."""
    return sorted(file for pattern in patterns for file in tf.io.gfile.glob(pattern))
