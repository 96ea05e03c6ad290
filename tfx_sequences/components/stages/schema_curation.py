"""TFX components for the schema: one curates it from the spec, the other stops at anomalies.

Both are function components: Python that TFX calls with artifacts, found by
import path in whatever environment has this package.
"""

# No `from __future__ import annotations` here: TFX reads the annotations themselves.
import os

from tensorflow_data_validation.utils import io_util as tfdv_io
from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.dsl.io import fileio
from tfx.types import artifact_utils
from tfx.types.standard_artifacts import ExampleAnomalies, Schema
from tfx.utils import io_utils

from tfx_sequences.errors import DataError
from tfx_sequences.schemas.features.tfmd import SEQUENCE_STRUCT, make_schema, schema_text
from tfx_sequences.schemas.spec.spec_io import spec_from_json

_SCHEMA_FILE = "schema.pbtxt"


@component
def SchemaCurator(
    inferred_schema: InputArtifact[Schema],
    schema: OutputArtifact[Schema],
    spec: Parameter[str],
    code_digest: Parameter[str],
) -> None:
    """Writes the spec's schema, after a comparison with the schema inferred from the training split.

    Args:
        inferred_schema: SchemaGen's output.
        schema: The curated schema, with tensor representations, domains and presence.
        spec: JSON of the spec.
        code_digest: Digest of our code; it changes when the code does, which invalidates the cache.

    Raises:
        DataError: The spec and the data disagree about a feature.
    """
    del code_digest
    inferred = io_utils.SchemaReader().read(os.path.join(inferred_schema.uri, _SCHEMA_FILE))
    curated = make_schema(spec_from_json(spec), inferred)
    io_utils.write_string_file(os.path.join(schema.uri, _SCHEMA_FILE), schema_text(curated))


@component
def AnomalyGate(
    schema: InputArtifact[Schema],
    anomalies: InputArtifact[ExampleAnomalies],
    validated_schema: OutputArtifact[Schema],
    code_digest: Parameter[str],
) -> None:
    """Passes the schema on if no split has an anomaly; all later components use this copy.

    Args:
        schema: The curated schema.
        anomalies: ExampleValidator's output.
        validated_schema: A copy of `schema`.
        code_digest: Digest of our code; it changes when the code does.

    Raises:
        DataError: A split has an anomaly; the message names each feature and split, with TFDV's description.
    """
    del code_digest
    found = []
    for split in artifact_utils.decode_split_names(anomalies.split_names):
        folder = artifact_utils.get_split_uri([anomalies], split)
        for file in fileio.listdir(folder):
            proto = anomalies_pb2.Anomalies()
            proto.ParseFromString(tfdv_io.read_file_to_string(os.path.join(folder, file), binary_mode=True))
            found += anomaly_lines(proto, split)
    if found:
        raise DataError(
            f"The records do not match the spec's schema ({len(found)} anomalies):\n    " + "\n    ".join(found),
            expected="values as declared in the spec",
            fix="Correct the records, or the declaration of these features in the spec.",
        )
    text = io_utils.read_string_file(os.path.join(schema.uri, _SCHEMA_FILE))
    io_utils.write_string_file(os.path.join(validated_schema.uri, _SCHEMA_FILE), text)


def anomaly_lines(anomalies: anomalies_pb2.Anomalies, split: str) -> list[str]:
    """One line per anomaly: split, feature and TFDV's description."""
    lines = []
    for path, info in sorted(anomalies.anomaly_info.items()):
        name = path.replace("'", "").removeprefix(f"{SEQUENCE_STRUCT}.")
        lines.append(f"{split}: feature '{name}': {info.description or info.short_description}")
    if anomalies.HasField("dataset_anomaly_info"):
        lines.append(f"{split}: {anomalies.dataset_anomaly_info.description}")
    if anomalies.data_missing:
        lines.append(f"{split}: there are no records")
    return lines
