"""The Trainer component: TFX's own, with our `run_fn`, and with raw records in addition to the transformed ones."""

from __future__ import annotations

import os
from typing import Any

from tfx import types
from tfx.components.trainer import component as trainer_component
from tfx.components.trainer import executor as trainer_executor
from tfx.components.trainer.fn_args_utils import FnArgs
from tfx.dsl.components.base import executor_spec
from tfx.orchestration.data_types import RuntimeParameter
from tfx.proto import trainer_pb2
from tfx.types import artifact_utils, standard_artifacts, standard_component_specs
from tfx.types.component_spec import ChannelParameter, ExecutionParameter
from tfx.utils import json_utils

from tfx_sequences.components.stages.rooted import rooted

# Given by path: TFX imports it where it trains.
RUN_FN = "tfx_sequences.components.training.run.run_fn"
RAW_EXAMPLES = "raw_examples"
BACKUPS = "backups"
OUTPUT_ROOT = "output_root"
TRAINING_STEPS = "training_steps"
HELD_BACK = "valid_is_held_back"


class _Spec(standard_component_specs.TrainerSpec):
    PARAMETERS = {
        **standard_component_specs.TrainerSpec.PARAMETERS,
        BACKUPS: ExecutionParameter(type=str, optional=True),
        OUTPUT_ROOT: ExecutionParameter(type=str, optional=True),
        TRAINING_STEPS: ExecutionParameter(type=int, optional=True),
    }
    INPUTS = {
        **standard_component_specs.TrainerSpec.INPUTS,
        RAW_EXAMPLES: ChannelParameter(type=standard_artifacts.Examples),
    }


class Executor(trainer_executor.GenericExecutor):
    """TFX's generic executor; also passes raw test records and the parameters of the run to `run_fn`."""

    def _GetFnArgs(self, input_dict: Any, output_dict: Any, exec_properties: Any) -> FnArgs:
        fn_args = super()._GetFnArgs(input_dict, output_dict, exec_properties)
        uris = artifact_utils.get_split_uris(input_dict[RAW_EXAMPLES], "test")
        fn_args.custom_config[RAW_EXAMPLES] = [os.path.join(uri, "*") for uri in uris]
        backups = exec_properties.get(BACKUPS)
        fn_args.custom_config[BACKUPS] = backups and rooted(exec_properties.get(OUTPUT_ROOT), backups)
        fn_args.train_steps = exec_properties.get(TRAINING_STEPS) or None
        return fn_args


class SequenceTrainer(trainer_component.Trainer):
    """TFX's Trainer for a spec.

    Args:
        transformed_examples: Transform's output; the model is fitted to `train`, and `valid` stops the training.
        raw_examples: ExampleGen's output; some records of `test` are predicted after the export.
        transform_graph: Transform's output.
        schema: The curated schema.
        spec: JSON of the spec.
        code_digest: Digest of our code; it changes when the code does.
        hyperparameters: The Tuner's output, if there is one.
        backups: Folder for backups during training; None makes no backups, unless the spec names a folder.
        output_root: The root of a relative `backups`.
        training_steps: Maximum number of training steps; None or 0 leaves the limit to the spec.
        valid_is_held_back: Whether the records of `valid` are taken from the training records.
    """

    SPEC_CLASS = _Spec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        transformed_examples: types.BaseChannel,
        raw_examples: types.BaseChannel,
        transform_graph: types.BaseChannel,
        schema: types.BaseChannel,
        spec: str,
        code_digest: str,
        hyperparameters: types.BaseChannel | None = None,
        backups: str | None = None,
        output_root: str | RuntimeParameter | None = None,
        training_steps: int | RuntimeParameter | None = None,
        valid_is_held_back: bool = False,
    ) -> None:
        component_spec = _Spec(
            examples=transformed_examples,
            raw_examples=raw_examples,
            transform_graph=transform_graph,
            schema=schema,
            hyperparameters=hyperparameters,
            train_args=trainer_pb2.TrainArgs(splits=["train"]),
            eval_args=trainer_pb2.EvalArgs(splits=["valid"]),
            run_fn=RUN_FN,
            custom_config=json_utils.dumps({"spec": spec, "code_digest": code_digest, HELD_BACK: valid_is_held_back}),
            backups=backups,
            output_root=output_root,
            training_steps=training_steps,
            model=types.Channel(type=standard_artifacts.Model),
            model_run=types.Channel(type=standard_artifacts.ModelRun),
        )
        super(trainer_component.Trainer, self).__init__(spec=component_spec)
