"""The deployment file: the machines for the components of a pipeline on a cluster."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path

import pydantic
import yaml

from tfx_sequences.errors import UserInputError, did_you_mean
from tfx_sequences.schemas.columns.base import Declared, Strings
from tfx_sequences.schemas.spec.spec_io import explain_problems
from tfx_sequences.schemas.spec.yaml_nodes import load


class Accelerator(Declared):
    """Accelerators of one container."""

    type: str = pydantic.Field(min_length=1)
    """The runner's name for it: `NVIDIA_TESLA_T4` on Vertex AI, `nvidia.com/gpu` on Kubernetes."""
    count: pydantic.PositiveInt = 1


class ComponentDeployment(Declared):
    """The resources of one component. The runner's own defaults apply to missing keys."""

    cpu: float | None = pydantic.Field(None, gt=0)
    """Cores."""
    memory_gb: float | None = pydantic.Field(None, gt=0)
    """Memory, in GB of 10^9 bytes."""
    accelerator: Accelerator | None = None
    image: str | None = pydantic.Field(None, min_length=1)
    """A container image instead of the image of `--image`; for example, one with CUDA for the trainer."""
    retries: pydantic.NonNegativeInt | None = None
    """How often a failed or preempted container is restarted; the trainer then resumes."""
    beam_args: Strings = ()
    """Beam options, such as `--runner=DataflowRunner`; only for components that run Beam."""

    @pydantic.field_validator("beam_args")
    @classmethod
    def _check_beam_args(cls, beam_args: tuple[str, ...]) -> tuple[str, ...]:
        # Beam ignores what does not look like an option.
        for argument in beam_args:
            if not argument.startswith("--"):
                raise ValueError(f"'{argument}' is not a Beam option: write it as --name=value")
        return beam_args


class Deployment(Declared):
    """Machines, accelerators, images and Beam options of a pipeline, by component.

    >>> deployment = Deployment(
    ...     defaults={"cpu": 2, "memory_gb": 8}, components={"SequenceTrainer": {"memory_gb": 32}}
    ... )
    >>> trainer = deployment.of("SequenceTrainer")
    >>> trainer.cpu, trainer.memory_gb
    (2.0, 32.0)
    """

    defaults: ComponentDeployment = ComponentDeployment()
    """Defaults for every component; `beam_args` only apply to components that run Beam."""
    components: dict[str, ComponentDeployment] = {}
    """Settings by component id; the documentation of the pipeline lists the ids."""

    def of(self, component: str) -> ComponentDeployment:
        """The settings of a component: its own values, and defaults for the others."""
        own = self.components.get(component, ComponentDeployment())
        return self.defaults.model_copy(update={field: getattr(own, field) for field in own.model_fields_set})

    def check(self, components: Collection[str], with_beam: Collection[str]) -> None:
        """Raises `UserInputError` for an unknown component, or for Beam options of a component that does not run Beam.

        Args:
            components: Ids of the pipeline's components.
            with_beam: Ids of the components that run Beam.

        >>> Deployment(components={"Trainer": {"cpu": 4}}).check(["Transform", "SequenceTrainer"], ["Transform"])
        Traceback (most recent call last):
          ...
        tfx_sequences.errors.UserInputError: The deployment file names a component that the pipeline does not have.
          expected: one of Transform, SequenceTrainer
          received: 'Trainer'
          fix:      Correct components in the deployment file. Did you mean 'SequenceTrainer'?
        """
        for name, own in self.components.items():
            if name not in components:
                raise UserInputError(
                    "The deployment file names a component that the pipeline does not have.",
                    expected=f"one of {', '.join(components)}",
                    received=f"'{name}'",
                    fix=f"Correct components in the deployment file.{did_you_mean(name, components)}",
                )
            if own.beam_args and name not in with_beam:
                raise UserInputError(
                    f"The deployment file sets Beam options for {name}, which does not run Beam.",
                    expected=f"beam_args for {', '.join(with_beam)}",
                    received=f"components.{name}.beam_args: {list(own.beam_args)}",
                    fix="Remove them, or set them for another component.",
                )


def load_deployment(path: Path) -> Deployment:
    """Reads a deployment file: YAML with `defaults` and `components`.

    Args:
        path: The file.

    Raises:
        UserInputError: The file cannot be read, is not YAML, or does not describe a deployment; the message
            names the line and the closest known key.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UserInputError(
            f"The deployment file {path} cannot be read: {reason}.",
            expected="a YAML file with defaults and components",
            fix="Check --deployment.",
        ) from error
    node, data = load(text, str(path))
    if data is None:
        return Deployment()
    if not isinstance(node, yaml.MappingNode):
        raise UserInputError(
            f"{path} is not a deployment.", expected="a mapping with defaults and components", received=f"{data!r:.60}"
        )
    try:
        return Deployment.model_validate_json(json.dumps(data, default=str))
    except pydantic.ValidationError as error:
        raise UserInputError(explain_problems(error, node, str(path), "deployment")) from None
