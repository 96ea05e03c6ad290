"""What is learned is what is true of the records, whatever buckets they are batched by: see `known_truth`."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.components.training.known_truth import DEVIATION, END, learn, probabilities

ROOT = Path(__file__).parents[3]

VARIANTS = {
    "LSTM": {},
    "plain LSTM": {"use_cudnn": False},
    "GRU": {"model": {"cell": "gru"}},
    "token budget": {"batching": {"token_budget": 160}},
    "prepared store": {"batching": {"prepared": True}},
    "prepared store, token budget": {"batching": {"prepared": True, "token_budget": 160}},
    "one bucket": {"batching": {"num_buckets": 1}},
    "batches added up": {"training": {"gradient_accumulation_steps": 2, "learning_rate": 0.02}},
}


@pytest.mark.parametrize("name", VARIANTS)
def test_buckets_do_not_change_what_is_learned(name, tmp_path):
    np.testing.assert_allclose(probabilities("ends", tmp_path, **VARIANTS[name]), END, atol=0.02)


@pytest.mark.slow
def test_two_replicas_learn_the_same(tmp_path):
    settings = {
        "which": "ends",
        "folder": str(tmp_path),
        "replicas": 2,
        "training": {"strategy": "mirrored", "epochs": 12},
    }
    command = [sys.executable, "-m", "tests.components.training.known_truth", json.dumps(settings)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(json.loads(done.stdout.splitlines()[-1]), END, atol=0.02)


def test_the_mean_of_each_batch_is_biased_as_documented(tmp_path):
    """What `batch_mean` is kept for: to compare with. Ends of short records weigh too much, at the first step most."""
    first, *_, last = probabilities("ends", tmp_path, training={"reduction": "batch_mean"})
    assert first > 0.35 and last < 0.25


@pytest.mark.slow
@pytest.mark.parametrize("batching", [{}, {"token_budget": 160}], ids=["batch size", "token budget"])
def test_the_best_loss_that_there_is_is_reached(batching, tmp_path):
    """Within 1 % of the variance of the noise, of which the test records have their own."""
    answer, test = learn("gaussian", tmp_path, training={"epochs": 25}, model={"units": (16,)}, batching=batching)
    longest = max(len(x) for x, _ in test)
    padded = np.zeros((len(test), longest), np.float32)
    for row, (x, _) in zip(padded, test, strict=True):
        row[: len(x)] = x
    said = answer(padded, np.array([len(x) for x, _ in test]))[..., 0]
    truth = np.concatenate([1.5 * x - 0.8 * np.concatenate([[0.0], x[:-1]]) for x, _ in test])
    received = np.concatenate([row[: len(x)] for row, (x, _) in zip(said, test, strict=True)])
    # The expected loss of an answer is the variance of the noise and the answer's mean squared distance from the truth.
    assert np.mean((received - truth) ** 2) <= 0.01 * DEVIATION**2
