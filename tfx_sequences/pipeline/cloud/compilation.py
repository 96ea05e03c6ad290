"""Compiles a spec's pipeline for Vertex AI and for Kubeflow Pipelines."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from tfx_sequences.errors import UserInputError, did_you_mean
from tfx_sequences.pipeline.cloud.compiled_spec import check_compiled, require_kfp
from tfx_sequences.pipeline.local.repeatability import ORDERED_COMPONENTS, check_repeatable
from tfx_sequences.schemas.columns.local_files import named_files
from tfx_sequences.schemas.spec.deployment import ComponentDeployment, Deployment
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

if TYPE_CHECKING:
    from tfx.orchestration.pipeline import Pipeline

Runner = Literal["vertex", "kubeflow"]

# The parameters that a run can set to other values.
DATA = "data"
OUTPUT_ROOT = "output_root"
TRAINING_STEPS = "training_steps"

ARTIFACTS = "artifacts"
PUSHED_MODELS = "pushed_model"
BACKUPS = "backups"


def compile_pipeline(
    spec: SequenceSpec,
    *,
    data: str,
    output_root: str,
    image: str,
    runner: Runner,
    splits_with_files: tuple[str, ...],
    training_steps: int = 0,
    deployment: Deployment | None = None,
    of_rows: bool = False,
) -> dict[str, Any]:
    """The compiled and checked pipeline; equal specs, options and versions give equal pipelines.

    Args:
        spec: The spec.
        data: URI of the folder of the TFRecords, or of the rows; a run can use another one.
        output_root: URI of the folder for all output; a run can use another one.
        image: Container image with this package, for all components.
        runner: `vertex` gives a `PipelineJob` as JSON, `kubeflow` a `PipelineSpec`.
        splits_with_files: Which of `train`, `valid`, `test` have files in `data`.
        training_steps: Maximum number of training steps; 0 leaves the limit to the spec. A run can set another one.
        deployment: Machines and Beam options by component.
        of_rows: Whether the data are rows; the pipeline begins with them.

    Raises:
        UserInputError: A file named in the spec exists on this machine only; the deployment does not fit the pipeline
            or the runner.
    """
    require_kfp()
    _check_files(spec, output_root)
    from tfx.orchestration.data_types import RuntimeParameter
    from tfx.orchestration.kubeflow.v2 import kubeflow_v2_dag_runner

    from tfx_sequences.pipeline.create import create_pipeline

    deployment = deployment or Deployment()
    defaults: dict[str, str | int] = {DATA: data, OUTPUT_ROOT: output_root, TRAINING_STEPS: training_steps}
    if spec.rows is not None and spec.rows.format == "bigquery":
        del defaults[DATA]  # TFX does not take a query as a parameter of a run
    parameters = {name: RuntimeParameter(name, type(value), value) for name, value in defaults.items()}
    pipeline = create_pipeline(
        spec,
        name=pipeline_name(spec.name),
        data=parameters.get(DATA, data),
        pipeline_root=f"{output_root.rstrip('/')}/{ARTIFACTS}",
        push_destination=PUSHED_MODELS,
        backups=BACKUPS,
        output_root=parameters[OUTPUT_ROOT],
        training_steps=parameters[TRAINING_STEPS],
        splits_with_files=splits_with_files,
        of_rows=of_rows,
    )
    _give_beam_args(pipeline, spec, deployment, image, output_root)
    images = {name: deployment.of(name).image or image for name in _ids(pipeline)}
    config = kubeflow_v2_dag_runner.KubeflowV2DagRunnerConfig(default_image=images, use_pipeline_spec_2_1=True)
    job = kubeflow_v2_dag_runner.KubeflowV2DagRunner(config).run(pipeline, parameter_values=defaults, write_out=False)
    _check_resolvers(job["pipelineSpec"], runner)
    _complete(job["pipelineSpec"], deployment, runner, defaults)
    document = job if runner == "vertex" else job["pipelineSpec"]
    check_compiled(document, "The compiled pipeline")
    return document


def pipeline_name(name: str) -> str:
    """A spec's name, changed to what Kubeflow and Vertex AI allow.

    >>> pipeline_name("Japanese_vowels")
    'japanese-vowels'
    """
    return re.sub("[^a-z0-9-]", "-", name.lower())


def _check_files(spec: SequenceSpec, output_root: str) -> None:
    """Files named in the spec must be readable by the containers; with a local root, they run on this machine."""
    if "://" not in output_root:
        return
    named = [(f"{name}.{field}", file) for name, column in spec.columns.items() for field, file in named_files(column)]
    if spec.training.warm_start:
        named.append(("training.warm_start", spec.training.warm_start))
    for field, file in named:
        if "://" not in file:
            raise UserInputError(
                f"{field} is a file on this machine, which the containers cannot read.",
                expected="a URI, such as gs://bucket/vocabulary.txt",
                received=file,
                fix="Copy it to a place that the containers can read, and put its URI into the spec.",
            )


def _ids(pipeline: Pipeline) -> list[str]:
    return [component.id for component in pipeline.components]


def _give_beam_args(
    pipeline: Pipeline, spec: SequenceSpec, deployment: Deployment, image: str, output_root: str
) -> None:
    from tfx.dsl.components.base.executor_spec import BeamExecutorSpec

    with_beam = {c.id: c for c in pipeline.components if isinstance(c.executor_spec, BeamExecutorSpec)}
    deployment.check(_ids(pipeline), list(with_beam))
    for name, component in with_beam.items():
        of_component = deployment.of(name)
        arguments = beam_args(name, of_component.beam_args, of_component.image or image, output_root)
        if name in ORDERED_COMPONENTS:
            check_repeatable(spec, arguments, name)
        component.with_beam_pipeline_args(arguments)


def beam_args(component: str, given: Sequence[str], image: str, output_root: str) -> list[str]:
    """Beam's options in a container: those given, and those that follow from where it runs.

    Args:
        component: The component's id, for messages.
        given: Beam options of the deployment file.
        image: The component's image, which remote workers start from.
        output_root: Folder under which Dataflow writes its temporary files.

    >>> beam_args("Transform", [], "image", "gs://b/vowels")
    ['--runner=FnApiRunner', '--sdk_container_image=none']
    >>> beam_args("Transform", ["--runner=DataflowRunner", "--project=p", "--region=r"], "image", "gs://b/vowels")[3:]
    ['--sdk_container_image=image', '--temp_location=gs://b/vowels/beam_temp']
    """
    from apache_beam.options.pipeline_options import GoogleCloudOptions, PipelineOptions, StandardOptions, WorkerOptions

    from tfx_sequences.pipeline.beam_engines import beam_pipeline_args, check_runner

    arguments = beam_pipeline_args(given)
    check_runner(arguments)
    options = PipelineOptions(arguments)
    runner = options.view_as(StandardOptions).runner.rpartition(".")[2].lower()
    if "direct" in runner or "fnapi" in runner or "prism" in runner:
        return arguments
    if options.view_as(WorkerOptions).sdk_container_image is None:
        arguments.append(f"--sdk_container_image={image}")
    if "dataflow" in runner:
        cloud = options.view_as(GoogleCloudOptions)
        missing = [f"--{name}" for name in ("project", "region") if getattr(cloud, name) is None]
        if missing:
            raise UserInputError(
                f"{component} runs on Dataflow, but the deployment file does not say where.",
                expected="beam_args with --project=... and --region=...",
                received=f"beam_args without {' and '.join(missing)}",
                fix=f"Add {' and '.join(missing)} to components.{component}.beam_args, or to defaults.beam_args.",
            )
        if cloud.temp_location is None:
            arguments.append(f"--temp_location={output_root.rstrip('/')}/beam_temp")
    return arguments


def _check_resolvers(spec: dict[str, Any], runner: Runner) -> None:
    executors = spec["deploymentSpec"]["executors"]
    named = [name for name, c in spec["components"].items() if "resolver" in executors[c["executorLabel"]]]
    if runner == "kubeflow" and named:
        raise UserInputError(
            f"Kubeflow Pipelines cannot run {', '.join(named)}: it cannot use artifacts of earlier runs.",
            expected="a pipeline that uses no artifacts of earlier runs, such as one without evaluation.baseline",
            fix="Remove evaluation.baseline from the spec, or compile for Vertex AI.",
        )


def _complete(spec: dict[str, Any], deployment: Deployment, runner: Runner, defaults: dict[str, str | int]) -> None:
    """Adds what TFX's compiler leaves out: parameter defaults, the root, machines and retries."""
    spec["defaultPipelineRoot"] = f"{str(defaults[OUTPUT_ROOT]).rstrip('/')}/{ARTIFACTS}"
    for name, parameter in spec["root"]["inputDefinitions"]["parameters"].items():
        parameter["defaultValue"] = defaults[name]
    for name, component in spec["components"].items():
        executor = spec["deploymentSpec"]["executors"][component["executorLabel"]]
        resources = _resources(name, deployment.of(name), runner)
        # Importers and resolvers do not run in a container.
        if "container" in executor and resources:
            executor["container"]["resources"] = resources
    for name, task in spec["root"]["dag"]["tasks"].items():
        retries = deployment.of(name).retries
        if retries is not None:
            task["retryPolicy"] = {"maxRetryCount": retries}


