import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tfx_sequences.components.strategies import is_chief, make_strategy
from tfx_sequences.errors import UserInputError

ROOT = Path(__file__).parents[2]


def start(folder, result, strategy, replicas=1, cluster=None):
    settings = {"folder": str(folder), "strategy": strategy, "replicas": replicas, "result": result}
    arguments = [sys.executable, "-m", "tests.components.distributed_training", json.dumps(settings)]
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


@pytest.fixture(scope="module")
def together(tmp_path_factory):
    """One process that takes the batches of two workers together."""
    folder = tmp_path_factory.mktemp("distributed")
    return folder, *outcome(start(folder, "together", "together"), folder, "together")


def assert_same(received, expected, report, expected_report):
    for weight, other in zip(received, expected, strict=True):
        np.testing.assert_allclose(weight, other, atol=2e-6)
    for name in ("loss", "val_loss", "accuracy", "val_accuracy"):
        np.testing.assert_allclose(report["history"][name], expected_report["history"][name], rtol=1e-5)


@pytest.mark.slow
def test_two_mirrored_replicas_learn_what_one_learns_from_both_batches(together):
    folder, expected, expected_report = together
    weights, report = outcome(start(folder, "mirrored", "mirrored", replicas=2), folder, "mirrored")
    assert report["replicas"] == 2
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


@pytest.mark.slow
def test_two_worker_processes_learn_what_one_learns_from_both_batches(together):
    folder, expected, expected_report = together
    hosts = [f"127.0.0.1:{port}" for port in free_ports(2)]
    cluster = {"cluster": {"worker": hosts}}
    running = [
        start(folder, f"worker{i}", "multi_worker", cluster={**cluster, "task": {"type": "worker", "index": i}})
        for i in range(2)
    ]
    # A worker that fails leaves the other waiting.
    while any(process.poll() is None for process in running):
        if any(process.poll() for process in running):
            for process in running:
                process.kill()
        time.sleep(0.1)
    results = [outcome(process, folder, f"worker{i}") for i, process in enumerate(running)]
    for (weights, report), chief in zip(results, (True, False), strict=True):
        assert (report["replicas"], report["chief"]) == (2, chief)
        assert_same(weights, expected, report, expected_report)
    for weight, other in zip(results[0][0], results[1][0], strict=True):
        np.testing.assert_array_equal(weight, other)
    assert (folder / "backup-worker0" / "training_backup.npz").exists()
    assert not (folder / "backup-worker1").exists()


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (None, "TF_CONFIG is not set"),
        ("{", "TF_CONFIG cannot be read"),
        ('{"cluster": {"worker": ["a:1"]}}', "TF_CONFIG cannot be read"),
        ('{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}', "names no such worker"),
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
