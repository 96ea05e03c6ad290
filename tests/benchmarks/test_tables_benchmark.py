"""The benchmark of tables runs, and all of its ways write the same records."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.mark.slow
def test_every_way_writes_the_same_records(tmp_path):
    sizes = ["--rows", "2000", "--rounds", "1"]
    places = ["--cache", str(tmp_path), "--output", str(tmp_path / "report.json")]
    command = [sys.executable, str(BENCHMARKS / "tables.py"), *sizes, *places]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    report = json.loads((tmp_path / "report.json").read_text())
    # DuckDB is newer in the development group than some environments.
    assert set(report["problems"]) <= {"duckdb 2000"}
    assert {line["way"] for line in report["rows"]} >= {"ours", "pandas", "polars"}
    assert len({(line["records"], line["digest"]) for line in report["rows"]}) == 1
    assert all(line["way"] in printed for line in report["rows"])
