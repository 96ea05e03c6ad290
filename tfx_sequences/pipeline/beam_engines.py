"""Beam's options from the name of an engine: what it needs, which options suit it, and whether it can be reached."""

from __future__ import annotations

import os
import shutil
import socket
import urllib.parse
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from tfx_sequences.errors import UserInputError, did_you_mean

ENGINES = ("direct", "prism", "portable", "flink", "spark", "dataflow")
"""The names of `--beam-runner`."""

_RUNNERS = {
    "direct": "FnApiRunner",
    "prism": "PrismRunner",
    "portable": "PortableRunner",
    "flink": "FlinkRunner",
    "spark": "SparkRunner",
    "dataflow": "DataflowRunner",
}
# Keeps TFX from building a source distribution of itself for each component.
_NO_SDIST = "--sdk_container_image=none"
# Engines end a worker with its stage; each new one imports TensorFlow, so they are kept for the next stage.
_KEEP_WORKERS = "--environment_cache_millis=600000"
_SECONDS_TO_CONNECT = 5.0


class _Cluster(NamedTuple):
    """How an engine names its cluster and the job server in front of it."""

    master: str
    jar: str
    here: tuple[str, ...]
    """Values of the master option with which the job server starts a cluster on this machine."""


_CLUSTERS = {
    "flink": _Cluster("flink_master", "flink_job_server_jar", ("[local]", "[auto]")),
    "spark": _Cluster("spark_master_url", "spark_job_server_jar", ("local",)),
}


def beam_pipeline_args(options: Sequence[str], engine: str | None = None) -> list[str]:
    """Beam's options for an engine, including the user's own.

    Args:
        options: The user's options, as `--name=value`; they override our defaults for the engine.
        engine: One of `ENGINES`; None means `direct`, unless `options` contains a `--runner`: then they
            are returned unchanged.

    Raises:
        UserInputError: The engine is unknown, an option it needs is missing, or two runners are named.

    >>> beam_pipeline_args(["--direct_num_workers=1"])
    ['--runner=FnApiRunner', '--sdk_container_image=none', '--direct_num_workers=1']
    >>> beam_pipeline_args(["--runner=PortableRunner"])
    ['--runner=PortableRunner']
    >>> beam_pipeline_args(["--job_endpoint=localhost:8099"], "portable")
    ['--runner=PortableRunner', '--environment_cache_millis=600000', '--environment_type=LOOPBACK',
     '--sdk_container_image=none', '--job_endpoint=localhost:8099']
    """
    given = _given(options)
    if engine is None:
        if "runner" in given:
            return [*options]
        engine = "direct"
    if engine not in ENGINES:
        raise UserInputError(
            f"Beam has no engine '{engine}'.{did_you_mean(engine, ENGINES)}",
            expected=", ".join(ENGINES),
            received=f"--beam-runner {engine}",
            fix="Choose one of these. For any other Beam runner, leave out --beam-runner and pass "
            "--beam-arg=--runner=NAME.",
        )
    if "runner" in given:
        raise UserInputError(
            "Two Beam runners are named.",
            expected="either --beam-runner, or --runner among Beam's own options",
            received=f"--beam-runner {engine} and --runner={given['runner']}",
            fix="Remove one of them.",
        )
    added = _needed(engine, given)
    return [f"--runner={_RUNNERS[engine]}", *(arg for arg in added if _name(arg) not in given), *options]


def check_runner(beam_args: Sequence[str]) -> None:
    """Raises `UserInputError` if Beam has no runner with the name given in the options."""
    from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
    from apache_beam.runners.runner import create_runner

    name = PipelineOptions(list(beam_args)).view_as(StandardOptions).runner
    try:
        create_runner(name)
    except (ValueError, ImportError, AttributeError) as error:
        raise UserInputError(
            f"Beam has no runner '{name}'.",
            expected="FnApiRunner, PrismRunner, PortableRunner, FlinkRunner, SparkRunner or DataflowRunner",
            received=f"--runner={name}",
            fix="Correct --beam-arg, or leave it out.",
        ) from error


def check_engine(beam_args: Sequence[str]) -> None:
    """Raises unless Beam has the runner and, as far as this machine can tell, its servers answer.

    Args:
        beam_args: The options that `beam_pipeline_args` returned.

    Raises:
        UserInputError: Beam does not have this runner; a jar, a program or Java is missing; nothing
            listens at the address of a job server or cluster.
    """
    check_runner(beam_args)
    given = _given(beam_args)
    for option in ("job_endpoint", "flink_master", "spark_master_url"):
        if option in given and given[option] != "embed":
            _check_listens(option, given[option])
    environment = given.get("environment_config", "")
    if given.get("environment_type") == "EXTERNAL" and _is_here(environment):
        _check_listens("environment_config", environment)
    for jar in ("flink_job_server_jar", "spark_job_server_jar"):
        if jar in given and "job_endpoint" not in given:
            _check_jar(jar, given[jar])


