"""A training run that kills itself where it is told: python -m tests.components.training.interrupted_training SETTINGS

SETTINGS is JSON: `folder` has everything that is read and written, `training` and `batching` are sections of the spec,
`kill` is `["step", EPOCH, STEP]`, `["valid", EPOCH]`, `["save", COUNT]` or None, `result` names the file of weights.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
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
from tfx_sequences.components.training import backup as backup_module
from tfx_sequences.components.training.backup import BackupFile
from tfx_sequences.components.training.fitting import fit
from tfx_sequences.components.training.training_input import training_input
from tfx_sequences.components.transform.length_histogram import LengthHistogram

LENGTHS = np.random.default_rng(0).integers(0, 12, 60).tolist()


def main(settings):
    folder = Path(settings["folder"])
    spec = make_spec(
        training=settings["training"],
        batching={"batch_size": 4, "shuffle_buffer": 16, **settings["batching"]},
        model={"units": (5,), "dropout": 0.4},
    )
    files = sorted(map(str, folder.glob("t*.gz"))) or write_transformed(folder, LENGTHS, highest_id=9)
    plan = make_plan(LengthHistogram.of(np.array(LENGTHS)), spec.batching)
    keras.utils.set_random_seed(spec.training.seed)
    of_label = HeadStatistics(tuple(map(str, range(len(LENGTHS)))), targets=len(LENGTHS))
    statistics = TaskStatistics({"sequence.token": 10}, {"label": of_label})
    model = build_model(spec, statistics)
    compile_model(model, spec, statistics, plan.steps_per_epoch)
    valid = SequenceInput(files, spec, transformed_records(spec, FEATURES), plan, training=False)
    backup = BackupFile(str(folder / "backup"), {"the spec": "same"})
    kill_at_save(settings["kill"])
    with training_input(files, spec, FEATURES, plan, "graph") as train:
        killer = KillHere(settings["kill"])
        fitted = fit(model, spec, train, valid.dataset, backup=backup, callbacks=(killer,))
    weights = {f"weight{i}": weight for i, weight in enumerate(model.get_weights())}
    optimizer = {f"optimizer{i}": np.asarray(variable) for i, variable in enumerate(model.optimizer.variables)}
    np.savez(folder / settings["result"], **weights, **optimizer)
    report = {"history": fitted.history, "best_epoch": fitted.best_epoch, "resumed_at": fitted.resumed_at}
    (folder / settings["result"]).with_suffix(".json").write_text(json.dumps(report))
    backup.delete()


class KillHere(keras.callbacks.Callback):
    def __init__(self, kill):
        super().__init__()
        self._kill = kill
        self._epoch = 0

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self._kill == ["step", self._epoch, batch]:
            os.kill(os.getpid(), signal.SIGKILL)

    def on_test_batch_end(self, batch, logs=None):
        if self._kill == ["valid", self._epoch] and batch == 1:
            os.kill(os.getpid(), signal.SIGKILL)


def kill_at_save(kill):
    """SIGKILL when half of a backup is written."""
    if not kill or kill[0] != "save":
        return
    written_whole, saves = backup_module.written_whole, []

    class Half:
        def __init__(self, file):
            self._file = file

        def write(self, content):
            saves.append(len(content))
            if len(saves) < kill[1]:
                return self._file.write(content)
            self._file.write(content[: len(content) // 2])
            self._file.flush()
            return os.kill(os.getpid(), signal.SIGKILL)

    @contextlib.contextmanager
    def half(path):
        with written_whole(path) as file:
            yield Half(file)

    backup_module.written_whole = half


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
