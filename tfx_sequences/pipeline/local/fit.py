"""Fits a spec's model on this machine with TensorFlow alone: no TFX, no Beam, no ML Metadata.

It runs the same code as a pipeline where that computes anything: the check of the records, the preprocessing function,
training, export, evaluation, the check of the exported model, the report.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfx_sequences.code_digest import code_digest
from tfx_sequences.compat import bound_freed_memory, use_cores
from tfx_sequences.components.records.data_check import check_data
from tfx_sequences.components.records.files import find_split_files
from tfx_sequences.components.records.leaks import raise_certain
from tfx_sequences.pipeline.local.output_folder import (
    OutputLayout,
    check_output_folder,
    make_output_folder,
    only_run_of,
)
from tfx_sequences.pipeline.local.row_data import records_of_rows
from tfx_sequences.pipeline.local.run import ComponentRun, RunResult
from tfx_sequences.schemas.spec.function_paths import function_modules
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec
from tfx_sequences.whole_files import folder_written_whole

if TYPE_CHECKING:
    from tfx_sequences.components.serving.exported_check import FreshProcess
    from tfx_sequences.components.transform.transformed_data import TransformedData
    from tfx_sequences.pipeline.local.console import RunProgress

STAGES = ("Transform", "Training", "Evaluation")
FIGURES, NAIVE = "figures.json", "naive.json"


def fit_local(
    spec: SequenceSpec,
    data_dir: str | os.PathLike[str],
    output_dir: str | Path,
    *,
    progress: RunProgress | None = None,
    on_ready: Callable[[OutputLayout], None] | None = None,
) -> RunResult:
    """Checks the records, fits, evaluates and exports a model.

    Nothing is written before the records have been checked.

    Args:
        spec: The spec. Its `tuning` is not used: the model has the values that the spec gives.
        data_dir: Folder of the TFRecords; if the spec has `rows`, also a folder or file of rows.
        output_dir: Folder for all output; created if necessary.
        progress: Notified which stage runs.
        on_ready: Called once the check has passed and the output folder exists.

    Raises:
        UserInputError: The records or the output folder are invalid.
    """
    check_output_folder(output_dir)
    function_modules(spec)
    use_cores()
    bound_freed_memory()
    layout = OutputLayout(Path(output_dir).resolve())
    started = time.monotonic()
    data, rows = records_of_rows(spec, data_dir, layout.records)
    report = check_data(spec, data)
    raise_certain(report.leaks)
    check_seconds = time.monotonic() - started
    make_output_folder(layout)
    if on_ready:
        on_ready(layout)
    files = {
        name: [str(file) for file in found] for name, found in find_split_files(data, spec.splits).items() if found
    }
    with only_run_of(layout):
        stages = _Stages(progress)
        folder = layout.artifacts / "fit"
        model, pushed = _fit(spec, files, folder, stages, layout.pushed_models)
    outputs = {"SequenceTrainer": {"model_run": str(folder), "model": model}}
    outputs |= {"ModelCheck": {"blessing": str(folder)}, "EvaluationCheck": {"figures": str(folder)}}
    return RunResult(
        spec=spec,
        layout=layout,
        data=report,
        components=tuple(stages.done),
        check_seconds=check_seconds,
        start_seconds=0.0,
        outputs=outputs,
        blessed=pushed is not None,
        pushed_model=pushed,
        rows=rows,
    )


def _fit(
    spec: SequenceSpec, files: Mapping[str, Sequence[str]], folder: Path, stages: _Stages, pushed_models: Path
) -> tuple[str, Path | None]:
    """Fits a model; its figures and reports are written to `folder`.

    Returns:
        The folder of the model, and the folder it is pushed to; None if it is not blessed.
    """
    from tfx_sequences.components.evaluation.thresholds import missed_thresholds
    from tfx_sequences.components.serving.exported_check import FreshProcess
    from tfx_sequences.components.training.backup import BACKUPS
    from tfx_sequences.components.training.training_run import TrainingFiles, run_training
    from tfx_sequences.components.transform.transformed_data import transformed_data

    model = folder / "model"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(model, ignore_errors=True)
    with stages.stage("Transform"):
        data = transformed_data(spec, files, folder / "data")
        stages.cached = data.cached
    # It imports TensorFlow while the model is exported.
    with FreshProcess() as process:
        with stages.stage("Training"):
            transformed = data.transformed
            run_training(
                spec,
                TrainingFiles(
                    transform_output=data.graph,
                    train=[transformed["train"]],
                    valid=[transformed["valid"]],
                    raw=data.raw["test"],
                    model_dir=str(model),
                    run_dir=str(folder),
                ),
                held_back="valid" in data.held_back,
                # A fit that was killed, or whose export did not find space, resumes.
                backup_config={BACKUPS: str(folder / BACKUPS), "code_digest": _digest_of_training(spec)},
                on_fitted=process.start,
            )
        with stages.stage("Evaluation"):
            check, figures = _evaluated(spec, data, model, folder, _last_model(spec, pushed_models), process)
    metrics, baseline = figures["slices"]["all"], figures["baseline"].get("all", {})
    if check["failures"] or missed_thresholds(spec.evaluation, metrics, baseline):
        return str(model), None
    return str(model), _pushed(model, pushed_models)


def _digest_of_training(spec: SequenceSpec) -> str:
    """A digest of the code that a backup depends on, the user's builder included."""
    from tfx_sequences.components.training import training_run

    builder = [spec.model.builder.rpartition(".")[0]] if spec.model.builder else []
    return code_digest(training_run.__name__, *builder)