def check_reach(beam_args: Sequence[str], paths: Mapping[str, object]) -> None:
    """Raises if workers in the cloud would have to read or write a path on this machine.

    Args:
        beam_args: The options that `beam_pipeline_args` returned.
        paths: Each path by its name in messages: `{"data folder": "gs://bucket/data"}`.

    >>> check_reach(["--runner=DataflowRunner"], {"output folder": "out"})
    Traceback (most recent call last):
      ...
    tfx_sequences.errors.UserInputError: Dataflow's workers cannot see the output folder.
      expected: gs://...
      received: out
      fix:      Copy it to a bucket. To run the whole pipeline in the cloud, use 'tfx-sequences compile'.
    """
    if _given(beam_args).get("runner") != "DataflowRunner":
        return
    for name, path in paths.items():
        if not str(path).startswith("gs://"):
            raise UserInputError(
                f"Dataflow's workers cannot see the {name}.",
                expected="gs://...",
                received=str(path),
                fix="Copy it to a bucket. To run the whole pipeline in the cloud, use 'tfx-sequences compile'.",
            )


def _needed(engine: str, given: Mapping[str, str]) -> list[str]:
    """The options that are added to the user's; raises if a required one is missing."""
    if engine == "direct":
        return [_NO_SDIST]
    if engine == "prism":
        return [f"--prism_location={given.get('prism_location') or _prism()}", _NO_SDIST]
    if engine == "dataflow":
        _need(engine, given, "project", "region", "temp_location", "sdk_container_image")
        return []
    here = False
    if engine in _CLUSTERS:
        cluster = _CLUSTERS[engine]
        if "job_endpoint" not in given:
            _need(engine, given, cluster.master, instead=" or --job_endpoint of a running job server")
            if not shutil.which("java"):
                raise UserInputError(
                    f"Beam's job server for {engine.title()} needs Java.",
                    expected="java on PATH, or --job_endpoint of a job server on another machine",
                    fix="Install a JRE, version 11 or 17, or start the job server on a machine that has one.",
                )
            here = given[cluster.master].startswith(cluster.here)
    elif "job_endpoint" not in given:
        _need(engine, given, "job_endpoint")
    # If the engine runs on this machine, this very process can be its worker.
    here = here or given.get("job_endpoint") == "embed"
    here = here or (_is_here(given.get("job_endpoint", "")) and "environment_config" not in given)
    environment = given.get("environment_type") or ("LOOPBACK" if here else None)
    if environment is None:
        _need(engine, given, "environment_type", value="EXTERNAL", instead=" (or PROCESS, or DOCKER)")
    if environment in ("EXTERNAL", "PROCESS"):
        _need(
            engine, given, "environment_config", value="HOST:PORT" if environment == "EXTERNAL" else '{"command": ...}'
        )
    if environment == "DOCKER" and not {"environment_config", "sdk_container_image"} & given.keys():
        _need(engine, given, "environment_config", value="IMAGE")
    added = [_KEEP_WORKERS, f"--environment_type={environment}"]
    return added if environment == "DOCKER" else [*added, _NO_SDIST]


def _need(engine: str, given: Mapping[str, str], *names: str, value: str = "...", instead: str = "") -> None:
    missing = [f"--{name}={value}" for name in names if not given.get(name)]
    if missing:
        told = " ".join(f"--{name}={text}" for name, text in given.items()) or "none"
        raise UserInputError(
            f"The engine '{engine}' needs another Beam option.",
            expected=" and ".join(missing) + instead,
            received=told,
            fix=" ".join(f"--beam-arg={arg}" for arg in missing) + ", see docs/engines.md.",
        )


def _prism() -> str:
    places = [os.environ.get("GOBIN", ""), os.path.expanduser("~/go/bin")]
    found = shutil.which("prism") or shutil.which("prism", path=os.pathsep.join(filter(None, places)))
    if found is None:
        raise UserInputError(
            "Beam's Prism was not found.",
            expected="the program prism on PATH or in Go's bin folder, or --prism_location=FILE",
            fix="Build it: go install github.com/apache/beam/sdks/v2/go/cmd/prism@latest",
        )
    return found


def _check_listens(option: str, address: str) -> None:
    place = urllib.parse.urlsplit(address if "://" in address else f"//{address}")
    try:
        host, port = place.hostname, place.port
    except ValueError:
        host, port = None, None
    if host is None or port is None:
        # [local], local[4], yarn: the job server starts or finds these itself.
        return
    try:
        socket.create_connection((host, port), timeout=_SECONDS_TO_CONNECT).close()
    except OSError as error:
        raise UserInputError(
            f"No server answers at {address}.",
            expected=f"a server listening at the address in --{option}",
            received=str(error),
            fix=f"Start the server, or correct --{option}.",
        ) from error


def _check_jar(option: str, jar: str) -> None:
    # A URL is fetched by Beam.
    if not urllib.parse.urlsplit(jar).scheme and not os.path.isfile(jar):
        raise UserInputError(
            "The jar of Beam's job server does not exist.",
            expected="the path or URL of a jar",
            received=f"--{option}={jar}",
            fix="Correct the path; docs/engines.md says where to get the jar.",
        )


def _is_here(address: str) -> bool:
    return address.rpartition(":")[0] in ("localhost", "127.0.0.1", "[::1]")


def _given(options: Iterable[str]) -> dict[str, str]:
    """Values by name, from `--name=value`, `--name value` and bare `--name`; the last one wins."""
    given: dict[str, str] = {}
    name = None
    for word in options:
        if word.startswith("--"):
            name, _, value = word[2:].partition("=")
            given[name] = value
        elif name is not None:
            given[name] = word
            name = None
    return given


def _name(option: str) -> str:
    return option[2:].partition("=")[0]
