"""ExampleGen of rows: files of rows (or a query) become the records of each split, in the pipeline."""

from __future__ import annotations

from typing import Any

import apache_beam as beam
from apache_beam.io.gcp.bigquery import ReadFromBigQuery
from tfx import types
from tfx.components.example_gen import base_example_gen_executor
from tfx.components.example_gen import component as example_gen
from tfx.dsl.components.base import executor_spec
from tfx.dsl.components.base.base_component import BaseComponent
from tfx.orchestration.data_types import RuntimeParameter
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, standard_component_specs

from tfx_sequences.components.stages.ingest import settings_of, struct_of
from tfx_sequences.components.stages.record_order import split_outputs
from tfx_sequences.components.stages.rows_transform import RecordsOfRowFiles, RecordsOfRows, RowsOfQuery
from tfx_sequences.components.stages.unfinished_writes import remove_unfinished_writes
from tfx_sequences.errors import DataError
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec
from tfx_sequences.schemas.spec.spec_io import TRANSFORM_SECTIONS, spec_from_json, spec_to_json

_SECTIONS = (*TRANSFORM_SECTIONS, "name", "rows", "splits")
# Files below the folder, to this depth, count for the cache.
_PATTERNS = ("*", "*/*", "*/*/*")


class Executor(base_example_gen_executor.BaseExampleGenExecutor):
    """Reads rows; `custom_config` has the spec."""

    def GetInputSourceToExamplePTransform(self) -> Any:
        """The transform from rows to the records of all splits."""
        return RecordsOfRows

    def GenerateExamplesByBeam(self, pipeline: beam.Pipeline, exec_properties: dict[str, Any]) -> dict[str, Any]:
        """The records of all splits; empty if we write them in order instead of the stock executor."""
        settings = settings_of(exec_properties)
        spec, expected = spec_from_json(settings["spec"]), tuple(settings["splits"].split(","))
        if spec.rows is not None and spec.rows.format == "bigquery":
            # From here on it needs the cloud: a project, credentials and a bucket (--temp_location) in Beam's options.
            rows = pipeline | "ReadFromBigQuery" >> query_source(_query_of(exec_properties)) | RowsOfQuery()
            records = rows | RecordsOfRows(spec, expected)
        else:
            of_files = RecordsOfRowFiles(spec, exec_properties[standard_component_specs.INPUT_BASE_KEY])
            check_splits(expected, of_files.splits_with_files)
            records = pipeline | of_files
        # The stock executor names the splits before it calls this, and writes them after.
        self._examples.split_names = artifact_utils.encode_split_names(list(records))
        return split_outputs(pipeline, records, self._examples)

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes the splits and records all their names in the artifact."""
        self._examples = artifact_utils.get_single_instance(output_dict["examples"])
        super().Do(input_dict, output_dict, exec_properties)
        remove_unfinished_writes(output_dict)


class SequenceRowsGen(example_gen.FileBasedExampleGen):
    """ExampleGen of a spec with `rows`: `train`, `valid` and `test` of the records that its files of rows become.

    Args:
        input_base: Folder of the files of rows.
        spec: The spec.
        splits_with_files: Those of `train`, `valid`, `test` that have files.
        code_digest: Digest of our code; it changes when the code does, which invalidates the cache.
    """

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(
        self,
        input_base: str | RuntimeParameter,
        spec: SequenceSpec,
        splits_with_files: tuple[str, ...],
        code_digest: str,
    ) -> None:
        super().__init__(
            input_base=input_base,
            input_config=example_gen_pb2.Input(
                splits=[
                    example_gen_pb2.Input.Split(name=f"rows{depth}", pattern=pattern)
                    for depth, pattern in enumerate(_PATTERNS)
                ]
            ),
            output_config=example_gen_pb2.Output(),
            custom_config=_config(spec, splits_with_files, code_digest),
            output_data_format=_payload(spec),
        )


class SequenceQueryGen(example_gen.QueryBasedExampleGen):
    """The same for BigQuery: a table (`project.dataset.table`) or a query, read by Beam's own source.

    Args:
        query: The table, or a query in standard SQL.
        spec: The spec, with `format: bigquery`.
        code_digest: Digest of our code.
    """

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(self, query: str, spec: SequenceSpec, code_digest: str) -> None:
        super().__init__(
            input_config=example_gen_pb2.Input(splits=[example_gen_pb2.Input.Split(name="rows", pattern=query)]),
            output_config=example_gen_pb2.Output(),
            custom_config=_config(spec, ("train",), code_digest),
            output_data_format=_payload(spec),
        )


def rows_gen(
    data: str | RuntimeParameter, spec: SequenceSpec, splits_with_files: tuple[str, ...], code_digest: str
) -> BaseComponent:
    """The ExampleGen of a spec with `rows`: of files, or of a table or query.

    Args:
        data: The folder of files, or the table or query.
        spec: The spec.
        splits_with_files: Those of `train`, `valid`, `test` that have files.
        code_digest: Digest of our code.
    """
    if spec.rows is not None and spec.rows.format == "bigquery":
        return SequenceQueryGen(str(data), spec, code_digest).with_id(SequenceRowsGen.__name__)
    return SequenceRowsGen(data, spec, splits_with_files, code_digest)


def query_source(query: str) -> beam.PTransform:
    """Beam's source of a query, or of a table.

    >>> query_source("project.dataset.visits").label, query_source("SELECT 1").label
    ('ReadFromBigQuery', 'ReadFromBigQuery')
    """
    if len(query.split()) == 1:
        return ReadFromBigQuery(table=query.replace(".", ":", 1) if ":" not in query else query)
    return ReadFromBigQuery(query=query, use_standard_sql=True)


def check_splits(expected: tuple[str, ...], found: set[str]) -> None:
    """Raises if other splits have files than the pipeline was made for.

    Raises:
        DataError: A split has files and should not have any, or the other way round.
    """
    if set(expected) != found:
        raise DataError(
            "The files of rows are of other splits than those that the pipeline was made for.",
            expected=", ".join(sorted(expected)),
            received=", ".join(sorted(found)),
            fix="Make the pipeline again, or rename the files.",
        )


def _payload(spec: SequenceSpec) -> int:
    name = "FORMAT_TF_SEQUENCE_EXAMPLE" if spec.payload == "SequenceExample" else "FORMAT_TF_EXAMPLE"
    return int(example_gen_pb2.PayloadFormat.Value(name))


def _config(spec: SequenceSpec, splits: tuple[str, ...], code_digest: str) -> example_gen_pb2.CustomConfig:
    config = example_gen_pb2.CustomConfig()
    packed = {"spec": spec_to_json(spec, _SECTIONS), "splits": ",".join(splits), "code_digest": code_digest}
    config.custom_config.Pack(struct_of(packed))
    return config


def _query_of(exec_properties: dict[str, Any]) -> str:
    from google.protobuf import json_format

    config = example_gen_pb2.Input()
    json_format.Parse(exec_properties[standard_component_specs.INPUT_CONFIG_KEY], config)
    return config.splits[0].pattern
