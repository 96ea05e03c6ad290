"""The benchmark of the core runs, and both of its ways fit the same network."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.mark.slow
def test_both_ways_fit_the_same_network(tmp_path):
    words = ["--records", "300", "--rounds", "1", "--cache", str(tmp_path), "--output", str(tmp_path / "report.json")]
    done = subprocess.run([sys.executable, str(BENCHMARKS / "core.py"), *words], capture_output=True, check=True)
    report = json.loads((tmp_path / "report.json").read_text())
    assert not report["problems"]
    ours, textbook = (report["runs"][f"{way} 300"][0] for way in ("ours", "textbook"))
    # The textbook program needs an id for padding, and keeps mean, variance and count as weights.
    assert textbook["weights"] - ours["weights"] == (8 + 32) + (2 * 1 + 1) + (2 * 4 + 1)
    assert ours["first_batch_seconds"] < ours["fitted_seconds"]
    assert b"times textbook" in done.stdout
