"""The soak finds nothing wrong in some seconds, and counts every request."""

import subprocess
import sys
from pathlib import Path

import pytest

SOAK = Path(__file__).parents[2] / "benchmarks" / "soak.py"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--seconds", "5", "--rate", "20"], "100 answered, 0 lost or wrong"),
        (["--connections", "8", "--rows", "100"], "8 answered"),
    ],
)
def test_every_request_is_answered(lists_model, options, words):
    done = subprocess.run(
        [sys.executable, str(SOAK), str(lists_model.folder), *options], capture_output=True, text=True
    )
    assert done.returncode == 0 and words in done.stdout and "PASS" in done.stdout, done.stdout
