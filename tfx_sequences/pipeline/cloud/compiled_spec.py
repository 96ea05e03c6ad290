"""Compiled pipelines: read strictly into Kubeflow's own protocol buffers, and their graph checked.

Protocol buffers refuse unknown fields, but not a task that waits for a task that does not exist. These checks find such
errors without asking a service.
"""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from tfx_sequences.errors import EnvironmentNotSupportedError, SpecError, UserInputError, did_you_mean
from tfx_sequences.schemas.spec.yaml_nodes import load

# What Kubeflow Pipelines 2 and Vertex AI both read.
SCHEMA_VERSION = "2.1.0"

# Linux takes 128 KiB in one word of a command line; a task's parameters are one word, with its artifacts.
_MOST_BYTES = 120_000

_PARAMETER_PLACEHOLDER = re.compile(r"\{\{\$\.inputs\.parameters\['([^']+)'\]\}\}")


def require(module: str, distribution: str, what_for: str) -> None:
    """Raises `EnvironmentNotSupportedError` unless a module of the extra `vertex` is installed.

    >>> require("kfp.no_such_module", "kfp-nothing", "examples are built with it")
    Traceback (most recent call last):
      ...
    tfx_sequences.errors.EnvironmentNotSupportedError: kfp-nothing is not installed, and examples are built with it.
      expected: the extra vertex
      received: no module 'kfp.no_such_module'
      fix:      Install it here: pip install 'tfx-sequences[vertex]', or uv pip install 'tfx-sequences[vertex]'
    """
    try:
        found = importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # an enclosing package
        found = False
    if not found:
        raise EnvironmentNotSupportedError(
            f"{distribution} is not installed, and {what_for}.",
            expected="the extra vertex",
            received=f"no module '{module}'",
            fix="Install it here: pip install 'tfx-sequences[vertex]', or uv pip install 'tfx-sequences[vertex]'",
        )


def require_kfp() -> None:
    """Raises `EnvironmentNotSupportedError` unless Kubeflow's protocol buffers are installed."""
    require("kfp.pipeline_spec", "kfp-pipeline-spec", "compiled pipelines are built with its protocol buffers")


