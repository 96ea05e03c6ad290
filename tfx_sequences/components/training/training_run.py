"""One training: prepare, fit, export, report. In a pipeline and without one."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tensorflow as tf

from tfx_sequences.components.training.backup import backup_of
from tfx_sequences.components.training.determinism import deterministic_ops
from tfx_sequences.components.training.export_step import export_trained
from tfx_sequences.components.training.setup import prepare_training, record_files
from tfx_sequences.components.training.strategies import is_chief, make_strategy
from tfx_sequences.components.training.training_phases import delete_phases
from tfx_sequences.components.training.training_report import BUCKET_PLAN, TRAINING_REPORT, training_report
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

TENSORBOARD = "tensorboard"


@dataclasses.dataclass(frozen=True)
class TrainingFiles:
    """What a training reads and writes.

    Attributes:
        transform_output: The folder of Transform's output.
        train: Glob patterns of the transformed training records.
        valid: Glob patterns of the transformed validation records.
        raw: Glob patterns of raw records. Some of them are predicted after the export, and the model check compares
            the exported model with these predictions.
        model_dir: Folder for the exported model.
        run_dir: Folder for the report, the bucket plan and, if TensorBoard is installed, its logs.
    """

    transform_output: str
    train: Sequence[str]
    valid: Sequence[str]
    raw: Sequence[str]
    model_dir: str
    run_dir: str


def run_training(
    spec: SequenceSpec,
    files: TrainingFiles,
    *,
    held_back: bool = False,
    tuned: Mapping[str, Any] | None = None,
    backup_config: Mapping[str, Any] | None = None,
    most_steps: int | None = None,
    on_fitted: Callable[[], object] = lambda: None,
) -> None:
    """Trains a spec.

    Args:
        spec: The spec, with the values of the tuner if there are any.
        files: What is read and written.
        held_back: Whether the validation records are held-back training records, so that the final training may use
            all of them.
        tuned: The values of the tuner, for the report.
        backup_config: See `backup_of`.
        most_steps: Maximum number of training steps; None or 0 leaves the limit to the spec.
        on_fitted: Called between fit and export, in the process that exports.

    Raises:
        SpecError: The transform graph was made with another spec.
        UserInputError: `training.deterministic` is set, but the network has an op that is not deterministic.
    """
    with deterministic_ops(spec.training.deterministic):
        _run(spec, files, held_back, tuned or {}, backup_config or {}, most_steps, on_fitted)


def _run(
    spec: SequenceSpec,
    files: TrainingFiles,
    held_back: bool,
    tuned: Mapping[str, Any],
    backup_config: Mapping[str, Any],
    most_steps: int | None,
    on_fitted: Callable[[], object],
) -> None:
    started = time.monotonic()

    # Prepare. Several workers must find each other before TensorFlow does anything else.
    strategy = make_strategy(spec.training.strategy)
    setup = prepare_training(
        spec,
        files.transform_output,
        files.train,
        files.valid,
        held_back=held_back,
        strategy=strategy,
        most_steps=most_steps,
    )
    chief = is_chief(strategy)
    records = [*setup.train_files, *setup.valid_files]
    backup = backup_of(setup.spec, backup_config, records, files.transform_output, writes=chief)
    # Newer TensorFlow installs without it, and can then write no logs for it.
    has_tensorboard = importlib.util.find_spec("tensorboard") is not None
    log_dir = os.path.join(files.run_dir, TENSORBOARD) if chief and has_tensorboard else None
    prepared = time.monotonic()

    # Fit.
    trained = setup.train(backup=backup, log_dir=log_dir)
    fitted = time.monotonic()
    if not chief:
        return

    # Export.
    on_fitted()
    difference = export_trained(setup, trained.network, files.model_dir, files.run_dir, record_files(files.raw))

    # Report.
    seconds = {"prepare": prepared - started, "fit": fitted - prepared, "export": time.monotonic() - fitted}
    report = training_report(
        trained, settings=setup.settings, tuned=tuned, export_difference=difference, seconds=seconds
    )
    tf.io.gfile.makedirs(files.run_dir)
    for name, text in (
        (BUCKET_PLAN, trained.network.plan.model_dump_json(indent=1)),
        (TRAINING_REPORT, json.dumps(report, indent=1)),
    ):
        with tf.io.gfile.GFile(os.path.join(files.run_dir, name), "w") as file:
            file.write(text)
    if backup:
        delete_phases(backup)
