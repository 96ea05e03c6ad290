"""ImportExampleGen that holds records of `train` back for splits that have no files."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import apache_beam as beam
import tensorflow as tf
from tfx import types
from tfx.components.example_gen import component as file_based
from tfx.components.example_gen.import_example_gen import executor as import_executor
from tfx.dsl.components.base import executor_spec
from tfx.dsl.io import fileio
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils

from tfx_sequences.errors import DataError
from tfx_sequences.schemas.spec import SequenceSpec

_BUCKETS = 10_000


def record_share(record: tf.train.Example | tf.train.SequenceExample | bytes) -> float:
    """Where a record's hash falls in `[0, 1)`: the same in every run, equal for equal records."""
    data = record if isinstance(record, bytes) else record.SerializeToString(deterministic=True)
    return int.from_bytes(hashlib.sha256(data).digest()[:8], "big") % _BUCKETS / _BUCKETS


def _place(record: Any, num_partitions: int, upper_bounds: list[float]) -> int:
    share = record_share(record)
    return next((i for i, bound in enumerate(upper_bounds) if share < bound), num_partitions - 1)


class Executor(import_executor.Executor):
    """Reads TFRecords split by split; `custom_config` says what share of train goes where."""

    def GenerateExamplesByBeam(self, pipeline: beam.Pipeline, exec_properties: dict[str, Any]) -> dict[str, Any]:
        """The stock splits, with `train` divided."""
        splits = super().GenerateExamplesByBeam(pipeline, exec_properties)
        held_back = _held_back(exec_properties)
        if held_back:
            bounds = [sum(list(held_back.values())[: i + 1]) for i in range(len(held_back))]
            *parts, rest = splits["train"] | "HoldBack" >> beam.Partition(_place, len(bounds) + 1, bounds)
            splits |= dict(zip(held_back, parts, strict=True)) | {"train": rest}
            # The stock executor names the splits before it calls this, and writes them after.
            self._examples.split_names = artifact_utils.encode_split_names(list(splits))
        return splits

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes the splits and names them all on the artifact.

        Raises:
            DataError: A split held back from `train` got no record.
        """
        self._examples = artifact_utils.get_single_instance(output_dict["examples"])
        super().Do(input_dict, output_dict, exec_properties)
        held_back = _held_back(exec_properties)
        for name in [*held_back, "train"] if held_back else []:
            folder = artifact_utils.get_split_uri([self._examples], name)
            files = [f"{folder}/{f}" for f in fileio.listdir(folder)]
            if not any(True for _ in tf.data.TFRecordDataset(files, compression_type="GZIP").take(1)):
                raise DataError(
                    f"The split '{name}', held back from the training records, is empty.",
                    expected="at least one record in each split",
                    received=f"shares {held_back} of too few records",
                    fix=f"Give more records, files for '{name}', or a larger splits.{name}_fraction in the spec.",
                )


class SequenceExampleGen(file_based.FileBasedExampleGen):
    """ExampleGen of a spec: `train`, `valid` and `test` of SequenceExample (or Example) TFRecords.

    Args:
        input_base: Folder of the record files.
        spec: The spec; its `splits` name the files, its `record` the payload.
        splits_with_files: Those of `train`, `valid`, `test` that have files; the
            others are held back from `train`.
    """

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(self, input_base: str, spec: SequenceSpec, splits_with_files: tuple[str, ...]) -> None:
        payload = "FORMAT_TF_SEQUENCE_EXAMPLE" if spec.record == "SequenceExample" else "FORMAT_TF_EXAMPLE"
        fractions = {"valid": spec.splits.valid_fraction, "test": spec.splits.test_fraction}
        held_back = {name: share for name, share in fractions.items() if name not in splits_with_files}
        config = example_gen_pb2.CustomConfig()
        config.custom_config.Pack(_struct({"held_back": json.dumps(held_back, sort_keys=True)}))
        super().__init__(
            input_base=input_base,
            input_config=example_gen_pb2.Input(
                splits=[
                    example_gen_pb2.Input.Split(name=name, pattern=getattr(spec.splits, name))
                    for name in splits_with_files
                ]
            ),
            custom_config=config,
            output_data_format=example_gen_pb2.PayloadFormat.Value(payload),
        )


def _struct(values: dict[str, str]) -> Any:
    from google.protobuf import struct_pb2

    packed = struct_pb2.Struct()
    packed.update(values)
    return packed


def _held_back(exec_properties: dict[str, Any]) -> dict[str, float]:
    from google.protobuf import json_format, struct_pb2

    config = example_gen_pb2.CustomConfig()
    json_format.Parse(exec_properties["custom_config"], config)
    packed = struct_pb2.Struct()
    config.custom_config.Unpack(packed)
    return json.loads(packed["held_back"])
