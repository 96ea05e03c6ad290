"""The check before the push: does the exported model, on its own, give the trainer's predictions?

It replaces InfraValidator where no container engine is available, and writes the
same artifact, which the Pusher respects.
"""

# No `from __future__ import annotations` here: TFX reads the annotations themselves.
import json
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from absl import logging
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.dsl.io import fileio
from tfx.types.standard_artifacts import InfraBlessing, Model, ModelRun
from tfx.utils import io_utils, path_utils

from tfx_sequences.components.serving import predictions_file
from tfx_sequences.components.serving.model_card import check_model, read_card
from tfx_sequences.components.stages import fresh_process
from tfx_sequences.errors import UserInputError
from tfx_sequences.schemas.spec.spec_io import spec_from_json

REPORT = "model_check.json"
_BLESSED, _NOT_BLESSED = "INFRA_BLESSED", "INFRA_NOT_BLESSED"
_TIMEOUT_SECONDS = 600


@component
def ModelCheck(
    model: InputArtifact[Model],
    model_run: InputArtifact[ModelRun],
    blessing: OutputArtifact[InfraBlessing],
    spec: Parameter[str],
    code_digest: Parameter[str],
    tolerance: Parameter[float] = 1e-6,
) -> None:
    """Blesses the model of this spec if a fresh process with only TensorFlow repeats the trainer's predictions.

    Args:
        model: The exported model.
        model_run: Records and the trainer's predictions for them.
        blessing: Blessed or not, with a report of the differences.
        spec: The spec's JSON, with the sections that Transform and Trainer read; the model's card must match it.
        code_digest: Digest of our code; it changes when the code does.
        tolerance: Largest allowed difference, relative to the output's greatest number if that is above 1;
            strings must be equal.
    """
    del code_digest
    with tempfile.TemporaryDirectory() as folder:
        local_model = os.path.join(folder, "model")
        io_utils.copy_dir(path_utils.serving_model_path(model.uri), local_model)
        predictions = os.path.join(folder, predictions_file.FILE_NAME)
        io_utils.copy_file(os.path.join(model_run.uri, predictions_file.FILE_NAME), predictions)
        report = run_fresh_process(local_model, predictions)
        failures = [*_of_another_spec(local_model, spec), *find_failures(report, tolerance)]
    report["failures"] = failures
    for failure in failures:
        logging.error("Model check: %s", failure)
    status = _NOT_BLESSED if failures else _BLESSED
    io_utils.write_string_file(os.path.join(blessing.uri, status), "")
    io_utils.write_string_file(os.path.join(blessing.uri, REPORT), json.dumps(report, indent=1))
    blessing.set_int_custom_property("blessed", int(not failures))
    blessing.set_string_custom_property("blessing_status", status)


def _of_another_spec(model_dir: str, spec: str) -> list[str]:
    try:
        check_model(read_card(model_dir), spec_from_json(spec))
    except UserInputError as error:
        return [str(error)]
    return []


def run_fresh_process(model_dir: str, predictions: str) -> dict:
    """Runs the check program in a fresh interpreter and returns its report.

    If the program fails, the report has `error`, the last lines of its output.
    """
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "KERAS", "TF_USE"))}
    with tempfile.TemporaryDirectory() as folder:
        result = os.path.join(folder, "result.json")
        program = str(Path(fresh_process.__file__))
        done = subprocess.run(
            [sys.executable, "-I", program, model_dir, predictions, result],
            capture_output=True,
            text=True,
            env=environment,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
        logging.info("Model check's process ended with %d:\n%s%s", done.returncode, done.stdout, done.stderr)
        if done.returncode or not fileio.exists(result):
            return {"error": "\n".join(done.stderr.strip().splitlines()[-5:]) or f"exit code {done.returncode}"}
        return json.loads(Path(result).read_text("utf-8"))


def find_failures(report: dict, tolerance: float) -> list[str]:
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
