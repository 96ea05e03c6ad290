"""The trainer's export: the model, its named weights, and predictions that the model check repeats."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import tensorflow as tf

from tfx_sequences.components.network.named_weights import write_weights
from tfx_sequences.components.records.opening import record_dataset
from tfx_sequences.components.serving import predictions_file
from tfx_sequences.components.serving.exported_model import RawRecordModel
from tfx_sequences.components.serving.portable_model import is_half_precision, require_same_answers
from tfx_sequences.components.training.model_export import export_model
from tfx_sequences.components.training.network_fitting import FittedNetwork
from tfx_sequences.components.training.setup import TrainingSetup

_CHECKED_RECORDS = 256


def export_trained(
    setup: TrainingSetup,
    network: FittedNetwork,
    model_dir: str,
    run_dir: str,
    raw_files: Sequence[str],
) -> float:
    """Exports the fitted network, checks that both give the same predictions, and writes the named weights.

    Args:
        setup: The setup the network was fitted with.
        network: The fitted network.
        model_dir: Folder for the SavedModel, its card and named weights.
        run_dir: Folder for predictions of some raw records, with which the model check compares the exported model.
        raw_files: Raw records of the test split.

    Returns:
        The largest difference between the predictions of both, see `require_same_answers`.

    Raises:
        TfxSequencesError: The exported network gives other predictions, or needs a GPU.
    """
    model, statistics = network.model, network.statistics
    exported = export_model(model, setup.spec, statistics, setup.transformed, model_dir)
    write_weights(model_dir, model, network.axes)
    in_memory = RawRecordModel(model, setup.transformed.transform_savedmodel_dir, setup.spec, statistics)
    sample = _sample(raw_files)
    records = tf.constant(sample, tf.string)
    predictions = exported.predict(records)
    difference = require_same_answers(predictions, in_memory.predict(records), half=is_half_precision(model))
    predictions_file.write(run_dir, sample, predictions)
    return difference


def _sample(files: Sequence[str]) -> list[bytes]:
    records = (record.numpy() for file in files for record in record_dataset(file))
    return list(itertools.islice(records, _CHECKED_RECORDS))
