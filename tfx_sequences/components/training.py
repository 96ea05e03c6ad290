"""The `run_fn` that TFX's Trainer calls: reads, fits, keeps the best weights, exports, reports.

In a module of its own, for TFX loads it anew at each call.
"""

from __future__ import annotations

import itertools
import json
import os
import time
from typing import Any

import keras
import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
from tfx.components.trainer.fn_args_utils import FnArgs
from tfx.utils import io_utils

from tfx_sequences.components import predictions_file
from tfx_sequences.components.bucket_plan import make_plan
from tfx_sequences.components.fitting import fit
from tfx_sequences.components.input import SequenceInput
from tfx_sequences.components.length_histogram import read_histogram
from tfx_sequences.components.model import build_model, compile_model, pretrained_of
from tfx_sequences.components.prepared_epochs import PreparedInput
from tfx_sequences.components.record_chunks import record_dataset
from tfx_sequences.components.record_formats import transformed_records
from tfx_sequences.components.serving import RawRecordModel, export
from tfx_sequences.components.split_statistics import task_statistics
from tfx_sequences.components.task_statistics import TaskStatistics
from tfx_sequences.components.training_input import training_input
from tfx_sequences.schemas.spec import SequenceSpec
from tfx_sequences.schemas.spec_io import spec_from_json

TRAINING_REPORT = "training.json"
BUCKET_PLAN = "bucket_plan.json"
RAW_EXAMPLES = "raw_examples"
_CHECKED_RECORDS = 256
# A validation split of smaller files is kept as batches, for it is the same in every epoch.
_KEPT_BYTES = 16 << 20


def run_fn(fn_args: FnArgs) -> None:
    """Trains the spec in `fn_args.custom_config["spec"]`.

    `custom_config["raw_examples"]` are the files of raw records of which some are
    predicted after the export: the model check compares the exported model with that.
    """
    started = time.monotonic()
    config = fn_args.custom_config
    spec = spec_from_json(config["spec"])
    keras.utils.set_random_seed(spec.training.seed)
    tft_output = tft.TFTransformOutput(fn_args.transform_output)
    train_files = _files(fn_args.train_files)
    valid_files = _files(fn_args.eval_files)
    plan = make_plan(read_histogram(tft_output), spec.batching)
    io_utils.write_string_file(os.path.join(fn_args.model_run_dir, BUCKET_PLAN), plan.model_dump_json(indent=1))
    feature_spec = tft_output.transformed_feature_spec()
    records = transformed_records(spec, feature_spec)
    valid = SequenceInput(valid_files, spec, records, plan, training=False)
    statistics = task_statistics(spec, tft_output, SequenceInput(train_files, spec, records, plan, training=False))

    model = build_model(spec, statistics)
    compile_model(model, spec, statistics)
    with training_input(train_files, spec, feature_spec, plan, fn_args.transform_output) as train:
        prepared = time.monotonic()
        with train.explained(), valid.explained():
            history = fit(model, spec, train.dataset, _kept(valid.dataset, valid_files), train.callback)
    fitted = time.monotonic()

    export_model(model, spec, statistics, tft_output, fn_args.serving_model_dir)
    in_memory = RawRecordModel(model, tft_output.transform_savedmodel_dir, spec, statistics)
    sample = _sample(_files(config[RAW_EXAMPLES]))
    predictions_file.write(fn_args.model_run_dir, sample, in_memory.predict(tf.constant(sample, tf.string)))
    report = {
        "history": history,
        "epochs": len(history["loss"]),
        "best_epoch": int(np.nanargmin(history["val_loss"])) + 1,
        "parameters": int(model.count_params()),
        "bucket_plan": {
            **plan.model_dump(mode="json"),
            "records": plan.records,
            "real_steps": plan.real_steps,
            "padded_steps": plan.padded_steps,
            "steps_per_epoch": plan.steps_per_epoch,
            "padding_share": plan.padding_share,
        },
        "input": {"train": _input_figures(train), "valid": _input_figures(valid)},
        "pretrained_vectors": [read.report() for read in pretrained_of(model).values()],
        "seconds": {
            "prepare": round(prepared - started, 2),
            "fit": round(fitted - prepared, 2),
            "export": round(time.monotonic() - fitted, 2),
        },
    }
    io_utils.write_string_file(os.path.join(fn_args.model_run_dir, TRAINING_REPORT), json.dumps(report, indent=1))


def export_model(
    model: keras.Model, spec: SequenceSpec, statistics: TaskStatistics, tft_output: tft.TFTransformOutput, to: str
) -> None:
    """Exports the network rebuilt without cuDNN kernels, so that it runs on any machine."""
    portable = build_model(spec, statistics, use_cudnn=False)
    portable.set_weights(model.get_weights())
    raw_model = RawRecordModel(portable, tft_output.transform_savedmodel_dir, spec, statistics)
    export(raw_model, to, spec, statistics)


def _kept(dataset: tf.data.Dataset, files: list[str]) -> tf.data.Dataset:
    size = sum(tf.io.gfile.stat(file).length for file in files)
    return dataset.cache() if size <= _KEPT_BYTES else dataset


def _input_figures(read: SequenceInput | PreparedInput) -> dict[str, Any]:
    """The latest epoch in full; and the padding over all epochs, which shuffling makes differ a little."""
    real = sum(counts.real_steps for counts in read.finished)
    padded = sum(counts.padded_steps for counts in read.finished)
    latest = read.finished[-1]
    return {
        **latest.to_dict(),
        "epochs": len(read.finished),
        "padding_share": 1 - real / padded if padded else 0.0,
    }


def _files(patterns: list[str]) -> list[str]:
    return sorted(file for pattern in patterns for file in tf.io.gfile.glob(pattern))


def _sample(files: list[str]) -> list[bytes]:
    records = (record.numpy() for file in files for record in record_dataset(file))
    return list(itertools.islice(records, _CHECKED_RECORDS))
