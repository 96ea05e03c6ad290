"""The `run_fn` that TFX's Trainer calls: reads, fits, keeps the best weights, exports, reports.

In a module of its own, for TFX loads it anew at each call.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
from tfx.components.trainer.fn_args_utils import FnArgs
from tfx.utils import io_utils

from tfx_sequences.compat import use_cores
from tfx_sequences.components.input.bucket_planning import make_plan
from tfx_sequences.components.input.epoch_source import EpochSource
from tfx_sequences.components.input.record_formats import transformed_records
from tfx_sequences.components.input.record_places import record_dataset
from tfx_sequences.components.input.sequence_input import SequenceInput
from tfx_sequences.components.network.model import build_model, compile_model, pretrained_of
from tfx_sequences.components.network.named_weights import named_axes, write_weights
from tfx_sequences.components.network.task_statistics import TaskStatistics
from tfx_sequences.components.serving import predictions_file
from tfx_sequences.components.serving.exported_model import RawRecordModel, export
from tfx_sequences.components.serving.portable_model import is_half_precision, require_same_answers
from tfx_sequences.components.training.backup import BackupFile
from tfx_sequences.components.training.determinism import deterministic_ops, weights_digest
from tfx_sequences.components.training.fitting import fit
from tfx_sequences.components.training.split_statistics import task_statistics
from tfx_sequences.components.training.strategies import distributed, is_chief, make_strategy
from tfx_sequences.components.training.table_terms import table_terms
from tfx_sequences.components.training.training_input import training_input
from tfx_sequences.components.training.warm_start import warm_start
from tfx_sequences.components.transform.length_histogram import read_histogram
from tfx_sequences.components.transform.transform_guard import check_transform
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec
from tfx_sequences.schemas.spec.spec_io import TRAIN_SECTIONS, fingerprint, spec_from_json
from tfx_sequences.schemas.spec.tuned_spec import tuned_spec

TRAINING_REPORT = "training.json"
BUCKET_PLAN = "bucket_plan.json"
RAW_EXAMPLES = "raw_examples"
BACKUPS = "backups"
TENSORBOARD = "tensorboard"
_CHECKED_RECORDS = 256
# A validation split of smaller files is kept as batches, for it is the same in every epoch.
_KEPT_BYTES = 16 << 20


def run_fn(fn_args: FnArgs) -> None:
    """Trains the spec in `fn_args.custom_config["spec"]`.

    `custom_config["raw_examples"]` are the files of raw records of which some are
    predicted after the export: the model check compares the exported model with that.

    Raises:
        SpecError: The transform graph was made of another spec.
        UserInputError: `training.deterministic` is set, and cannot be kept.
    """
    use_cores()
    spec = spec_from_json(fn_args.custom_config["spec"])
    if fn_args.hyperparameters:
        spec = tuned_spec(spec, fn_args.hyperparameters["values"])
    with deterministic_ops(spec.training.deterministic):
        _train(fn_args, spec)


def _train(fn_args: FnArgs, spec: SequenceSpec) -> None:
    started = time.monotonic()
    config = fn_args.custom_config
    # Several workers must find each other before TensorFlow does anything else.
    strategy = make_strategy(spec.training.strategy)
    keras.utils.set_random_seed(spec.training.seed)
    check_transform(fn_args.transform_output, spec)
    tft_output = tft.TFTransformOutput(fn_args.transform_output)
    train_files = record_files(fn_args.train_files)
    valid_files = record_files(fn_args.eval_files)
    plan = make_plan(read_histogram(tft_output), spec.batching)
    # A step takes a batch for each replica.
    steps_per_epoch = -(-plan.steps_per_epoch // strategy.num_replicas_in_sync)
    if fn_args.train_steps:
        spec = with_steps(spec, fn_args.train_steps, steps_per_epoch)
    feature_spec = tft_output.transformed_feature_spec()
    records = transformed_records(spec, feature_spec)
    valid = distributed(
        strategy,
        lambda workers, worker: SequenceInput(
            valid_files, spec, records, plan, training=False, num_workers=workers, worker=worker
        ),
    )
    statistics = task_statistics(spec, tft_output, SequenceInput(train_files, spec, records, plan, training=False))

    with strategy.scope():
        model = build_model(spec, statistics)
        classes = {
            f"{spec.output_prefix(n)}logits": head.classes for n, head in statistics.heads.items() if head.classes
        }
        axes = named_axes(model, table_terms(spec, tft_output), classes)
        begun = warm_start(model, axes, spec.training.warm_start) if spec.training.warm_start else None
        compile_model(model, spec, statistics, steps_per_epoch)
    chief = is_chief(strategy)
    backup = backup_of(spec, config, [*train_files, *valid_files], fn_args.transform_output, writes=chief)
    log_dir = os.path.join(fn_args.model_run_dir, TENSORBOARD) if chief else None
    with training_input(train_files, spec, feature_spec, plan, fn_args.transform_output, strategy) as train:
        prepared = time.monotonic()
        with valid.explained():
            kept = _kept(valid.dataset, valid_files)
            fitted = fit(model, spec, train, kept, backup=backup, log_dir=log_dir)
    trained = time.monotonic()
    if not chief:
        return

    io_utils.write_string_file(os.path.join(fn_args.model_run_dir, BUCKET_PLAN), plan.model_dump_json(indent=1))
    exported = export_model(model, spec, statistics, tft_output, fn_args.serving_model_dir)
    write_weights(fn_args.serving_model_dir, model, axes)
    in_memory = RawRecordModel(model, tft_output.transform_savedmodel_dir, spec, statistics)
    sample = _sample(record_files(config[RAW_EXAMPLES]))
    records = tf.constant(sample, tf.string)
    predictions = exported.predict(records)
    answers = in_memory.predict(records)
    difference = require_same_answers(predictions, answers, half=is_half_precision(model))
    predictions_file.write(fn_args.model_run_dir, sample, predictions)
    report = {
        "history": fitted.history,
        "epochs": len(fitted.history["loss"]),
        "best_epoch": fitted.best_epoch,
        "resumed_at": fitted.resumed_at,
        "warm_start": begun.lines() if begun else [],
        "tuned": (fn_args.hyperparameters or {}).get("values", {}),
        "speed": speed(fitted.history),
        "parameters": int(model.count_params()),
        "weights_digest": weights_digest(model),
        "bucket_plan": {
            **plan.model_dump(mode="json"),
            "records": plan.records,
            "real_steps": plan.real_steps,
            "padded_steps": plan.padded_steps,
            "steps_per_epoch": plan.steps_per_epoch,
            "padding_share": plan.padding_share,
        },
        "input": {"train": _input_figures(train), "valid": _input_figures(valid)},
        "export_difference": difference,
        "pretrained_vectors": [read.report() for read in pretrained_of(model).values()],
        "seconds": {
            "prepare": round(prepared - started, 2),
            "fit": round(trained - prepared, 2),
            "export": round(time.monotonic() - trained, 2),
        },
    }
    io_utils.write_string_file(os.path.join(fn_args.model_run_dir, TRAINING_REPORT), json.dumps(report, indent=1))
    if backup:
        backup.delete()


def with_steps(spec: SequenceSpec, steps: int, steps_per_epoch: int) -> SequenceSpec:
    """The spec trained for at most so many steps: by fewer epochs, and shorter ones where the steps make no whole ones.

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


