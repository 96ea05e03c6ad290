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
    """How a compiled pipeline will run on Vertex AI; None keeps the compiled value.

    Attributes:
        project: Google Cloud project ID.
        region: Vertex AI region, such as `europe-west4`.
        service_account: E-mail address of the account that the containers run as.
        network: Full name of the network to peer the containers with.
        labels: Labels of the job.
        data: URI of the folder of the TFRecords.
        output_root: URI of the folder for all output.
        training_steps: Maximum number of training steps.
        caching: Whether to reuse results of earlier runs.
        job_id: ID of the job; by default the pipeline's name and the time.
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
    tfx_sequences.errors.UserInputError: 'Team=speech' is not a label.
      expected: key=value, each of at most 63 lower-case letters, digits, - and _; the key starts with a letter
      received: --label Team=speech
      fix:      Correct --label.
    """
    found = {}
    for label in labels:
        key, separator, value = label.partition("=")
        if not separator or not _LABEL_KEY.fullmatch(key) or not _LABEL_VALUE.fullmatch(value):
            raise UserInputError(
                f"'{label}' is not a label.",
                expected="key=value, each of at most 63 lower-case letters, digits, - and _; the key starts with a "
                "letter",
                received=f"--label {label}",
                fix="Correct --label.",
            )
        found[key] = value
    return found


class VertexJob:
    """A compiled pipeline as a Vertex AI job that is not submitted yet.

    Args:
        pipeline: File that `compile` wrote.
        submission: How it will run.
        anonymous: Do not look for credentials: building the request does not need them, only submitting it does.

    Raises:
        UserInputError: The file is not a valid pipeline, or cannot run as submitted.
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
        """The request that `submit` sends, as parsed JSON."""
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
            UserInputError: Vertex AI rejected it, or no credentials were found.
        """
        with _explained():
            self._job.submit(service_account=self._submission.service_account, network=self._submission.network)
        return self._job.resource_name


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    """Turns errors of Google's client into our own."""
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
            f"Vertex AI rejected the job: {error.message}",
            received=f"status {error.code}",
            fix="Correct what the message names; --dry-run shows the whole request.",
        ) from error
    except ValueError as error:
        raise UserInputError(
            f"Vertex AI's client rejected the job: {error}", fix="Correct what the message names."
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
    """The values of the pipeline's parameters: the submission's, or the compiled ones where it has none."""
    known = pipeline_spec_of(document)["root"].get("inputDefinitions", {}).get("parameters", {})
    values = {name: parameter["defaultValue"] for name, parameter in known.items() if "defaultValue" in parameter}
    values |= document.get("runtimeConfig", {}).get("parameterValues", {})
    own = {DATA: submission.data, OUTPUT_ROOT: submission.output_root, TRAINING_STEPS: submission.training_steps}
    values |= {name: value for name, value in own.items() if value is not None}
    for name in (DATA, OUTPUT_ROOT):
        if not str(values.get(name, "")).startswith("gs://"):
            option = f"--{name.replace('_', '-')}"
            raise UserInputError(
                f"Vertex AI cannot access the pipeline's {name}.",
                expected="a Cloud Storage URI: gs://bucket/folder",
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
            fix=f"Correct --region.{did_you_mean(region, base.SUPPORTED_REGIONS)}",
        )
