import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tfx_sequences.components.training.strategies import is_chief, make_strategy
from tfx_sequences.errors import UserInputError

ROOT = Path(__file__).parents[3]


# After the backup of the second step of an epoch, and before the next one.
KILL = ["step", 1, 3]
RESUMED_AT = [2, 2]


def start(folder, result, strategy, replicas=1, cluster=None, **options):
    settings = {"folder": str(folder), "strategy": strategy, "replicas": replicas, "result": result}
    settings |= {"prepared": False, "kill": None, "backup": f"backup-{result}", **options}
    arguments = [sys.executable, "-m", "tests.components.training.distributed_training", json.dumps(settings)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    if cluster:
        environment["TF_CONFIG"] = json.dumps(cluster)
    with open(folder / f"{result}.log", "w") as log:
        return subprocess.Popen(arguments, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT)


def outcome(process, folder, result):
    assert process.wait() == 0, (folder / f"{result}.log").read_text()
    with np.load(folder / f"{result}.npz") as stored:
        weights = [stored[name] for name in stored.files]
    return weights, json.loads((folder / f"{result}.json").read_text())


def taken_together(folder, prepared):
    """What one process learns that takes the batches of two workers together."""
    return outcome(start(folder, "together", "together", prepared=prepared), folder, "together")


def assert_same(received, expected, report, expected_report):
    for weight, other in zip(received, expected, strict=True):
        np.testing.assert_allclose(weight, other, atol=2e-6)
    for name in ("loss", "val_loss", "accuracy", "val_accuracy"):
        np.testing.assert_allclose(report["history"][name], expected_report["history"][name], rtol=1e-5)


@pytest.mark.slow
def test_two_mirrored_replicas_that_were_killed_learn_what_one_learns_from_both_batches(tmp_path):
    folder = tmp_path
    expected, expected_report = taken_together(folder, prepared=True)
    options = {"replicas": 2, "prepared": True}
    assert start(folder, "mirrored", "mirrored", kill=KILL, **options).wait() == -9
    weights, report = outcome(start(folder, "mirrored", "mirrored", **options), folder, "mirrored")
    assert (report["replicas"], report["resumed_at"]) == (2, RESUMED_AT)
    assert_same(weights, expected, report, expected_report)
    assert report["history"]["padding_share"] == expected_report["history"]["padding_share"]


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def two_workers(folder, kills):
    """Two worker processes, which have ended."""
    hosts = [f"127.0.0.1:{port}" for port in free_ports(2)]
    running = [
        start(
            folder,
            f"worker{i}",
            "multi_worker",
            cluster={"cluster": {"worker": hosts}, "task": {"type": "worker", "index": i}},
            kill=kill,
            backup="backup" if kill is None else "of-no-use",
        )
        for i, kill in enumerate(kills)
    ]
    # A worker that fails leaves the other waiting.
    while any(process.poll() is None for process in running):
        if any(process.poll() for process in running):
            for process in running:
                process.kill()
        time.sleep(0.1)
    return running


@pytest.mark.slow
def test_two_worker_processes_that_were_killed_learn_what_one_learns_from_both_batches(tmp_path):
    folder = tmp_path
    expected, expected_report = taken_together(folder, prepared=False)
    # One is killed; without it the other cannot go on.
    assert {process.wait() for process in two_workers(folder, [None, KILL])} == {-9}
    # The chief's backup is the only one.
    assert (folder / "backup" / "training_backup.npz").exists()
    assert not (folder / "of-no-use").exists()
    results = [outcome(process, folder, f"worker{i}") for i, process in enumerate(two_workers(folder, [None, None]))]
    for (weights, report), chief in zip(results, (True, False), strict=True):
        assert (report["replicas"], report["chief"], report["resumed_at"]) == (2, chief, RESUMED_AT)
        assert_same(weights, expected, report, expected_report)
    for weight, other in zip(results[0][0], results[1][0], strict=True):
        np.testing.assert_array_equal(weight, other)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (None, "TF_CONFIG is not set"),
        ("{", "TF_CONFIG cannot be read"),
        ('{"cluster": {"worker": ["a:1"]}}', "TF_CONFIG cannot be read"),
        ('{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}', "does not list this worker"),
    ],
)
def test_a_cluster_that_is_not_described_is_an_error(monkeypatch, config, message):
    if config is None:
        monkeypatch.delenv("TF_CONFIG", raising=False)
    else:
        monkeypatch.setenv("TF_CONFIG", config)
    with pytest.raises(UserInputError, match=message):
        make_strategy("multi_worker")


def test_one_process_without_a_strategy_is_the_chief():
    assert is_chief(make_strategy("none"))