def pipeline_spec_of(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """The pipeline's specification in a compiled document; for Vertex AI, the document is a job that contains it."""
    found = document.get("pipelineSpec", document)
    return found if isinstance(found, Mapping) else {}


def read_compiled(text: str, where: str) -> dict[str, Any]:
    """The document of a compiled pipeline, read from JSON or YAML and checked.

    Args:
        text: What `compile` wrote.
        where: Its name in messages, usually its file.

    Raises:
        UserInputError: The text is not a compiled pipeline, or the pipeline could not run.
    """
    try:
        # PyYAML reads JSON too, but slowly.
        document = json.loads(text) if text.lstrip().startswith("{") else load(text, where)[1]
    except (json.JSONDecodeError, RecursionError, SpecError) as error:
        raise UserInputError(
            f"{where} is neither JSON nor YAML: {error}", fix="Compile the pipeline again: tfx-sequences compile."
        ) from error
    if not isinstance(document, dict) or "pipelineInfo" not in pipeline_spec_of(document):
        raise UserInputError(
            f"{where} is not a compiled pipeline.",
            expected="a file written by tfx-sequences compile: JSON or YAML with pipelineInfo, components and root",
            received=f"{', '.join(map(repr, list(document)[:6]))}"
            if isinstance(document, dict)
            else f"{document!r:.60}",
            fix="Give the file that tfx-sequences compile wrote to -o.",
        )
    check_compiled(document, where)
    return document


def check_compiled(document: Mapping[str, Any], where: str) -> None:
    """Raises `UserInputError` unless Kubeflow's protocol buffers accept the document and its graph is consistent.

    Args:
        document: A `PipelineJob` (of Vertex AI) or a `PipelineSpec` (of Kubeflow), as parsed JSON.
        where: Its name in messages.
    """
    require_kfp()
    from google.protobuf import json_format
    from kfp.pipeline_spec import pipeline_spec_pb2

    spec, deployment = pipeline_spec_pb2.PipelineSpec(), pipeline_spec_pb2.PipelineDeploymentConfig()
    try:
        if "pipelineSpec" in document:
            json_format.ParseDict(dict(document), pipeline_spec_pb2.PipelineJob())
        json_format.ParseDict(dict(pipeline_spec_of(document)), spec)
        json_format.ParseDict(json_format.MessageToDict(spec.deployment_spec), deployment)
    except json_format.ParseError as error:
        raise _refused(where, [f"Kubeflow's protocol buffers reject it: {error}"]) from error
    problems = [*_problems(spec, deployment), *_problems_of_values(document, spec)]
    if problems:
        raise _refused(where, problems)


def _refused(where: str, problems: list[str]) -> UserInputError:
    return UserInputError(
        f"{where} is a pipeline that cannot run ({len(problems)} to fix):\n    " + "\n    ".join(problems),
        expected=f"a pipeline of schema {SCHEMA_VERSION}, whose tasks, components and parameters match",
        fix="Correct the spec where it causes these, and compile it again: tfx-sequences compile.",
    )


def _problems(spec: Any, deployment: Any) -> Iterator[str]:
    if spec.schema_version != SCHEMA_VERSION:
        yield f"its schema is {spec.schema_version or 'none'}, not {SCHEMA_VERSION}"
    tasks, components, executors = spec.root.dag.tasks, spec.components, deployment.executors
    if not tasks:
        yield "it has no tasks"
    for name, component in sorted(components.items()):
        label = component.executor_label
        if label not in executors:
            yield f"component {name}: its executor '{label}' does not exist.{did_you_mean(label, executors)}"
        elif executors[label].HasField("container"):
            container = executors[label].container
            if not container.image or not (container.command or container.args):
                yield f"component {name}: its container has no image or no command"
    for name, task in sorted(tasks.items()):
        reference = task.component_ref.name
        if reference not in components:
            yield f"task {name}: its component '{reference}' does not exist.{did_you_mean(reference, components)}"
            continue
        for other in task.dependent_tasks:
            if other not in tasks:
                yield f"task {name}: waits for '{other}', which is not a task.{did_you_mean(other, tasks)}"
        yield from _problems_of_inputs(name, spec)
    yield from _cycles(tasks)


def _problems_of_inputs(name: str, spec: Any) -> Iterator[str]:
    """Compares one task's inputs with what its component takes and what the tasks before it produce."""
    tasks = spec.root.dag.tasks
    task = tasks[name]
    takes = spec.components[task.component_ref.name].input_definitions
    for key, given in sorted(task.inputs.artifacts.items()):
        producer, output = given.task_output_artifact.producer_task, given.task_output_artifact.output_artifact_key
        if key not in takes.artifacts:
            yield f"task {name}: its component takes no artifact '{key}'.{did_you_mean(key, takes.artifacts)}"
        elif producer not in tasks:
            yield f"task {name}: takes '{key}' from '{producer}', which is not a task.{did_you_mean(producer, tasks)}"
        # Reading a missing key of a message map creates it; a missing component is reported at its own task.
        elif tasks[producer].component_ref.name in spec.components:
            gives = spec.components[tasks[producer].component_ref.name].output_definitions.artifacts
            if output not in gives:
                yield f"task {name}: '{producer}' has no output '{output}'.{did_you_mean(output, gives)}"
            elif gives[output].artifact_type != takes.artifacts[key].artifact_type:
                yield f"task {name}: the type of '{key}' differs from that of output '{output}' of '{producer}'"
    for key in sorted(set(takes.artifacts) - set(task.inputs.artifacts)):
        if not getattr(takes.artifacts[key], "is_optional", False):
            yield f"task {name}: does not get the artifact '{key}' that its component takes"
    parameters = spec.root.input_definitions.parameters
    for key, given in sorted(task.inputs.parameters.items()):
        if key not in takes.parameters:
            yield f"task {name}: its component takes no parameter '{key}'.{did_you_mean(key, takes.parameters)}"
        of_pipeline = given.component_input_parameter
        if of_pipeline and of_pipeline not in parameters:
            yield f"task {name}: takes '{key}' from the pipeline's '{of_pipeline}', which it does not have"
        elif of_pipeline and parameters[of_pipeline].parameter_type != takes.parameters[key].parameter_type:
            yield f"task {name}: the type of '{key}' differs from that of the pipeline's '{of_pipeline}'"
        for wanted in _PARAMETER_PLACEHOLDER.findall(given.runtime_value.constant.string_value):
            if wanted not in task.inputs.parameters:
                yield f"task {name}: '{key}' needs a parameter '{wanted}', which the task does not get"
    constants = {key: given.runtime_value.constant.string_value for key, given in task.inputs.parameters.items()}
    size = len(json.dumps(constants))
    if size > _MOST_BYTES:
        yield (
            f"task {name}: its parameters take {size} bytes, but a command line holds {_MOST_BYTES};  "
            "replace long vocabularies in the spec by a vocabulary_file, or let Transform compute them"
        )
    for key in sorted(set(takes.parameters) - set(task.inputs.parameters)):
        if not (takes.parameters[key].is_optional or takes.parameters[key].HasField("default_value")):
            yield f"task {name}: does not get the parameter '{key}' that its component takes"


def _problems_of_values(document: Mapping[str, Any], spec: Any) -> Iterator[str]:
    """Compares a job's values with the pipeline's parameters."""
    known = spec.root.input_definitions.parameters
    given = document.get("runtimeConfig", {}).get("parameterValues", {}) if "pipelineSpec" in document else {}
    for name in sorted(set(given) - set(known)):
        yield f"it has a value for '{name}', which is not a parameter of the pipeline.{did_you_mean(name, known)}"
    for name in sorted(set(known) - set(given)):
        if not (known[name].is_optional or known[name].HasField("default_value")):
            yield f"its parameter '{name}' has neither a value nor a default"


def _cycles(tasks: Mapping[str, Any]) -> Iterator[str]:
    waiting = {}
    for name, task in tasks.items():
        # A task that takes another task's output waits for that task.
        producers = {given.task_output_artifact.producer_task for given in task.inputs.artifacts.values()}
        waiting[name] = {other for other in {*task.dependent_tasks, *producers} if other in tasks}
    while ready := [name for name, others in waiting.items() if not others]:
        for name in ready:
            del waiting[name]
        for others in waiting.values():
            others.difference_update(ready)
    if waiting:
        yield f"its tasks wait for each other in a circle: {', '.join(sorted(waiting))}"
