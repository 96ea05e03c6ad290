"""Plays the part of Vertex AI's driver: runs the containers of a compiled pipeline as processes of this machine.

The driver resolves parameters, names artifacts below the pipeline's root, hands each container one JSON with its inputs
and outputs, and passes on what the container says of its outputs. Command lines are those of the compiled file.
"""

from __future__ import annotations

import copy
import dataclasses
import json
import os
import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

_STORE = "projects/1/locations/here/metadataStores/default/artifacts"


class ContainerFailedError(Exception):
    """A container ended with another code than 0."""


@dataclasses.dataclass
class Containers:
    """A job of Vertex AI, run task by task.

    Attributes:
        job: The compiled `PipelineJob`.
        programs: Folder that containers find `python` in.
        work: Folder for logs, and the processes' own.
        parameters: Values in place of those compiled.
        outputs: Artifacts of the tasks that have run, by task and output.
        earlier: Artifacts of the pipeline's earlier jobs, the newest last.
        number: Of this job among the pipeline's.
    """

    job: dict[str, Any]
    programs: Path
    work: Path
    parameters: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    outputs: dict[str, dict[str, list[dict[str, Any]]]] = dataclasses.field(default_factory=dict)
    earlier: Sequence[dict[str, Any]] = ()
    number: int = 1

    def next_job(self) -> Containers:
        """Another job of the pipeline, all of whose tasks are cached as yet."""
        made = [artifact for of_task in self.outputs.values() for some in of_task.values() for artifact in some]
        return dataclasses.replace(
            self, outputs=copy.deepcopy(self.outputs), earlier=[*self.earlier, *made], number=self.number + 1
        )

    @property
    def spec(self) -> dict[str, Any]:
        return self.job["pipelineSpec"]

    def run(self, before: Callable[[str, Containers], None] = lambda task, containers: None) -> list[str]:
        """Runs all tasks, each when those it waits for have ended; returns their names in that order.

        Args:
            before: Called with each task's name before it runs.
        """
        waiting = {name: waits_for(task) for name, task in self.spec["root"]["dag"]["tasks"].items()}
        ran: list[str] = []
        while len(ran) < len(waiting):
            ready = [name for name, others in waiting.items() if name not in ran and others <= set(ran)]
            for name in sorted(ready):
                before(name, self)
                self.run_task(name)
                ran.append(name)
        return ran

    def run_task(self, name: str) -> None:
        """Runs one task's container; its outputs are then known."""
        executor = self._executor(name)
        if "resolver" in executor:
            queries = executor["resolver"]["outputArtifactQueries"]
            self.outputs[name] = {output: self._found(name, query["filter"]) for output, query in queries.items()}
            return
        if "container" not in executor:
            raise NotImplementedError(f"{name} is neither a container nor a resolver")
        executor_input = self.executor_input(name)
        self.outputs[name] = {k: v["artifacts"] for k, v in executor_input["outputs"].get("artifacts", {}).items()}
        check = executor["container"].get("lifecycle", {}).get("preCacheCheck")
        if check:
            self._process(f"{name}.driver", check, executor_input)
            self._take_outputs(name, executor_input)
        self._process(name, executor["container"], executor_input)
        self._take_outputs(name, executor_input)

    def start(self, name: str) -> subprocess.Popen[bytes]:
        """Starts one task's container and leaves it to the caller; its outputs stay unknown."""
        command = command_line(self._executor(name)["container"], self.executor_input(name))
        with (self.work / f"{name}.started.log").open("wb") as log:
            return subprocess.Popen(command, **self._surroundings(), stdout=log, stderr=subprocess.STDOUT)

    def executor_input(self, name: str) -> dict[str, Any]:
        """The message that stands for `{{$}}` in a container's command line."""
        task = self.spec["root"]["dag"]["tasks"][name]
        component = self.spec["components"][task["componentRef"]["name"]]
        folder = f"{self.job['runtimeConfig']['gcsOutputDirectory']}/1/job{self.number}/{name}_1"
        given = task.get("inputs", {})
        inputs = {key: {"artifacts": artifacts} for key, artifacts in self._inputs(name).items()}
        outputs = {
            key: {
                "artifacts": [
                    {
                        "name": f"{_STORE}/{self.number}-{name}-{key}",
                        "uri": f"{folder}/{key}",
                        "type": output["artifactType"],
                        "metadata": output.get("metadata", {}),
                    }
                ]
            }
            for key, output in component.get("outputDefinitions", {}).get("artifacts", {}).items()
        }
        return {
            "inputs": {
                "parameterValues": {k: self._value(v) for k, v in given.get("parameters", {}).items()},
                "artifacts": inputs,
            },
            "outputs": {"artifacts": outputs, "outputFile": f"{folder}/executor_output.json"},
        }

    def _inputs(self, name: str) -> dict[str, list[dict[str, Any]]]:
        given = self.spec["root"]["dag"]["tasks"][name].get("inputs", {}).get("artifacts", {})
        sources = {key: of["taskOutputArtifact"] for key, of in given.items()}
        return {k: copy.deepcopy(self.outputs[s["producerTask"]][s["outputArtifactKey"]]) for k, s in sources.items()}

    def _found(self, name: str, query: str) -> list[dict[str, Any]]:
        """What a resolver's query finds: the newest artifact with all that it asks for, or none."""
        inputs = self._inputs(name)

        def value(placeholder: re.Match[str]) -> str:
            given = inputs[placeholder["input"]]
            # Of nothing it stands for nothing, which no artifact is called.
            return str(given[0]["metadata"][placeholder["key"]]) if given else ""

        query = re.sub(r"{{\$\.inputs\.artifacts\['(?P<input>\w+)'\]\.metadata\['(?P<key>\w+)'\]}}", value, query)
        wanted = dict(term.split("=", 1) for term in query.split(" AND "))
        return copy.deepcopy([a for a in self.earlier if {**_asked_for(a), **wanted} == _asked_for(a)][-1:])

    def _value(self, given: Mapping[str, Any]) -> Any:
        if "runtimeValue" in given:
            return given["runtimeValue"]["constant"]
        return {**self.job["runtimeConfig"]["parameterValues"], **self.parameters}[given["componentInputParameter"]]

    def _executor(self, name: str) -> dict[str, Any]:
        component = self.spec["components"][self.spec["root"]["dag"]["tasks"][name]["componentRef"]["name"]]
        return self.spec["deploymentSpec"]["executors"][component["executorLabel"]]

    def _process(self, name: str, container: Mapping[str, Any], executor_input: Mapping[str, Any]) -> None:
        log = self.work / f"{name}.log"
        with log.open("wb") as file:
            command = command_line(container, executor_input)
            done = subprocess.run(command, **self._surroundings(), stdout=file, stderr=subprocess.STDOUT, check=False)
        if done.returncode:
            text = log.read_text("utf-8", errors="replace")
            raise ContainerFailedError(f"{name} ended with {done.returncode}:\n{text[-6000:]}")

    def _surroundings(self) -> dict[str, Any]:
        """Of an image: none of this machine's Python settings, and a folder where nothing of ours lies."""
        kept = {
            k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "KERAS", "TF_", "VIRTUAL_ENV", "UV_"))
        }
        return {"cwd": self.work, "env": {**kept, "PATH": f"{self.programs}{os.pathsep}{os.environ['PATH']}"}}

    def _take_outputs(self, name: str, executor_input: dict[str, Any]) -> None:
        told = json.loads(Path(executor_input["outputs"]["outputFile"]).read_text("utf-8"))
        for key, said in told.get("artifacts", {}).items():
            [artifact], [news] = self.outputs[name][key], said["artifacts"]
            artifact["uri"] = news.get("uri", artifact["uri"])
            artifact["metadata"] = {**artifact["metadata"], **news.get("metadata", {})}


def _asked_for(artifact: Mapping[str, Any]) -> dict[str, str]:
    """All that a resolver's query may ask of an artifact, in the query's words."""
    [title] = re.findall(r"^title: (\S+)$", artifact["type"]["instanceSchema"], re.M)
    numbers = {key: value for key, value in artifact["metadata"].items() if isinstance(value, int | float)}
    return {
        "schema_title": f'"{title}"',
        "state": "LIVE",
        "name": f'"{artifact["name"]}"',
        **{f"metadata.{key}.number_value": f"{value:g}" for key, value in numbers.items()},
    }


def waits_for(task: Mapping[str, Any]) -> set[str]:
    """The tasks that a task names, and those whose outputs it takes."""
    given = task.get("inputs", {}).get("artifacts", {}).values()
    return {*task.get("dependentTasks", ()), *(of["taskOutputArtifact"]["producerTask"] for of in given)}


def command_line(container: Mapping[str, Any], executor_input: Mapping[str, Any]) -> list[str]:
    """What the compiled file says is run, with the one placeholder that it may hold replaced."""
    words = [*container.get("command", ()), *container.get("args", ())]
    text = json.dumps(executor_input)
    return [text if word == "{{$}}" else word for word in words]
