"""Does an exported model, in a fresh process with only TensorFlow, give the trainer's predictions?"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

from absl import logging

from tfx_sequences.components.serving import fresh_process
from tfx_sequences.components.serving.model_card import check_model, read_card
from tfx_sequences.errors import UserInputError
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec
from tfx_sequences.storage_errors import storage_error_in
from tfx_sequences.temporary_names import temporary_folder

REPORT = "model_check.json"
TOLERANCE = 1e-6
_TIMEOUT_SECONDS = 600


def check_exported(
    model_dir: str,
    predictions: str,
    spec: SequenceSpec,
    tolerance: float = TOLERANCE,
    *,
    process: FreshProcess | None = None,
) -> dict[str, Any]:
    """The report on an exported model; its `failures` are empty if the model can be served.

    Args:
        model_dir: The exported model, on this machine.
        predictions: The file with records and the trainer's predictions for them.
        spec: The spec that the model's card must match.
        tolerance: Largest allowed difference, relative to the output's greatest number if that is above 1; strings
            must be equal.

    Raises:
        UserInputError: The process ended because a disk is full or gone, or because memory is used up.
    """
    with process or FreshProcess() as fresh:
        report = fresh.report(model_dir, predictions)
    refused = storage_error_in(report.get("error", ""))
    if refused is not None:
        # It says nothing about the model.
        raise refused
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


class FreshProcess:
    """A fresh interpreter with TensorFlow, for one model. It ends with the `with` statement of the object."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> FreshProcess:
        return self

    def __exit__(self, *error: object) -> None:
        if self._process:
            self._process.kill()
            self._process.communicate()

    def start(self) -> None:
        """Starts it; TensorFlow is imported in the background. Otherwise `report` starts it."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "KERAS", "TF_USE"))}
        self._process = subprocess.Popen(
            [sys.executable, "-I", fresh_process.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )

    @property
    def is_running(self) -> bool:
        """Whether the process was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def report(self, model_dir: str, predictions: str) -> dict[str, Any]:
        """The report of the program; if that fails, `error` is the end of what it printed.

        Args:
            model_dir: The exported model.
            predictions: The file with records and the trainer's predictions for them.
        """
        if self._process is None:
            self.start()
        process = cast(subprocess.Popen[str], self._process)
        with temporary_folder("result") as folder:
            result = Path(folder, "result.json")
            line = json.dumps([model_dir, predictions, str(result)])
            printed, errors = process.communicate(f"{line}\n", timeout=_TIMEOUT_SECONDS)
            logging.info("Model check's process ended with %d:\n%s%s", process.returncode, printed, errors)
            if process.returncode or not result.exists():
                return {"error": "\n".join(errors.strip().splitlines()[-5:]) or f"exit code {process.returncode}"}
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
