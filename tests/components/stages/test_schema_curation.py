"""The curated schema, and the gate that stops at anomalies."""

import pytest
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2
from tfx.types import standard_artifacts
from tfx.utils import io_utils

from tests.components.stages.artifacts import artifact, write_schema
from tests.everything import everything_spec
from tests.records import sequence_example, write_records
from tfx_sequences.components.stages.schema_curation import AnomalyGate, SchemaCurator, anomaly_lines
from tfx_sequences.errors import DataError
from tfx_sequences.schemas.features.tfmd import make_schema
from tfx_sequences.schemas.spec.spec_io import spec_to_json


def pass_gate(tmp_path, anomalies):
    for split, proto in anomalies.items():
        folder = tmp_path / "anomalies" / f"Split-{split}"
        folder.mkdir(parents=True)
        (folder / "SchemaDiff.pb").write_bytes(proto.SerializeToString())
    AnomalyGate.test_call(
        schema=write_schema(tmp_path / "schema", schema_pb2.Schema(feature=[schema_pb2.Feature(name="x")])),
        anomalies=artifact(standard_artifacts.ExampleAnomalies, tmp_path / "anomalies", anomalies),
        validated_schema=artifact(standard_artifacts.Schema, tmp_path / "validated"),
        code_digest="",
    )
    return tmp_path / "validated" / "schema.pbtxt"


def test_the_gate_hands_the_schema_on(tmp_path):
    passed = pass_gate(tmp_path, {"train": anomalies_pb2.Anomalies(), "test": anomalies_pb2.Anomalies()})
    assert passed.read_text() == (tmp_path / "schema" / "schema.pbtxt").read_text()


def test_the_gate_names_every_feature_with_an_anomaly(tmp_path):
    info = anomalies_pb2.AnomalyInfo(description="values are NaN")
    found = {
        "train": anomalies_pb2.Anomalies(),
        "test": anomalies_pb2.Anomalies(anomaly_info={"'##SEQUENCE##'.lpc": info, "age": info}),
    }
    with pytest.raises(DataError) as caught:
        pass_gate(tmp_path, found)
    assert "test: feature 'lpc': values are NaN" in str(caught.value)
    assert "test: feature 'age': values are NaN" in str(caught.value)
    assert not (tmp_path / "validated").exists()


def test_a_real_anomaly_is_told_with_its_feature(tmp_path):
    """TFDV's own words for an infinite value of a sequence feature, through statistics and our schema."""
    from tensorflow_data_validation import load_stats_binary, validate_statistics
    from tfx.components.statistics_gen.executor import Executor as StatisticsExecutor

    record = sequence_example({"kind": "good"}, {"lpc": [[1.0, float("inf"), 2.0]]})
    write_records(tmp_path / "examples" / "Split-train" / "data.gz", [record] * 3)
    examples = artifact(standard_artifacts.Examples, tmp_path / "examples", ["train"])
    examples.set_string_custom_property("payload_format", "FORMAT_TF_SEQUENCE_EXAMPLE")
    statistics = artifact(standard_artifacts.ExampleStatistics, tmp_path / "statistics", ["train"])
    context = StatisticsExecutor.Context(beam_pipeline_args=["--runner=FnApiRunner"], unique_id="1", tmp_dir=".")
    StatisticsExecutor(context).Do({"examples": [examples]}, {"statistics": [statistics]}, {"exclude_splits": "[]"})
    schema = make_schema(
        everything_spec(
            id_key=None, example_weight=None, context={}, sequence={"lpc": {"type": "numeric", "shape": (3,)}}
        )
    )
    stats = load_stats_binary(str(tmp_path / "statistics" / "Split-train" / "FeatureStats.pb"))
    lines = anomaly_lines(validate_statistics(stats, schema), "train")
    assert any("feature 'lpc'" in line for line in lines), lines


def curate(tmp_path, spec, inferred):
    made = artifact(standard_artifacts.Schema, tmp_path / "curated")
    inferred = write_schema(tmp_path / "inferred", inferred)
    SchemaCurator.test_call(inferred_schema=inferred, schema=made, spec=spec_to_json(spec), code_digest="")
    return io_utils.SchemaReader().read(str(tmp_path / "curated" / "schema.pbtxt"))


def test_the_curated_schema_is_that_of_the_spec_compared_with_the_inferred_one(tmp_path):
    spec = everything_spec()
    assert curate(tmp_path, spec, make_schema(spec)) == make_schema(spec, make_schema(spec))


def test_a_feature_that_the_data_lacks_is_an_error(tmp_path):
    spec = everything_spec(sequence={"tokens": {"type": "categorical"}})
    with pytest.raises(DataError, match=r"no sequence feature 'tokens'[\s\S]*Did you mean 'token'"):
        curate(tmp_path, spec, make_schema(everything_spec()))


def test_anomalies_of_the_whole_split_have_lines_too():
    anomalies = anomalies_pb2.Anomalies(data_missing=True)
    anomalies.dataset_anomaly_info.description = "too few"
    anomalies.anomaly_info["x"].short_description = "short"
    assert anomaly_lines(anomalies, "test") == [
        "test: feature 'x': short",
        "test: too few",
        "test: there are no records",
    ]
