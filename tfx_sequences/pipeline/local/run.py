"""Runs a spec's pipeline on this machine: LocalDagRunner, SQLite metadata, Beam in process."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfx_sequences.compat import use_cores
from tfx_sequences.components.records.data_check import DataReport, check_data
from tfx_sequences.errors import TfxSequencesError, UserInputError
from tfx_sequences.pipeline.beam_engines import beam_pipeline_args, check_engine, check_reach
from tfx_sequences.pipeline.local.repeatability import check_repeatable
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

if TYPE_CHECKING:
    from tfx_sequences.pipeline.local.console import RunProgress


class PipelineFailedError(TfxSequencesError):
    """A component failed for a reason that is not the user's to mend.

    Attributes:
        component: The component's name.
    """

    def __init__(self, component: str, cause: BaseException) -> None:
        super().__init__(f"{component} failed: {type(cause).__name__}: {cause}")
        self.component = component


@dataclasses.dataclass(frozen=True)
class OutputLayout:
    """Where a run's output folder keeps what."""

    root: Path

    @property
    def artifacts(self) -> Path:
        """Artifacts of all components and runs."""
        return self.root / "artifacts"

    @property
    def metadata(self) -> Path:
        """ML Metadata's database: what was made from what."""
        return self.root / "metadata.sqlite"

    @property
    def pushed_models(self) -> Path:
        """Blessed models, one folder per version, as TensorFlow Serving reads them."""
        return self.root / "pushed_model"

    @property
    def report(self) -> Path:
        """The newest run, to read."""
        return self.root / "report.html"

    @property
    def tfma_page(self) -> Path:
        """The Evaluator's figures of the newest run, as TFMA shows them."""
        return self.root / "tfma.html"

    @property
    def report_data(self) -> Path:
        """The newest run, as JSON."""
        return self.root / "report.json"

    @property
    def logs(self) -> Path:
        """What TFX, Beam and TensorFlow printed, one file per run."""
        return self.root / "logs"


@dataclasses.dataclass(frozen=True)
class ComponentRun:
    """One component of a run: its name, wall seconds, and whether its cached result was taken."""

    name: str
    seconds: float
    cached: bool


@dataclasses.dataclass(frozen=True)
class RunResult:
    """What a run did.

    Attributes:
        spec: The spec.
        layout: Where everything lies.
        data: What the data check found.
        components: In the order they ran.
        outputs: Folder of each output artifact, by component and output name.
        check_seconds: Wall seconds of the data check, TensorFlow's import included.
        start_seconds: Wall seconds until the first component ran: TFX's import, the metadata store.
        blessed: The evaluator's thresholds and the model check were passed.
        pushed_model: Folder of the pushed model; None if not blessed.
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


def run_local(
    spec: SequenceSpec,
    data_dir: str | Path,
    output_dir: str | Path,
    *,
    beam_args: Sequence[str] = (),
    beam_runner: str | None = None,
    progress: RunProgress | None = None,
    on_ready: Callable[[OutputLayout], None] | None = None,
    bulk_inference_data: str | Path | None = None,
) -> RunResult:
    """Checks the records, runs the pipeline, and finds what it made.

    Nothing is written before the records have been checked. A run with the same
    spec, data and code takes every result from the cache.

    Args:
        spec: The spec.
        data_dir: Folder of the TFRecords.
        output_dir: Folder for everything that is written; made if need be.
        beam_args: Options for Beam; a runner among them replaces the default.
        beam_runner: Name of an engine, see `tfx_sequences.pipeline.beam_engines.ENGINES`.
        progress: Is told which component runs.
        on_ready: Called when the check has passed and the output folder exists.
        bulk_inference_data: Folder of more TFRecords, which the blessed model predicts.

    Raises:
        UserInputError: The records, or the output folder, need mending.
        PipelineFailedError: A component failed otherwise.
    """
    check_output_folder(output_dir)
    # Before the records, for it takes no time.
    beam_args = beam_pipeline_args(beam_args, beam_runner)
    check_reach(beam_args, {"data folder": data_dir, "output folder": output_dir})
    check_engine(beam_args)
    check_repeatable(spec, beam_args)
    # Before Transform, for sums depend on the number of threads: the same ones where its result is cached.
    use_cores()
    data_dir = Path(data_dir).resolve()
    layout = OutputLayout(Path(output_dir).resolve())
    started = time.monotonic()
    data = check_data(spec, data_dir)
    more = _check_more_data(spec, bulk_inference_data)
    check_seconds = time.monotonic() - started
    make_output_folder(layout)
    if on_ready:
        on_ready(layout)
    with _only_run_of(layout):
        return _run(spec, data_dir, layout, data, check_seconds, beam_args, progress, more)


def _check_more_data(spec: SequenceSpec, folder: str | Path | None) -> str | None:
    """The folder of records to predict, whose files are TFRecords of the spec's kind."""
    if folder is None:
        return None
    from tfx_sequences.components.serving.prediction import check_file, list_record_files

    if Path(folder).is_file():
        raise UserInputError(
            "The records to predict are one file.",
            expected="a folder of TFRecord files",
            received=str(folder),
            fix=f"Give its folder, {Path(folder).parent}, if there is nothing else in it.",
        )
    for file in list_record_files(folder):
        check_file(file, spec)
    return str(Path(folder).resolve())


def check_output_folder(folder: str | Path) -> None:
    """Raises `UserInputError` if the output folder could not be made or written; writes nothing."""
    # `Path` would make one slash of two.
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:/", str(folder)):
        raise UserInputError(
            f"The output folder {folder} is not on this machine.",
            expected="a local folder: this command runs the whole pipeline here",
            fix="Choose another --output, and copy what is to be kept.",
        )
    existing = Path(folder).resolve()
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    if not existing.is_dir():
        raise UserInputError(
            f"The output folder {folder} cannot be made: {existing} is a file.",
            expected="a folder, or a path where one can be made",
            fix="Choose another --output.",
        )
    if not os.access(existing, os.W_OK | os.X_OK):
        raise UserInputError(
            f"The output folder {folder} cannot be written.",
            expected=f"write permission in {existing}",
            fix="Choose another --output, or change the folder's permissions.",
        )


def make_output_folder(layout: OutputLayout) -> None:
    """Makes the output folder and its log folder."""
    try:
        layout.logs.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserInputError(
            f"The output folder {layout.root} cannot be made: {error.strerror}.", fix="Choose another --output."
        ) from error


def _run(
    spec: SequenceSpec,
    data_dir: Path,
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
        data=str(data_dir),
        pipeline_root=str(layout.artifacts),
        push_destination=str(layout.pushed_models),
        splits_with_files=tuple(data.splits),
        metadata_connection_config=connection,
        beam_pipeline_args=[*beam_args],
        bulk_inference_data=bulk_inference_data,
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
    """Times the components and tells the progress display, from the runner's own log."""

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


@contextlib.contextmanager
def _only_run_of(layout: OutputLayout) -> Iterator[None]:
    """Two runs that write one folder would take each other's artifacts."""
    with open(layout.root / ".lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UserInputError(
                f"Another run is writing {layout.root}.", fix="Wait for it, or choose another --output."
            ) from None
        yield
