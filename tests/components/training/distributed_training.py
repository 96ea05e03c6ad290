"""Trains under a strategy in a process of its own: python -m tests.components.training.distributed_training SETTINGS

SETTINGS is JSON: `folder` has the records, `strategy` is the spec's or `together` (one replica, whose batches are
those of two workers joined), `replicas` is how many logical CPUs there are, `prepared` says what is read, `kill` when
the process ends itself (see `interrupted_training`), `backup` names the backup's folder, `result` the file of weights.
"""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tests.components.prepared.stores import FEATURES, IDENTITY, make_spec, write_transformed
from tests.components.training.interrupted_training import KillHere
from tfx_sequences.components.input.bucket_planning import make_plan
from tfx_sequences.components.input.record_formats import transformed_records
from tfx_sequences.components.input.sequence_input import SequenceInput
from tfx_sequences.components.network.model import build_model, compile_model
from tfx_sequences.components.network.task_statistics import HeadStatistics, TaskStatistics
from tfx_sequences.components.prepared.epochs import PreparedInput
from tfx_sequences.components.prepared.prepared_input import PreparedStore, Worker
from tfx_sequences.components.prepared.store import write_prepared_store
from tfx_sequences.components.training.backup import BackupFile
from tfx_sequences.components.training.fitting import fit
from tfx_sequences.components.training.strategies import distributed, is_chief, make_strategy
from tfx_sequences.components.training.training_input import training_input
from tfx_sequences.components.transform.length_histogram import LengthHistogram

# Full batches only: ten of four.
LENGTHS = np.random.default_rng(0).integers(1, 9, 40).tolist()
# Clipping is at work: the norm of a gradient is above 0.5.
TRAINING = {
    "epochs": 3,
    "optimizer": "sgd",
    "learning_rate": 0.3,
    "momentum": 0.5,
    "gradient_clip_norm": 0.5,
    "backup": {"every_steps": 2},
}


def main(settings):
    folder = Path(settings["folder"])
    if settings["replicas"] > 1:
        cpus = [tf.config.LogicalDeviceConfiguration()] * settings["replicas"]
        tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], cpus)
    together = settings["strategy"] == "together"
    name = "none" if together else settings["strategy"]
    strategy = make_strategy(name)
    spec = make_spec(
        training={**TRAINING, "strategy": name},
        batching={"batch_size": 4, "num_buckets": 1, "shuffle_buffer": 16, "prepared": settings["prepared"]},
        model={"units": (5,), "dropout": 0.0},
        example_weight=None,
    )
    files = sorted(map(str, folder.glob("t*.gz"))) or write_transformed(folder, LENGTHS, highest_id=9)
    plan = make_plan(LengthHistogram.of(np.array(LENGTHS)), spec.batching)
    records = transformed_records(spec, FEATURES)

    def of_records(training):
        return lambda workers, worker: SequenceInput(
            files, spec, records, plan, training=training, num_workers=workers, worker=worker
        )

    def of_store(workers, worker):
        store = folder / "store"
        if not store.exists():
            write_prepared_store(files, spec, FEATURES, store, IDENTITY)
        return PreparedInput(PreparedStore(store, spec, IDENTITY), Worker(worker, workers))

    with strategy.scope():
        keras.utils.set_random_seed(1)
        of_label = HeadStatistics(tuple(map(str, range(40))), targets=len(LENGTHS))
        statistics = TaskStatistics({"sequence.token": 10}, {"label": of_label})
        model = build_model(spec, statistics)
        # A step takes two batches of four, by two replicas or joined.
        compile_model(model, spec, statistics, -(-len(LENGTHS) // 8))
    if together:
        valid = Together(of_records(False)).dataset
        opened = contextlib.nullcontext(Together(of_store if settings["prepared"] else of_records(True)))
    else:
        valid = distributed(strategy, of_records(False)).dataset
        opened = training_input(files, spec, FEATURES, plan, "graph", strategy)
    backup = BackupFile(str(folder / settings["backup"]), {}, writes=is_chief(strategy))
    with opened as train:
        fitted = fit(model, spec, train, valid, backup=backup, callbacks=(KillHere(settings["kill"]),))
    np.savez(folder / settings["result"], *model.get_weights())
    report = {
        "history": fitted.history,
        "resumed_at": fitted.resumed_at,
        "replicas": strategy.num_replicas_in_sync,
        "chief": is_chief(strategy),
    }
    (folder / settings["result"]).with_suffix(".json").write_text(json.dumps(report))


class Together:
    """The batches of two workers as one."""

    def __init__(self, make):
        self._parts = [make(2, worker) for worker in range(2)]
        self.dataset = tf.data.Dataset.zip(tuple(part.dataset for part in self._parts)).map(
            lambda *batches: tf.nest.map_structure(joined, *batches)
        )

    def __getattr__(self, name):
        return getattr(self._parts[0], name)

    def begin(self, epoch, step=0):
        for part in self._parts:
            part.begin(epoch, step)


def joined(first, second):
    if first.shape.rank > 1 and first.shape[1] is None:
        steps = tf.maximum(tf.shape(first)[1], tf.shape(second)[1])
        first, second = (
            tf.pad(x, [[0, 0], [0, steps - tf.shape(x)[1]], *[[0, 0]] * (x.shape.rank - 2)]) for x in (first, second)
        )
    return tf.concat([first, second], 0)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
