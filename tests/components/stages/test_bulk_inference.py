"""The two components of bulk inference, as they are configured."""

import json

import pytest
from tfx.proto import example_gen_pb2
from tfx.types import standard_artifacts

from tests.components.stages.artifacts import artifact, standard_channel
from tfx_sequences.components.stages.bulk_inference import bulk_inference
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def components(record):
    spec = SequenceSpec(name="s", record=record, sequence={"x": {"type": "numeric"}}, label={"key": "y"})
    model = standard_channel(artifact(standard_artifacts.Model, "model"))
    blessing = standard_channel(artifact(standard_artifacts.ModelBlessing, "blessing"))
    return bulk_inference("gs://bucket/new", spec, model, blessing)


@pytest.mark.parametrize(
    ("record", "kind", "signature"),
    [
        ("SequenceExample", "FORMAT_TF_SEQUENCE_EXAMPLE", "serving_default"),
        ("Example", "FORMAT_TF_EXAMPLE", "serving_default"),
        ("ELWC", "FORMAT_PROTO", "serving_elwc"),
    ],
)
def test_all_record_files_are_one_split_that_is_predicted(record, kind, signature):
    reader, inferrer = components(record)
    assert (reader.id, inferrer.id) == ("BulkExampleGen", "BulkInferrer")
    [split] = json.loads(reader.exec_properties["input_config"])["splits"]
    assert split == {"name": "predict", "pattern": "*tfrecord*"}
    assert reader.exec_properties["output_data_format"] == example_gen_pb2.PayloadFormat.Value(kind)
    assert json.loads(inferrer.exec_properties["data_spec"])["example_splits"] == ["predict"]
    assert json.loads(inferrer.exec_properties["model_spec"])["model_signature_name"] == [signature]
