"""A pipeline run that is killed in the middle of an epoch, and the same command once more."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from tensorflow.core.util import event_pb2

from tests.pipeline.conftest import small_spec
from tfx_sequences.components.records.framing import read_records
from tfx_sequences.pipeline.local.run import run_local
from tfx_sequences.schemas.spec.spec_io import spec_to_yaml

TRAINING = {"epochs": 20, "early_stopping_patience": None, "refit": False}
# Validated twice, then trained on all records; to be killed in the second validation, and in the refit.
REFIT = {**TRAINING, "epochs": 6, "refit": True, "folds": 2}


def step_of(backup):
    """Where in its epoch the run was; a backup is replaced as a whole, so it can be read at any time."""
    with np.load(backup) as stored:
        return json.loads(stored["plain"].tobytes())["position"]["step"]


def weights_of(output):
    """The weights of each model that was trained, the latest last."""
    files = output.glob("artifacts/SequenceTrainer/model/*/Format-Serving/assets.extra/tfx_sequences_weights.npz")
    for file in sorted(files, key=lambda file: int(file.parents[2].name)):
        with np.load(file) as stored:
            yield {name: stored[name] for name in stored.files}


def logged_epochs(file):
    """The epochs whose loss TensorBoard shows."""
    events = map(event_pb2.Event.FromString, read_records(file))
    return [event.step for event in events if any(value.tag == "epoch_loss" for value in event.summary.value)]


def command_of(training, data, folder):
    """The output folder, and the command of a run."""
    output, spec = folder / "output", folder / "spec.yaml"
    spec.write_text(spec_to_yaml(small_spec(training=training)))
    arguments = [sys.executable, "-m", "tfx_sequences", "run", str(spec)]
    return output, [*arguments, "--data", str(data / "sequence"), "--output", str(output)]


def kill_when(arguments, is_time):
    """Runs the command until it is time."""
    running = subprocess.Popen(
        arguments, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        while not is_time():
            assert running.poll() is None, running.stdout.read()
            time.sleep(0.05)
    finally:
        os.killpg(running.pid, signal.SIGKILL)
        running.communicate()


@pytest.mark.slow
def test_the_same_command_goes_on_after_sigkill(everything_data, tmp_path):
    output, arguments = command_of({**TRAINING, "backup": {"every_steps": 1}}, everything_data, tmp_path)
    kill_when(arguments, lambda: any(map(step_of, output.glob("artifacts/backups/*/training_backup.npz"))))
    done = subprocess.run(arguments, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "resumed in epoch" in done.stdout
    training = json.loads((output / "report.json").read_text())["training"]
    assert training["epochs"] == len(training["history"]["val_loss"]) == 20
    assert not list(output.glob("artifacts/backups/*"))
    # The killed process may have validated, and logged it, after its last backup.
    logs = output.glob("artifacts/SequenceTrainer/model_run/*/tensorboard/validation/*")
    assert logged_epochs(max(logs, key=lambda file: file.stat().st_mtime_ns)) == list(range(20))
    # Trained once more, without an interruption: another backup is another spec, with the same training.
    run_local(small_spec(training={**TRAINING, "backup": None}), everything_data / "sequence", output)
    resumed, whole = weights_of(output)
    assert resumed.keys() == whole.keys()
    for name, expected in whole.items():
        np.testing.assert_array_equal(resumed[name], expected, err_msg=name)


@pytest.mark.slow
def test_a_refit_resumes_in_the_phase_in_which_it_was_killed(everything_data, tmp_path):
    output, arguments = command_of({**REFIT, "backup": {"every_steps": 1}}, everything_data, tmp_path)
    for phase in ("validated_2", "refitted"):
        backups = f"artifacts/backups/*/{phase}/training_backup.npz"
        kill_when(arguments, lambda backups=backups: any(map(step_of, output.glob(backups))))
    [finished] = output.glob("artifacts/backups/*/finished_phases.json")
    assert list(json.loads(finished.read_text())["phases"]) == ["validated_1", "validated_2"]
    done = subprocess.run(arguments, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "resumed in epoch" in done.stdout
    report = json.loads((output / "report.json").read_text())
    refit, records = report["training"]["refit"], report["data"]["train"]["records"]
    assert len(refit["best_epochs"]) == 2
    # All training records, but for those that are held back for the test.
    assert report["training"]["bucket_plan"]["records"] == refit["records"] < records
    assert f"then trained on all {refit['records']} records for {refit['epochs']} epochs" in done.stdout
    assert not list(output.glob("artifacts/backups/*"))
    run_local(small_spec(training={**REFIT, "backup": None}), everything_data / "sequence", output)
    resumed, whole = weights_of(output)
    for name, expected in whole.items():
        np.testing.assert_array_equal(resumed[name], expected, err_msg=name)
