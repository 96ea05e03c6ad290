"""Trains one network without and with `training.deterministic`.

    python -m tests.components.training.repeated_training FOLDER

FOLDER is for the records. Prints the digests of the weights after each of the two trainings, as JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import keras
import numpy as np

from tests.components.prepared.stores import FEATURES, make_spec, write_transformed
from tfx_sequences.components.input.bucket_planning import make_plan
from tfx_sequences.components.input.record_formats import transformed_records
from tfx_sequences.components.input.sequence_input import SequenceInput
from tfx_sequences.components.network.model import build_model, compile_model
from tfx_sequences.components.network.task_statistics import HeadStatistics, TaskStatistics
from tfx_sequences.components.training.determinism import deterministic_ops, weights_digest
from tfx_sequences.components.training.fitting import fit
from tfx_sequences.components.training.training_input import training_input
from tfx_sequences.components.transform.length_histogram import LengthHistogram

LENGTHS = np.random.default_rng(0).integers(1, 40, 80)


def main(folder):
    print(json.dumps([train(folder, deterministic) for deterministic in (False, True)]))


def train(folder, deterministic):
    spec = make_spec(
        training={"epochs": 2, "early_stopping_patience": None, "deterministic": deterministic},
        batching={"batch_size": 32, "shuffle_buffer": 64},
        model={"units": (48,), "cell": "lstm", "pooling": "attention", "dropout": 0.4},
        example_weight=None,
    )
    files = write_transformed(Path(folder), LENGTHS.tolist())
    plan = make_plan(LengthHistogram.of(LENGTHS), spec.batching)
    records = transformed_records(spec, FEATURES)
    classes = HeadStatistics(tuple(map(str, range(len(LENGTHS)))), targets=len(LENGTHS))
    statistics = TaskStatistics({"sequence.token": 301}, {"label": classes})
    with deterministic_ops(spec.training.deterministic):
        keras.utils.set_random_seed(spec.training.seed)
        model = build_model(spec, statistics)
        compile_model(model, spec, statistics, plan.steps_per_epoch)
        valid = SequenceInput(files, spec, records, plan, training=False)
        with training_input(files, spec, FEATURES, plan, "graph") as read:
            fit(model, spec, read, valid.dataset)
    return weights_digest(model)


if __name__ == "__main__":
    main(sys.argv[1])