def _resources(component: str, machine: ComponentDeployment, runner: Runner) -> dict[str, Any]:
    from kfp.pipeline_spec import pipeline_spec_pb2

    resources: dict[str, Any] = {}
    kubeflow: dict[str, Any] = {}
    if machine.cpu is not None:
        resources["cpuLimit"] = machine.cpu
        kubeflow["resourceCpuLimit"] = f"{machine.cpu:g}"
    if machine.memory_gb is not None:
        resources["memoryLimit"] = machine.memory_gb
        kubeflow["resourceMemoryLimit"] = f"{machine.memory_gb:g}G"
    if machine.accelerator is not None:
        kind, count = machine.accelerator.type, str(machine.accelerator.count)
        resources["accelerator"] = {"type": kind, "count": count}
        kubeflow["accelerator"] = {**resources["accelerator"], "resourceType": kind, "resourceCount": count}
        if runner == "vertex":
            _check_accelerator(component, kind)
    # Newer Kubeflow backends use other names for the same fields; older protocol buffers do not have them.
    message = pipeline_spec_pb2.PipelineDeploymentConfig.PipelineContainerSpec.ResourceSpec.DESCRIPTOR
    if runner == "kubeflow" and "resource_cpu_limit" in message.fields_by_name:
        resources |= kubeflow
    return resources


def _check_accelerator(component: str, kind: str) -> None:
    from google.cloud.aiplatform_v1.types import AcceleratorType

    known = [name for name in AcceleratorType.__members__ if "UNSPECIFIED" not in name]
    if kind not in known:
        raise UserInputError(
            f"{component} asks for an accelerator that Vertex AI does not have.",
            expected=f"one of {', '.join(known)}",
            received=f"'{kind}'",
            fix=f"Correct accelerator.type in the deployment file.{did_you_mean(kind, known)}",
        )


def to_text(document: dict[str, Any], *, as_yaml: bool) -> str:
    """The text of the compiled pipeline's file; keys are sorted, so equal pipelines give equal files."""
    if not as_yaml:
        return json.dumps(document, indent=2, sort_keys=True) + "\n"
    import yaml

    return yaml.safe_dump(copy.deepcopy(document), sort_keys=True, allow_unicode=True, width=100)
