"""The two components of bulk inference, as they are configured."""

import json

import pytest
from tfx.proto import example_gen_pb2
from tfx.types import standard_artifacts

from tests.components.stages.artifacts import artifact, standard_channel
from tfx_sequences.components.stages.bulk_inference import bulk_inference
from tfx_sequences.errors import SpecError
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def components(record):
    spec = SequenceSpec(name="s", record=record, sequence={"x": {"type": "numeric"}}, label={"key": "y"})
    model = standard_channel(artifact(standard_artifacts.Model, "model"))
    blessing = standard_channel(artifact(standard_artifacts.ModelBlessing, "blessing"))
    return bulk_inference("gs://bucket/new", spec, model, blessing)


@pytest.mark.parametrize("record", ["SequenceExample", "Example"])
def test_all_record_files_are_one_split_that_is_predicted(record):
    reader, inferrer = components(record)
    assert (reader.id, inferrer.id) == ("BulkExampleGen", "BulkInferrer")
    [split] = json.loads(reader.exec_properties["input_config"])["splits"]
    assert split == {"name": "predict", "pattern": "*tfrecord*"}
    kind = {"SequenceExample": "FORMAT_TF_SEQUENCE_EXAMPLE", "Example": "FORMAT_TF_EXAMPLE"}[record]
    assert reader.exec_properties["output_data_format"] == example_gen_pb2.PayloadFormat.Value(kind)
    assert json.loads(inferrer.exec_properties["data_spec"])["example_splits"] == ["predict"]
    assert json.loads(inferrer.exec_properties["model_spec"])["model_signature_name"] == ["serving_default"]


def test_lists_of_examples_are_refused_with_another_way():
    with pytest.raises(SpecError, match=r"ELWC[\s\S]*Use `tfx-sequences predict`"):
        components("ELWC")
