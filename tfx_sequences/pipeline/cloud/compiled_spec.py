"""Compiled pipelines: read strictly into Kubeflow's own protocol buffers, and their graph checked.

The protocol buffers refuse unknown fields, but not a task that waits for one that is not there; no service has to
be asked to find that out.
"""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from tfx_sequences.errors import EnvironmentNotSupportedError, UserInputError, did_you_mean

# What Kubeflow Pipelines 2 and Vertex AI both read.
SCHEMA_VERSION = "2.1.0"

# Linux takes 128 KiB in one word of a command line; a task's parameters are one word, with its artifacts.
_MOST_BYTES = 120_000

_PARAMETER_PLACEHOLDER = re.compile(r"\{\{\$\.inputs\.parameters\['([^']+)'\]\}\}")


def require(module: str, distribution: str, what_for: str) -> None:
    """Raises `EnvironmentNotSupportedError` unless a module of the extra `vertex` is installed.

    >>> require("kfp.no_such_module", "kfp-nothing", "examples are made of it")
    Traceback (most recent call last):
      ...
    tfx_sequences.errors.EnvironmentNotSupportedError: kfp-nothing is not installed, and examples are made of it.
      expected: the extra vertex
      received: no module 'kfp.no_such_module'
      fix:      Install it here: pip install 'tfx-sequences[vertex]', or uv pip install 'tfx-sequences[vertex]'
    """
    try:
        found = importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # of a package around it
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
    require("kfp.pipeline_spec", "kfp-pipeline-spec", "compiled pipelines are made of its protocol buffers")


