"""Rows of a benchmark, each in fresh processes, in interleaved rounds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

import typer

HERE = Path(__file__).parent

Figures = dict[str, Any]


class Named(Protocol):
    """A row."""

    @property
    def name(self) -> str: ...


R = TypeVar("R", bound=Named)


def chosen_rows(rows: Sequence[R], only: Sequence[str] | None) -> list[R]:
    """Those whose names begin as `--only` says; all without it."""
    chosen = [row for row in rows if not only or any(row.name.startswith(o) for o in only)]
    if not chosen:
        raise typer.BadParameter(f"no row begins so; rows: {', '.join(row.name for row in rows)}", param_hint="--only")
    return chosen


def run_rounds(
    rows: Sequence[R],
    rounds: int,
    run: Callable[[R], Figures],
    summarize: Callable[[R, Mapping[str, list[Figures]]], Figures],
    records: int,
    output: Path | None,
) -> tuple[list[Figures], dict[str, str]]:
    """Runs the rows in turn, round after round.

    Args:
        rows: The rows.
        rounds: How often.
        run: A row to its figures, or to `{"problem": why not}`: then it is not run again.
        summarize: A row and the figures of all rows' runs, by name, to its line of the table.
        records: Records in the set, for the report.
        output: JSON file of all figures, written after each round, so that a run that is stopped has left something.

    Returns:
        The lines, and what was not run, by name, with the reason.
    """
    problems: dict[str, str] = {}
    runs: dict[str, list[Figures]] = {row.name: [] for row in rows}
    summary: list[Figures] = []
    for index in range(rounds):
        for row in rows:
            if row.name in problems:
                continue
            print(f"round {index + 1} of {rounds}: {row.name}", file=sys.stderr)
            result = run(row)
            if "problem" in result:
                problems[row.name] = result["problem"]
                del runs[row.name]
            else:
                runs[row.name].append(result)
        summary = [summarize(row, runs) for row in rows if row.name in runs]
        if output:
            report = {"records": records, "rounds": index + 1, "rows": summary, "runs": runs, "problems": problems}
            output.write_text(json.dumps(report, indent=1))
    return summary, problems


def run_process(words: Sequence[str], python: Sequence[str] = (sys.executable,)) -> Figures:
    """What a fresh process prints as JSON in its last line, or `{"problem": why not}`.

    Args:
        words: A module of this folder, and its arguments.
        python: The interpreter's command.
    """
    path = [str(HERE), str(HERE.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path)}
    environment |= {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_USE_LEGACY_KERAS": "0"}
    process = subprocess.run([*python, *words], cwd=HERE, env=environment, capture_output=True, text=True, check=False)
    if process.returncode:
        lines = [line for line in process.stderr.splitlines() if line.strip()]
        return {"problem": lines[-1] if lines else f"exit code {process.returncode}"}
    return json.loads(process.stdout.splitlines()[-1])
