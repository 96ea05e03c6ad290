"""Runs a spec's pipeline on this machine: LocalDagRunner, SQLite metadata, Beam in process."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfx_sequences.compat import use_cores
from tfx_sequences.components.records.data_check import DataReport, check_data
from tfx_sequences.components.records.files import with_patterns_found
from tfx_sequences.components.records.leaks import raise_certain
from tfx_sequences.components.records.opening import check_name, holds_example_lists
from tfx_sequences.components.records.paths import AnyPath, path_of
from tfx_sequences.errors import DataError, TfxSequencesError, UserInputError
from tfx_sequences.pipeline.beam_engines import beam_pipeline_args, check_engine, check_reach
from tfx_sequences.pipeline.local.output_folder import (
    OutputLayout,
    check_output_folder,
    make_output_folder,
    only_run_of,
)
from tfx_sequences.pipeline.local.repeatability import check_repeatable
from tfx_sequences.pipeline.local.row_data import records_of_rows
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

if TYPE_CHECKING:
    from tfx_sequences.components.rows.row_counts import RowCounts
    from tfx_sequences.pipeline.local.console import RunProgress


class PipelineFailedError(TfxSequencesError):
    """A component failed for a reason that the user cannot fix.

    Attributes:
        component: The component's name.
    """

    def __init__(self, component: str, cause: BaseException) -> None:
        super().__init__(f"{component} failed: {type(cause).__name__}: {cause}")
        self.component = component


@dataclasses.dataclass(frozen=True)
class ComponentRun:
    """One component of a run: its name, wall seconds, and whether its cached result was used."""

    name: str
    seconds: float
    cached: bool


@dataclasses.dataclass(frozen=True)
class RunResult:
    """The result of a run.

    Attributes:
        spec: The spec.
        layout: Paths in the output folder.
        data: Result of the data check.
        components: The components, in the order they ran.
        outputs: Folder of each output artifact, by component and output name.
        check_seconds: Wall seconds of the data check, TensorFlow's import included.
        start_seconds: Wall seconds until the first component ran: TFX's import, the metadata store.
        blessed: The model passed the Evaluator's thresholds and the model check.
        pushed_model: Folder of the pushed model; None if not blessed.
        rows: What became of the rows, if this run made records of them.
    """

    spec: SequenceSpec
    layout: OutputLayout
    data: DataReport
    components: tuple[ComponentRun, ...]
    check_seconds: float
    start_seconds: float
    outputs: dict[str, dict[str, str]]
    blessed: bool
    pushed_model: Path | None
    rows: RowCounts | None = None


def run_local(
    spec: SequenceSpec,
    data_dir: str | os.PathLike[str],
    output_dir: str | Path,
    *,
    beam_args: Sequence[str] = (),
    beam_runner: str | None = None,
    progress: RunProgress | None = None,
    on_ready: Callable[[OutputLayout], None] | None = None,
    bulk_inference_data: str | os.PathLike[str] | None = None,
) -> RunResult:
    """Checks the records, runs the pipeline, and collects its outputs.

    Nothing is written before the records have been checked. A run with the same
    spec, data and code gets every result from the cache.

    Args:
        spec: The spec.
        data_dir: Folder of the TFRecords, local, or a URI that TensorFlow and Beam read. If the spec has `rows`: also a
            folder or file of rows; their records are written below `output_dir`, before they are checked.
        output_dir: Folder for all output; created if necessary.
        beam_args: Options for Beam; a runner among them replaces the default.
        beam_runner: Name of an engine, see `tfx_sequences.pipeline.beam_engines.ENGINES`.
        progress: Notified which component runs.
        on_ready: Called once the check has passed and the output folder exists.
        bulk_inference_data: Folder of more TFRecords, which the blessed model predicts.

    Raises:
        UserInputError: The records or the output folder are invalid.
        PipelineFailedError: A component failed for another reason.
    """
    check_output_folder(output_dir)
    # Before the records, because it takes no time.
    beam_args = beam_pipeline_args(beam_args, beam_runner)
    check_reach(beam_args, {"data folder": data_dir, "output folder": output_dir})
    check_engine(beam_args)
    data = readable_by_beam("data folder", data_dir)
    check_repeatable(spec, beam_args)
    # Before Transform, because sums depend on the number of threads: also use the same number if Transform is cached.
    use_cores()
    layout = OutputLayout(Path(output_dir).resolve())
    started = time.monotonic()
    data, rows = records_of_rows(spec, data, layout.records)
    report = check_data(spec, data)
    raise_certain(report.leaks)
    more = _check_more_data(spec, bulk_inference_data)
    check_seconds = time.monotonic() - started
    make_output_folder(layout)
    if on_ready:
        on_ready(layout)
    with only_run_of(layout):
        result = _run(spec, str(data), layout, report, check_seconds, beam_args, progress, more)
    return dataclasses.replace(result, rows=rows)


def readable_by_beam(name: str, folder: str | os.PathLike[str]) -> AnyPath:
    """The resolved folder, which TensorFlow reads for the check and Beam for the pipeline.

    Raises:
        UserInputError: TensorFlow or Beam does not support the file system.
    """
    path = path_of(folder).resolve()
    if isinstance(path, Path):
        return path
    from apache_beam.io.filesystems import FileSystems

    try:
        FileSystems.get_filesystem(str(path))
    except ValueError as error:
        raise UserInputError(
            f"Beam cannot read the {name}, {path}.",
            expected="a folder on this machine, or on a file system that Beam supports, such as gs://",
            received=" ".join(str(error).split()),
            fix="Copy the files there, or install Beam's support for this file system (apache-beam[gcp]).",
        ) from error
    return path


def _check_more_data(spec: SequenceSpec, folder: str | os.PathLike[str] | None) -> str | None:
    """The folder of records to predict, after a check that its files are TFRecords in the spec's format."""
    if folder is None:
        return None
    from tfx_sequences.components.serving.prediction import check_file, list_record_files

    folder = readable_by_beam("folder to predict", folder)
    if folder.is_file():
        raise UserInputError(
            "The records to predict are a single file.",
            expected="a folder of TFRecord files",
            received=str(folder),
            fix=f"Give its folder, {folder.parent}, if it contains nothing else.",
        )
    for file in list_record_files(folder):
        check_name(file)
        check_file(file, spec)
        _check_type(file, spec)
    return str(folder)


