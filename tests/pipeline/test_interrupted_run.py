"""A pipeline run that is killed in training, and the same command once more."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from tests.pipeline.conftest import small_spec
from tfx_sequences.schemas.spec_io import spec_to_yaml


@pytest.mark.slow
def test_the_same_command_goes_on_after_sigkill(everything_data, tmp_path):
    output, spec = tmp_path / "output", tmp_path / "spec.yaml"
    training = {"epochs": 20, "early_stopping_patience": None, "backup": {"every_steps": 1}}
    spec.write_text(spec_to_yaml(small_spec(training=training)))
    arguments = [sys.executable, "-m", "tfx_sequences", "run", str(spec)]
    arguments += ["--data", str(everything_data / "sequence"), "--output", str(output)]
    running = subprocess.Popen(
        arguments, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        while not list(output.glob("artifacts/backups/*/training_backup.npz")):
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
    [logs] = output.glob("artifacts/SequenceTrainer/model_run/*/tensorboard/validation/*")
    assert logs.stat().st_size > 0
