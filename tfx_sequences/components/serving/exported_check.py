"""Does an exported model, in a fresh process with only TensorFlow, give the trainer's predictions?"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from absl import logging

from tfx_sequences.components.serving import fresh_process
from tfx_sequences.components.serving.model_card import check_model, read_card
from tfx_sequences.errors import UserInputError
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

REPORT = "model_check.json"
TOLERANCE = 1e-6
_TIMEOUT_SECONDS = 600


def check_exported(
    model_dir: str, predictions: str, spec: SequenceSpec, tolerance: float = TOLERANCE
) -> dict[str, Any]:
    """The report on an exported model; its `failures` are empty if the model can be served.

    Args:
        model_dir: The exported model, on this machine.
        predictions: The file with records and the trainer's predictions for them.
        spec: The spec that the model's card must match.
        tolerance: Largest allowed difference, relative to the output's greatest number if that is above 1; strings
            must be equal.
    """
    report = run_fresh_process(model_dir, predictions)
    report["failures"] = [*_of_another_spec(model_dir, spec), *find_failures(report, tolerance)]
    for failure in report["failures"]:
        logging.error("Model check: %s", failure)
    return report


def _of_another_spec(model_dir: str, spec: SequenceSpec) -> list[str]:
    try:
        check_model(read_card(model_dir), spec)
    except UserInputError as error:
        return [str(error)]
    return []


def run_fresh_process(model_dir: str, predictions: str) -> dict[str, Any]:
    """Runs the check program in a fresh interpreter and returns its report.

    If the program fails, the report has `error`, the last lines of its output.
    """
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "KERAS", "TF_USE"))}
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder, "result.json")
        program = str(Path(fresh_process.__file__))
        done = subprocess.run(
            [sys.executable, "-I", program, model_dir, predictions, str(result)],
            capture_output=True,
            text=True,
            env=environment,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
        logging.info("Model check's process ended with %d:\n%s%s", done.returncode, done.stdout, done.stderr)
        if done.returncode or not result.exists():
            return {"error": "\n".join(done.stderr.strip().splitlines()[-5:]) or f"exit code {done.returncode}"}
        report: dict[str, Any] = json.loads(result.read_text("utf-8"))
        return report


def find_failures(report: dict[str, Any], tolerance: float) -> list[str]:
    """Describes what in the report prevents the model from being served.

    >>> find_failures({"records": 1, "largest_difference": {"scores": 0.5}, "different_strings": {}}, 0.1)
    ["output 'scores' differs from the trainer's by 0.5, more than 0.1"]
    """
    if "error" in report:
        return [f"the exported model does not run on its own: {report['error']}"]
    failures = [] if report["records"] else ["there were no records to check"]
    for name, difference in report["largest_difference"].items():
        if not difference <= tolerance or math.isnan(difference):
            failures.append(f"output '{name}' differs from the trainer's by {difference:g}, more than {tolerance:g}")
    for name, rows in report["different_strings"].items():
        if rows:
            failures.append(f"output '{name}' has {rows} strings that differ from the trainer's")
    for name, rows in report.get("empty_batch_rows", {}).items():
        if rows:
            failures.append(f"output '{name}' has {rows} rows for an empty batch")
    return failures
