"""Sends a compiled pipeline to Vertex AI, or shows the request that would be sent."""

from __future__ import annotations

import contextlib
import dataclasses
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tfx_sequences.errors import UserInputError, did_you_mean
from tfx_sequences.pipeline.cloud.compilation import ARTIFACTS, DATA, OUTPUT_ROOT, TRAINING_STEPS
from tfx_sequences.pipeline.cloud.compiled_spec import pipeline_spec_of, read_compiled, require

# https://cloud.google.com/vertex-ai/docs/general/labels: what a label may be.
_LABEL_KEY, _LABEL_VALUE = re.compile(r"[a-z][a-z0-9_-]{0,62}"), re.compile(r"[a-z0-9_-]{0,63}")


@dataclasses.dataclass(frozen=True)
class Submission:
    """How a compiled pipeline is to run on Vertex AI; None takes what was compiled.

    Attributes:
        project: Id of the project.
        region: Of Vertex AI, such as `europe-west4`.
        service_account: E-mail address of the account that the containers run as.
        network: Full name of the network they are peered with.
        labels: Of the job.
        data: URI of the folder of the TFRecords.
        output_root: URI below which everything is written.
        training_steps: Steps of training at most.
        caching: Whether results of earlier runs are taken.
        job_id: By default the pipeline's name and the time.
    """

    project: str
    region: str
    service_account: str | None = None
    network: str | None = None
    labels: Mapping[str, str] = dataclasses.field(default_factory=dict)
    data: str | None = None
    output_root: str | None = None
    training_steps: int | None = None
    caching: bool | None = None
    job_id: str | None = None


def parse_labels(labels: list[str]) -> dict[str, str]:
    """Labels given as `key=value`.

    >>> parse_labels(["team=speech", "stage=test"])
    {'team': 'speech', 'stage': 'test'}
    >>> parse_labels(["Team=speech"])
    Traceback (most recent call last):
      ...
    tfx_sequences.errors.UserInputError: 'Team=speech' is no label.
      expected: key=value of lower-case letters, digits, - and _, at most 63 each, the key from a letter on
      received: --label Team=speech
      fix:      Mend --label.
    """
    found = {}
    for label in labels:
        key, separator, value = label.partition("=")
        if not separator or not _LABEL_KEY.fullmatch(key) or not _LABEL_VALUE.fullmatch(value):
            raise UserInputError(
                f"'{label}' is no label.",
                expected="key=value of lower-case letters, digits, - and _, at most 63 each, the key from a letter on",
                received=f"--label {label}",
                fix="Mend --label.",
            )
        found[key] = value
    return found


class VertexJob:
    """A compiled pipeline as a job of Vertex AI, not yet sent.

    Args:
        pipeline: File that `compile` wrote.
        submission: How it is to run.
        anonymous: Asks for no credentials, which the request does not need, only its sending.

    Raises:
        UserInputError: The file is no pipeline that can run, or cannot run so.
    """

    def __init__(self, pipeline: Path, submission: Submission, *, anonymous: bool = False) -> None:
        require("google.cloud.aiplatform", "google-cloud-aiplatform", "Vertex AI is reached through it")
        self._submission = submission
        document = _read(pipeline)
        values = _values(document, submission)
        from google.auth.credentials import AnonymousCredentials
        from google.cloud import aiplatform

        _check_region(submission.region)
        with _explained():
            self._job = aiplatform.PipelineJob(
                display_name=pipeline_spec_of(document)["pipelineInfo"]["name"],
                template_path=str(pipeline),
                job_id=submission.job_id,
                pipeline_root=f"{values[OUTPUT_ROOT].rstrip('/')}/{ARTIFACTS}",
                parameter_values=values,
                enable_caching=submission.caching,
                labels={**document.get("labels", {}), **submission.labels},
                credentials=AnonymousCredentials() if anonymous else None,
                project=submission.project,
                location=submission.region,
            )

    def request(self) -> dict[str, Any]:
        """The request that `submit` sends, as JSON has it."""
        job = self._job.to_dict()
        if self._submission.service_account:
            job["serviceAccount"] = self._submission.service_account
        if self._submission.network:
            job["network"] = self._submission.network
        parent = f"projects/{self._submission.project}/locations/{self._submission.region}"
        return {"parent": parent, "pipelineJobId": self._job.job_id, "pipelineJob": job}

    @property
    def console_url(self) -> str:
        """Where the console shows the job, once it is submitted."""
        place = f"locations/{self._submission.region}/pipelines/runs/{self._job.job_id}"
        return f"https://console.cloud.google.com/vertex-ai/{place}?project={self._submission.project}"

    def submit(self) -> str:
        """Sends the request; returns the job's full name.

        Raises:
            UserInputError: Vertex AI refused it, or there are no credentials.
        """
        with _explained():
            self._job.submit(service_account=self._submission.service_account, network=self._submission.network)
        return self._job.resource_name


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    """Turns what Google's client says into our own errors."""
    from google.api_core.exceptions import ClientError
    from google.auth.exceptions import GoogleAuthError

    try:
        yield
    except GoogleAuthError as error:
        raise UserInputError(
            f"Google Cloud does not know who is asking: {error}",
            expected="credentials of an account that may create pipeline jobs",
            fix="Log in with: gcloud auth application-default login",
        ) from error
    except ClientError as error:
        raise UserInputError(
            f"Vertex AI refuses the job: {error.message}",
            received=f"status {error.code}",
            fix="Mend what it names; --dry-run shows the whole request.",
        ) from error
    except ValueError as error:
        raise UserInputError(
            f"Vertex AI's client refuses the job: {error}", fix="Mend what the message names."
        ) from error


def _read(pipeline: Path) -> dict[str, Any]:
    try:
        return read_compiled(pipeline.read_text("utf-8"), str(pipeline))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UserInputError(
            f"The pipeline {pipeline} cannot be read: {reason}.",
            expected="a file that tfx-sequences compile wrote",
            fix="Check the path.",
        ) from error


def _values(document: Mapping[str, Any], submission: Submission) -> dict[str, Any]:
    """The values of the pipeline's parameters: those compiled, and the submission's in their place."""
    known = pipeline_spec_of(document)["root"].get("inputDefinitions", {}).get("parameters", {})
    values = {name: parameter["defaultValue"] for name, parameter in known.items() if "defaultValue" in parameter}
    values |= document.get("runtimeConfig", {}).get("parameterValues", {})
    own = {DATA: submission.data, OUTPUT_ROOT: submission.output_root, TRAINING_STEPS: submission.training_steps}
    values |= {name: value for name, value in own.items() if value is not None}
    for name in (DATA, OUTPUT_ROOT):
        if not str(values.get(name, "")).startswith("gs://"):
            option = f"--{name.replace('_', '-')}"
            raise UserInputError(
                f"Vertex AI does not reach the pipeline's {name}.",
                expected="a URI of Cloud Storage: gs://bucket/folder",
                received=f"'{values.get(name, '')}'",
                fix=f"Give {option} here, or to tfx-sequences compile.",
            )
    return values


def _check_region(region: str) -> None:
    from google.cloud.aiplatform.constants import base

    if region not in base.SUPPORTED_REGIONS:
        raise UserInputError(
            "Vertex AI has no such region.",
            expected=f"one of {', '.join(sorted(base.SUPPORTED_REGIONS))}",
            received=f"--region {region}",
            fix=f"Mend --region.{did_you_mean(region, base.SUPPORTED_REGIONS)}",
        )
