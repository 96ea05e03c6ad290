"""ImportExampleGen that takes records from `train` for splits without files, and keeps the records' order."""

from __future__ import annotations

import os
from typing import Any

import apache_beam as beam
import tensorflow as tf
from tfx import types
from tfx.components.example_gen import component as file_based
from tfx.components.example_gen.import_example_gen import executor as import_executor
from tfx.dsl.components.base import executor_spec
from tfx.dsl.io import fileio
from tfx.orchestration.data_types import RuntimeParameter
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, standard_component_specs

from tfx_sequences.components.records.hold_back import HoldBack, empty_split
from tfx_sequences.components.records.opening import record_datasets
from tfx_sequences.components.stages.record_order import ReadInOrder, split_outputs
from tfx_sequences.components.stages.unfinished_writes import remove_unfinished_writes
from tfx_sequences.schemas.features.raw_features import key_of_items
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec
from tfx_sequences.schemas.spec.splits import Splits

_MESSAGES = {
    example_gen_pb2.FORMAT_TF_EXAMPLE: tf.train.Example,
    example_gen_pb2.FORMAT_TF_SEQUENCE_EXAMPLE: tf.train.SequenceExample,
}

_ITEMS_KEY = "items_key"


def _place(record: Any, num_partitions: int, held_back: HoldBack) -> int:
    return held_back.index(record)


class Executor(import_executor.Executor):
    """Reads TFRecords split by split; `custom_config` says how `train` is divided."""

    def GetInputSourceToExamplePTransform(self) -> Any:
        """The transform that reads the records of a split, as messages."""

        @beam.ptransform_fn
        def read(pipeline: beam.Pipeline, exec_properties: dict[str, Any], split_pattern: str) -> Any:
            message = _MESSAGES[exec_properties[standard_component_specs.OUTPUT_DATA_FORMAT_KEY]]
            pattern = os.path.join(exec_properties[standard_component_specs.INPUT_BASE_KEY], split_pattern)
            items_key = settings_of(exec_properties).get(_ITEMS_KEY, "")
            serialized = pipeline | "InOrder" >> ReadInOrder(pattern, items_key)
            return serialized | "Parse" >> beam.Map(message.FromString).with_output_types(message)

        return read

    def GenerateExamplesByBeam(self, pipeline: beam.Pipeline, exec_properties: dict[str, Any]) -> dict[str, Any]:
        """The stock splits, with `train` divided; empty if we write them in order instead of the stock executor."""
        splits = super().GenerateExamplesByBeam(pipeline, exec_properties)
        held_back = _held_back(exec_properties)
        if held_back:
            names = held_back.names
            parts = splits["train"] | "HoldBack" >> beam.Partition(_place, len(names), held_back)
            splits |= dict(zip(names, parts, strict=True))
            # The stock executor names the splits before it calls this, and writes them after.
            self._examples.split_names = artifact_utils.encode_split_names(list(splits))
        return split_outputs(pipeline, splits, self._examples)

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes the splits and records all their names in the artifact.

        Raises:
            DataError: A split that takes its records from `train` got none.
        """
        self._examples = artifact_utils.get_single_instance(output_dict["examples"])
        super().Do(input_dict, output_dict, exec_properties)
        remove_unfinished_writes(output_dict)
        held_back = _held_back(exec_properties)
        for name in held_back.names if held_back else []:
            folder = artifact_utils.get_split_uri([self._examples], name)
            files = [f"{folder}/{f}" for f in fileio.listdir(folder)]
            if not any(True for records in record_datasets(files) for _ in records.take(1)):
                raise empty_split(name, held_back)


class SequenceExampleGen(file_based.FileBasedExampleGen):
    """ExampleGen of a spec: `train`, `valid` and `test` of SequenceExample (or Example) TFRecords.

    Args:
        input_base: Folder of the record files.
        spec: The spec; its `splits` name the files, its `record` is the payload format.
        splits_with_files: Those of `train`, `valid`, `test` that have files; the
            records of the others are taken from `train`.
        code_digest: Digest of our code; it changes when the code does, which invalidates the cache.
        patterns: The patterns of the files, where they are not those of the spec; see `with_patterns_found`.
    """

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(
        self,
        input_base: str | RuntimeParameter,
        spec: SequenceSpec,
        splits_with_files: tuple[str, ...],
        code_digest: str,
        patterns: Splits | None = None,
    ) -> None:
        payload = "FORMAT_TF_SEQUENCE_EXAMPLE" if spec.payload == "SequenceExample" else "FORMAT_TF_EXAMPLE"
        held_back = HoldBack.of_spec(spec, splits_with_files)
        patterns = patterns or spec.splits
        config = example_gen_pb2.CustomConfig()
        packed = {"held_back": held_back.to_json(), "code_digest": code_digest}
        if spec.record == "ELWC":
            packed[_ITEMS_KEY] = key_of_items(spec)
        config.custom_config.Pack(struct_of(packed))
        super().__init__(
            input_base=input_base,
            input_config=example_gen_pb2.Input(
                splits=[
                    example_gen_pb2.Input.Split(name=name, pattern=getattr(patterns, name))
                    for name in splits_with_files
                ]
            ),
            # Without it, TFX would move a third of a single split into a new one, "eval".
            output_config=example_gen_pb2.Output(),
            custom_config=config,
            output_data_format=example_gen_pb2.PayloadFormat.Value(payload),
        )


def struct_of(values: dict[str, str]) -> Any:
    """Texts as a message for `custom_config`."""
    from google.protobuf import struct_pb2

    packed = struct_pb2.Struct()
    packed.update(values)
    return packed


def _held_back(exec_properties: dict[str, Any]) -> HoldBack:
    return HoldBack.from_json(settings_of(exec_properties)["held_back"])


def settings_of(exec_properties: dict[str, Any]) -> dict[str, str]:
    """The texts in `custom_config`."""
    from google.protobuf import json_format, struct_pb2

    config = example_gen_pb2.CustomConfig()
    json_format.Parse(exec_properties["custom_config"], config)
    packed = struct_pb2.Struct()
    config.custom_config.Unpack(packed)
    return dict(packed)
