"""Training that goes on exactly where it was killed; steps, epochs and figures."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[3]
TIMES = {"steps_per_second", "real_steps_per_second"}


def run(folder, result, kill=None, *, training, batching=None):
    folder.mkdir(exist_ok=True)
    settings = {"folder": str(folder), "training": training, "batching": batching or {}, "kill": kill, "result": result}
    arguments = [sys.executable, "-m", "tests.components.training.interrupted_training", json.dumps(settings)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(arguments, cwd=ROOT, env=environment, capture_output=True, text=True)


def outcome(folder, result):
    with np.load(folder / f"{result}.npz") as stored:
        arrays = {name: stored[name] for name in stored.files}
    return arrays, json.loads((folder / f"{result}.json").read_text())


BASE = {"epochs": 4, "learning_rate": 0.05, "backup": {"every_steps": 3}}
PLATEAU = {"type": "reduce_on_plateau", "patience": 1}
RUNS = {
    # Killed four times: in an epoch, when the next backup is half written, in validation, and in the last epoch.
    "records": (
        {**BASE, "schedule": PLATEAU},
        {},
        [["step", 0, 7], ["save", 2], ["valid", 1], ["step", 3, 2]],
    ),
    # The other input, optimizer and schedule, averaged weights, and epochs that end within a pass over the records.
    "prepared": (
        {
            **BASE,
            "optimizer": "adamw",
            "schedule": {"type": "cosine", "warmup_steps": 5},
            "gradient_clip_value": 0.1,
            "ema_momentum": 0.9,
            "steps_per_epoch": 7,
        },
        {"prepared": True},
        [["step", 2, 5]],
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", RUNS)
def test_a_killed_run_ends_with_the_weights_of_an_uninterrupted_one(name, tmp_path):
    training, batching, kills = RUNS[name]
    options = {"training": training, "batching": batching}
    done = run(tmp_path / "whole", "result", **options)
    assert done.returncode == 0, done.stderr
    whole, report = outcome(tmp_path / "whole", "result")
    assert report["resumed_at"] is None
    for kill in kills:
        assert run(tmp_path / "killed", "result", kill, **options).returncode == -9
        assert (tmp_path / "killed" / "backup" / "training_backup.npz").exists()
    done = run(tmp_path / "killed", "result", **options)
    assert done.returncode == 0, done.stderr
    resumed, resumed_report = outcome(tmp_path / "killed", "result")
    assert resumed_report["resumed_at"][0] == kills[-1][1] + 1
    assert resumed_report["resumed_at"][1] > 0 or kills[-1][2] < 3
    assert not (tmp_path / "killed" / "backup").exists()
    assert resumed.keys() == whole.keys()
    for key, value in whole.items():
        np.testing.assert_array_equal(resumed[key], value, err_msg=key)
    for key in report["history"].keys() - TIMES:
        assert resumed_report["history"][key] == report["history"][key], key
    assert resumed_report["best_epoch"] == report["best_epoch"]
