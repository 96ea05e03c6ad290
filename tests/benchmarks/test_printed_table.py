"""What the benchmarks print into a file: every row's name and every ratio."""

import subprocess
import sys
from pathlib import Path

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"

PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
import input as benchmark
from printed_table import print_table

own = {"records": 10, "wall_seconds": 1.25, "cpu_seconds": 2.5, "padded_steps": 6, "real_steps": 4, "peak_bytes": 2**20}
runs = {row.name: [own] for row in benchmark.ROWS}
problems = {benchmark.ROWS[-1].name: "a reason of " + "many words " * 20 + "that ends"}
rows = [benchmark.summarize(row, runs) for row in benchmark.ROWS[:-1]]
print_table(benchmark.table(rows, problems))
sys.stderr.write("\\n".join(row.label for row in benchmark.ROWS[:-1]))
"""


def test_a_table_in_a_file_is_whole(monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(BENCHMARKS)], capture_output=True, text=True, check=True)
    lines = [line.strip() for line in done.stdout.splitlines()]
    for label in done.stderr.splitlines():
        [line] = [line for line in lines if line.startswith(label)]
        # Records per second of 10 in 1.25 s, the ratios to a row that took as long, and the peak in MiB.
        figures = line.removeprefix(label).split()
        assert (figures[0], figures[1:3], figures[-1]) == ("8", ["1.00", "1.00"], "1")
    assert "…" not in done.stdout
    assert any(line.endswith("that ends") for line in lines)
