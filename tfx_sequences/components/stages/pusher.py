"""The Pusher component: TFX's own, for a folder whose root may be known only when the pipeline runs."""

from __future__ import annotations

from typing import Any

from tfx import types
from tfx.components.pusher import component as pusher_component
from tfx.components.pusher import executor as pusher_executor
from tfx.dsl.components.base import executor_spec
from tfx.orchestration.data_types import RuntimeParameter
from tfx.proto import pusher_pb2
from tfx.types import standard_artifacts, standard_component_specs
from tfx.types.component_spec import ExecutionParameter
from tfx.utils import proto_utils

from tfx_sequences.components.stages.rooted import rooted

OUTPUT_ROOT = "output_root"
_FOLDER = "folder"


class _Spec(standard_component_specs.PusherSpec):
    PARAMETERS = {
        **standard_component_specs.PusherSpec.PARAMETERS,
        _FOLDER: ExecutionParameter(type=str),
        OUTPUT_ROOT: ExecutionParameter(type=str, optional=True),
        "code_digest": ExecutionParameter(type=str),
    }


class Executor(pusher_executor.Executor):
    """TFX's executor; it builds the destination when it runs."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Pushes to `folder`, which is relative to `output_root` unless it is absolute."""
        folder = rooted(exec_properties.get(OUTPUT_ROOT), exec_properties[_FOLDER])
        destination = pusher_pb2.PushDestination(
            filesystem=pusher_pb2.PushDestination.Filesystem(base_directory=folder)
        )
        key = standard_component_specs.PUSH_DESTINATION_KEY
        super().Do(input_dict, output_dict, {**exec_properties, key: proto_utils.proto_to_json(destination)})


class SequencePusher(pusher_component.Pusher):
    """TFX's Pusher, whose destination is a folder.

    Args:
        model: The exported model.
        model_blessing: The Evaluator's blessing.
        infra_blessing: ModelCheck's blessing.
        folder: Folder for blessed models, with one subfolder per version.
        code_digest: Digest of our code; it changes when the code does.
        output_root: The root of a relative `folder`.
    """

    SPEC_CLASS = _Spec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        model: types.BaseChannel,
        model_blessing: types.BaseChannel,
        infra_blessing: types.BaseChannel,
        folder: str,
        code_digest: str,
        output_root: str | RuntimeParameter | None = None,
    ) -> None:
        component_spec = _Spec(
            model=model,
            model_blessing=model_blessing,
            infra_blessing=infra_blessing,
            folder=folder,
            code_digest=code_digest,
            output_root=output_root,
            pushed_model=types.Channel(type=standard_artifacts.PushedModel),
        )
        super(pusher_component.Pusher, self).__init__(spec=component_spec)