def _evaluated(
    spec: SequenceSpec,
    data: TransformedData,
    model: Path,
    folder: Path,
    baseline: Path | None,
    process: FreshProcess,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The report on the exported model and the figures of the test split, which are also written, with naive ones."""
    from tfx_sequences.components.evaluation.evaluate import evaluate_model
    from tfx_sequences.components.naive.answers import naive_answers_of_files
    from tfx_sequences.components.serving import exported_check, predictions_file
    from tfx_sequences.components.serving.model_card import read_card
    from tfx_sequences.components.transform.length_histogram import read_histogram
    from tfx_sequences.components.transform.transform_output import TransformOutput

    with ThreadPoolExecutor() as pool:
        predictions = str(folder / predictions_file.FILE_NAME)
        checked = pool.submit(exported_check.check_exported, str(model), predictions, spec, process=process)
        figures = evaluate_model(model, data.raw["test"], spec, baseline=baseline)
        naive = naive_answers_of_files(
            spec,
            read_card(model)["classes"],
            [data.transformed["train"]],
            [data.transformed["test"]],
            read_histogram(TransformOutput(data.graph)),
        )
        check = checked.result()
    for name, found in ((FIGURES, figures), (NAIVE, naive), (exported_check.REPORT, check)):
        folder.joinpath(name).write_text(json.dumps(found, indent=1), "utf-8")
    return check, figures


def _last_model(spec: SequenceSpec, pushed_models: Path) -> Path | None:
    """The last blessed model of the folder, if the spec compares with it."""
    versions = sorted((v for v in pushed_models.glob("*") if v.name.isdigit()), key=lambda v: int(v.name))
    return versions[-1] if versions and spec.evaluation.baseline else None


def _pushed(model: Path, pushed_models: Path) -> Path:
    """Copies the model to a new version, which is complete or absent."""
    version = pushed_models / str(max([int(time.time()), *(int(v.name) + 1 for v in pushed_models.glob("[0-9]*"))]))
    pushed_models.mkdir(parents=True, exist_ok=True)
    with folder_written_whole(version) as building:
        shutil.copytree(model, building, dirs_exist_ok=True)
    return version


class _Stages:
    """Times the stages and updates the progress display."""

    def __init__(self, progress: RunProgress | None) -> None:
        self.done: list[ComponentRun] = []
        self.cached = False
        self._progress = progress
        if progress:
            progress.plan(STAGES)

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Inside the context the stage runs."""
        from tfx_sequences.pipeline.local.console import ComponentLogHandler

        started, self.cached = time.monotonic(), False
        self.start(name)
        with ComponentLogHandler(self).attached():
            yield
        self.done.append(ComponentRun(name, time.monotonic() - started, self.cached))
        self.finish(name, self.cached)

    def start(self, name: str) -> None:
        if self._progress:
            self._progress.start(name)

    def finish(self, name: str, cached: bool) -> None:
        if self._progress:
            self._progress.finish(name, cached)

    def note(self, text: str) -> None:
        if self._progress:
            self._progress.note(text)