def pipeline_spec_of(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """The pipeline's specification in a compiled document, which for Vertex AI is a job with more around it."""
    found = document.get("pipelineSpec", document)
    return found if isinstance(found, Mapping) else {}


def read_compiled(text: str, where: str) -> dict[str, Any]:
    """The document of a compiled pipeline, JSON or YAML, checked.

    Args:
        text: What `compile` wrote.
        where: What messages call it, usually its file.

    Raises:
        UserInputError: It is no compiled pipeline, or one that could not run.
    """
    try:
        # For PyYAML, JSON is YAML, but slow.
        document = json.loads(text) if text.lstrip().startswith("{") else yaml.safe_load(text)
    except (json.JSONDecodeError, yaml.YAMLError) as error:
        raise UserInputError(
            f"{where} is neither JSON nor YAML: {error}", fix="Compile the pipeline again: tfx-sequences compile."
        ) from error
    if not isinstance(document, dict) or "pipelineInfo" not in pipeline_spec_of(document):
        raise UserInputError(
            f"{where} is no compiled pipeline.",
            expected="what tfx-sequences compile writes: JSON or YAML with pipelineInfo, components and root",
            received=f"{', '.join(map(repr, list(document)[:6]))}"
            if isinstance(document, dict)
            else f"{document!r:.60}",
            fix="Give the file that -o named.",
        )
    check_compiled(document, where)
    return document


def check_compiled(document: Mapping[str, Any], where: str) -> None:
    """Raises `UserInputError` unless Kubeflow's protocol buffers take the document and its graph holds together.

    Args:
        document: A `PipelineJob` (of Vertex AI) or a `PipelineSpec` (of Kubeflow), as JSON has it.
        where: What messages call it.
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
        raise _refused(where, [f"Kubeflow's protocol buffers refuse it: {error}"]) from error
    problems = [*_problems(spec, deployment), *_problems_of_values(document, spec)]
    if problems:
        raise _refused(where, problems)


def _refused(where: str, problems: list[str]) -> UserInputError:
    return UserInputError(
        f"{where} is a pipeline that cannot run ({len(problems)} to mend):\n    " + "\n    ".join(problems),
        expected=f"a pipeline of schema {SCHEMA_VERSION}, whose tasks, components and parameters fit each other",
        fix="Mend what is named in the spec, and compile it again: tfx-sequences compile.",
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
            yield f"component {name}: there is no executor '{label}'.{did_you_mean(label, executors)}"
        elif executors[label].HasField("container"):
            container = executors[label].container
            if not container.image or not (container.command or container.args):
                yield f"component {name}: its container has no image or no command"
    for name, task in sorted(tasks.items()):
        reference = task.component_ref.name
        if reference not in components:
            yield f"task {name}: there is no component '{reference}'.{did_you_mean(reference, components)}"
            continue
        for other in task.dependent_tasks:
            if other not in tasks:
                yield f"task {name}: waits for '{other}', which is no task.{did_you_mean(other, tasks)}"
        yield from _problems_of_inputs(name, spec)
    yield from _cycles(tasks)


def _problems_of_inputs(name: str, spec: Any) -> Iterator[str]:
    """Of one task: what it is given, against what its component takes and the tasks before it give."""
    tasks = spec.root.dag.tasks
    task = tasks[name]
    takes = spec.components[task.component_ref.name].input_definitions
    for key, given in sorted(task.inputs.artifacts.items()):
        producer, output = given.task_output_artifact.producer_task, given.task_output_artifact.output_artifact_key
        if key not in takes.artifacts:
            yield f"task {name}: its component takes no artifact '{key}'.{did_you_mean(key, takes.artifacts)}"
        elif producer not in tasks:
            yield f"task {name}: takes '{key}' from '{producer}', which is no task.{did_you_mean(producer, tasks)}"
        # A map of messages makes what is asked for; a component that is missing is told at its own task.
        elif tasks[producer].component_ref.name in spec.components:
            gives = spec.components[tasks[producer].component_ref.name].output_definitions.artifacts
            if output not in gives:
                yield f"task {name}: '{producer}' has no output '{output}'.{did_you_mean(output, gives)}"
            elif gives[output].artifact_type != takes.artifacts[key].artifact_type:
                yield f"task {name}: takes '{key}' of another type than output '{output}' of '{producer}' has"
    for key in sorted(set(takes.artifacts) - set(task.inputs.artifacts)):
        if not getattr(takes.artifacts[key], "is_optional", False):
            yield f"task {name}: is not given the artifact '{key}' that its component takes"
    parameters = spec.root.input_definitions.parameters
    for key, given in sorted(task.inputs.parameters.items()):
        if key not in takes.parameters:
            yield f"task {name}: its component takes no parameter '{key}'.{did_you_mean(key, takes.parameters)}"
        of_pipeline = given.component_input_parameter
        if of_pipeline and of_pipeline not in parameters:
            yield f"task {name}: takes '{key}' from the pipeline's '{of_pipeline}', which it does not have"
        elif of_pipeline and parameters[of_pipeline].parameter_type != takes.parameters[key].parameter_type:
            yield f"task {name}: takes '{key}' of another type than the pipeline's '{of_pipeline}' has"
        for wanted in _PARAMETER_PLACEHOLDER.findall(given.runtime_value.constant.string_value):
            if wanted not in task.inputs.parameters:
                yield f"task {name}: '{key}' needs a parameter '{wanted}', which the task is not given"
    constants = {key: given.runtime_value.constant.string_value for key, given in task.inputs.parameters.items()}
    size = len(json.dumps(constants))
    if size > _MOST_BYTES:
        yield (
            f"task {name}: its parameters take {size} bytes, and a command line holds {_MOST_BYTES} of them; "
            "long lists of terms in the spec are better a vocabulary_file, or computed"
        )
    for key in sorted(set(takes.parameters) - set(task.inputs.parameters)):
        if not (takes.parameters[key].is_optional or takes.parameters[key].HasField("default_value")):
            yield f"task {name}: is not given the parameter '{key}' that its component takes"


def _problems_of_values(document: Mapping[str, Any], spec: Any) -> Iterator[str]:
    """Of a job: its values, against the pipeline's parameters."""
    known = spec.root.input_definitions.parameters
    given = document.get("runtimeConfig", {}).get("parameterValues", {}) if "pipelineSpec" in document else {}
    for name in sorted(set(given) - set(known)):
        yield f"it has a value for '{name}', which is no parameter of the pipeline.{did_you_mean(name, known)}"
    for name in sorted(set(known) - set(given)):
        if not (known[name].is_optional or known[name].HasField("default_value")):
            yield f"its parameter '{name}' has neither a value nor a default"


def _cycles(tasks: Mapping[str, Any]) -> Iterator[str]:
    waiting = {}
    for name, task in tasks.items():
        # To take another's output is to wait for it.
        producers = {given.task_output_artifact.producer_task for given in task.inputs.artifacts.values()}
        waiting[name] = {other for other in {*task.dependent_tasks, *producers} if other in tasks}
    while ready := [name for name, others in waiting.items() if not others]:
        for name in ready:
            del waiting[name]
        for others in waiting.values():
            others.difference_update(ready)
    if waiting:
        yield f"its tasks wait for each other in a circle: {', '.join(sorted(waiting))}"