def backup_of(
    spec: SequenceSpec, config: Mapping[str, Any], files: Sequence[str], transform_output: str, *, writes: bool = True
) -> BackupFile | None:
    """Where the state of training is kept: the spec's folder, or one for this spec and data in `config["backups"]`.

    Args:
        spec: The spec.
        config: The trainer's `custom_config`.
        files: All records that are read.
        transform_output: The transform graph's folder.
        writes: False in a worker that is not the chief.
    """
    options = spec.training.backup
    if options is None or not (options.folder or config.get(BACKUPS)):
        return None
    # How backups are made does not change what is trained.
    training = spec.training.model_copy(update={"backup": None})
    records = [[file, tf.io.gfile.stat(file).length] for file in files]
    identity = {
        "the spec": fingerprint(spec.model_copy(update={"training": training}), TRAIN_SECTIONS),
        "the records": _digest([transform_output, *records]),
        "the code": str(config.get("code_digest", "")),
    }
    return BackupFile(options.folder or os.path.join(config[BACKUPS], _digest(identity)), identity, writes=writes)


def export_model(
    model: keras.Model, spec: SequenceSpec, statistics: TaskStatistics, tft_output: tft.TFTransformOutput, to: str
) -> RawRecordModel:
    """Exports the network rebuilt without special kernels, so that it runs on any machine; gives what was exported."""
    portable = build_model(spec, statistics, use_cudnn=False)
    portable.set_weights(model.get_weights())
    raw_model = RawRecordModel(portable, tft_output.transform_savedmodel_dir, spec, statistics)
    export(raw_model, to, spec, statistics)
    return raw_model


def speed(history: Mapping[str, list[float]]) -> dict[str, float]:
    """Medians over the epochs, but for the first, in which functions are traced.

    >>> speed({"steps_per_second": [1.0, 9.0, 7.0, 8.0], "loss": [3.0]})
    {'steps_per_second': 8.0}
    """
    names = ("steps_per_second", "real_steps_per_second")
    return {name: float(np.median(history[name][1:] or history[name])) for name in names if name in history}


def _digest(plain: Any) -> str:
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:16]


def _kept(dataset: Any, files: list[str]) -> Any:
    if not isinstance(dataset, tf.data.Dataset):
        return dataset
    size = sum(tf.io.gfile.stat(file).length for file in files)
    return dataset.cache() if size <= _KEPT_BYTES else dataset


def _input_figures(read: EpochSource) -> dict[str, Any]:
    """The latest epoch in full; and the padding over all epochs, which shuffling makes differ a little."""
    real = sum(counts.real_steps for counts in read.finished)
    padded = sum(counts.padded_steps for counts in read.finished)
    latest = read.finished[-1]
    return {
        **latest.to_dict(),
        "epochs": len(read.finished),
        "padding_share": 1 - real / padded if padded else 0.0,
    }


def record_files(patterns: Sequence[str]) -> list[str]:
    """The files that glob patterns match, in order."""
    return sorted(file for pattern in patterns for file in tf.io.gfile.glob(pattern))


def _sample(files: list[str]) -> list[bytes]:
    records = (record.numpy() for file in files for record in record_dataset(file))
    return list(itertools.islice(records, _CHECKED_RECORDS))
