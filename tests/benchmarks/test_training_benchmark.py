"""The training benchmark runs, and its routes all train on the same records."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
RECORDS = 300
# Those that need nothing but the project's own environment.
ROWS = ("ours", "keras-naive")


@pytest.fixture
def records(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import training_data

    return training_data.Records(RECORDS)


@pytest.mark.slow
def test_every_row_trains_on_all_records_and_the_report_says_so(tmp_path, records):
    only = [word for row in (*ROWS, "torch-packed") for word in ("--only", row)]
    sizes = ["--records", str(RECORDS), "--rounds", "1"]
    places = ["--cache", str(tmp_path), "--output", str(tmp_path / "report.json")]
    command = [sys.executable, str(BENCHMARKS / "training.py"), *sizes, *places, *only]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    report = json.loads((tmp_path / "report.json").read_text())
    # PyTorch is in the group of the benchmarks; without it its row says so.
    assert set(report["problems"]) <= {"torch-packed"}
    assert set(report["runs"]) >= set(ROWS)
    for name, (run,) in report["runs"].items():
        assert (run["records"], run["real_steps"]) == (RECORDS, records.lengths.sum()), name
        assert run["padded_steps"] >= run["real_steps"] and run["wall_seconds"] > 0
    by_name = {row["row"]: row for row in report["rows"]}
    assert by_name["keras-naive"]["times_naive"] == 1
    assert by_name["ours"]["padded_to_real"] < by_name["keras-naive"]["padded_to_real"]
    assert "ours, token budget" in printed and "× naive" in printed


@pytest.mark.slow
def test_every_network_trains_by_our_route_and_by_kerass(tmp_path):
    words = ["--records", "40", "--rounds", "1", "--only", "ours", "--only", "keras-naive", "--cache", str(tmp_path)]
    for network in ("bidirectional-gru", "stacked"):
        report = tmp_path / f"{network}.json"
        command = [
            sys.executable,
            str(BENCHMARKS / "training.py"),
            *words,
            "--network",
            network,
            "--output",
            str(report),
        ]
        subprocess.run(command, capture_output=True, text=True, check=True)
        assert set(json.loads(report.read_text())["runs"]) == {"ours", "keras-naive"}


@pytest.mark.parametrize("how", ["random", "bucketed", "budget"])
def test_batches_hold_every_record_once_and_pad_with_zeros(records, how):
    batches = records.batches(how)
    lengths = np.concatenate([b[2] for b in batches])
    assert sorted(lengths) == sorted(records.lengths)
    ids = np.concatenate([ids[np.arange(ids.shape[1]) < n[:, None]] for ids, _, n, _ in batches])
    assert sorted(ids) == sorted(records.ids) and ids.min() >= 1
    for ids, numbers, n, _ in batches:
        padding = np.arange(ids.shape[1]) >= n[:, None]
        assert not ids[padding].any() and not numbers[padding].any()
        assert ids.shape[1] == n.max()
    if how == "budget":
        assert all(ids.size <= 256 * 41 for ids, *_ in batches)
