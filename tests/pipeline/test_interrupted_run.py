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

TRAINING = {"epochs": 20, "early_stopping_patience": None}


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


@pytest.mark.slow
def test_the_same_command_goes_on_after_sigkill(everything_data, tmp_path):
    output, spec = tmp_path / "output", tmp_path / "spec.yaml"
    spec.write_text(spec_to_yaml(small_spec(training={**TRAINING, "backup": {"every_steps": 1}})))
    arguments = [sys.executable, "-m", "tfx_sequences", "run", str(spec)]
    arguments += ["--data", str(everything_data / "sequence"), "--output", str(output)]
    running = subprocess.Popen(
        arguments, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        while not any(map(step_of, output.glob("artifacts/backups/*/training_backup.npz"))):
            assert running.poll() is None, running.stdout.read()
            time.sleep(0.05)
    finally:
        os.killpg(running.pid, signal.SIGKILL)
        running.communicate()
    done = subprocess.run(arguments, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "taken up in epoch" in done.stdout
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