def _check_type(file: AnyPath, spec: SequenceSpec) -> None:
    """Bulk inference asks a signature for the spec's `record`; `check` and `predict` convert records."""
    if spec.record == "ELWC" and not holds_example_lists(file):
        raise DataError(
            f"The records to predict in {file.name} are not ExampleListWithContext.",
            expected="records of the spec's type, which says `record: ELWC`",
            received="SequenceExample or Example",
            fix="Predict them with 'tfx-sequences predict', which takes these too, or write them as the spec says.",
        )


def _run(
    spec: SequenceSpec,
    data_dir: str,
    layout: OutputLayout,
    data: DataReport,
    check_seconds: float,
    beam_args: Sequence[str],
    progress: RunProgress | None,
    bulk_inference_data: str | None,
) -> RunResult:
    started = time.monotonic()
    from tfx.orchestration import metadata
    from tfx.orchestration.local.local_dag_runner import LocalDagRunner

    from tfx_sequences.pipeline.create import create_pipeline

    connection = metadata.sqlite_metadata_connection_config(str(layout.metadata))
    pipeline = create_pipeline(
        spec,
        data=data_dir,
        pipeline_root=str(layout.artifacts),
        push_destination=str(layout.pushed_models),
        splits_with_files=tuple(data.splits),
        metadata_connection_config=connection,
        beam_pipeline_args=[*beam_args],
        bulk_inference_data=bulk_inference_data,
        patterns=with_patterns_found(data_dir, spec.splits),
    )
    start_seconds = time.monotonic() - started
    watch = _Watch([c.id for c in pipeline.components], progress)
    with watch.attached():
        try:
            LocalDagRunner().run(pipeline)
        except Exception as error:
            watch.fail()
            for cause in _causes(error):
                if isinstance(cause, UserInputError):
                    raise cause from error
            raise PipelineFailedError(watch.current or "The pipeline", error) from error
    outputs, properties = _latest_outputs(connection)
    pushed = properties["Pusher"]["pushed_model"]
    version = pushed.get("pushed_destination")
    return RunResult(
        spec=spec,
        layout=layout,
        data=data,
        components=tuple(watch.done),
        check_seconds=check_seconds,
        start_seconds=start_seconds,
        outputs=outputs,
        blessed=bool(pushed.get("pushed")),
        pushed_model=Path(str(version)) if version else None,
    )


class _Watch:
    """Times the components and updates the progress display, from the runner's own log."""

    def __init__(self, names: list[str], progress: RunProgress | None) -> None:
        self.done: list[ComponentRun] = []
        self.current: str | None = None
        self._progress = progress
        self._started = time.monotonic()
        if progress:
            progress.plan(names)

    @contextlib.contextmanager
    def attached(self) -> Iterator[None]:
        from tfx_sequences.pipeline.local.console import ComponentLogHandler

        with ComponentLogHandler(self).attached():
            yield

    def start(self, name: str) -> None:
        self.current, self._started = name, time.monotonic()
        if self._progress:
            self._progress.start(name)

    def finish(self, name: str, cached: bool) -> None:
        self.done.append(ComponentRun(name, time.monotonic() - self._started, cached))
        if self._progress:
            self._progress.finish(name, cached)

    def note(self, text: str) -> None:
        if self._progress:
            self._progress.note(text)

    def fail(self) -> None:
        if self._progress and self.current:
            self._progress.fail(self.current)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _latest_outputs(connection: Any) -> tuple[dict[str, dict[str, str]], dict[str, dict[str, dict[str, Any]]]]:
    """Folders and custom properties of the newest run's outputs, by component and output name."""
    from ml_metadata.proto import metadata_store_pb2
    from tfx.orchestration import metadata

    uris: dict[str, dict[str, str]] = {}
    properties: dict[str, dict[str, dict[str, Any]]] = {}
    with metadata.Metadata(connection) as handle:
        store = handle.store
        run = max(store.get_contexts_by_type("pipeline_run"), key=lambda context: context.id)
        node_type = store.get_context_type("node").id
        for execution in store.get_executions_by_context(run.id):
            contexts = store.get_contexts_by_execution(execution.id)
            node = next(c.name for c in contexts if c.type_id == node_type).rpartition(".")[2]
            events = store.get_events_by_execution_ids([execution.id])
            for event in events:
                if event.type != metadata_store_pb2.Event.OUTPUT:
                    continue
                [artifact] = store.get_artifacts_by_id([event.artifact_id])
                output = event.path.steps[0].key
                uris.setdefault(node, {})[output] = artifact.uri
                properties.setdefault(node, {})[output] = {
                    name: getattr(value, str(value.WhichOneof("value")))
                    for name, value in artifact.custom_properties.items()
                }
    return uris, properties
