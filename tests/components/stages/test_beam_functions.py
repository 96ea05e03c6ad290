"""What we hand to Beam travels to other processes: it can be pickled, keeps nothing between records, and is typed."""

import apache_beam as beam
import pytest
from apache_beam.internal import pickler
from apache_beam.typehints.decorators import TypeCheckError

from tests.records import sequence_example, write_records
from tfx_sequences.components.records.framing import read_records
from tfx_sequences.components.serving.bulk_prediction import Done, Part, PredictPart
from tfx_sequences.components.stages.bulk_inference import PredictLogs


def travelled(function):
    return pickler.loads(pickler.dumps(function))


def test_beam_knows_the_types_of_what_travels():
    """Beam chooses coders by the types, and refuses a step that is given others."""
    texts = beam.Pipeline() | "texts" >> beam.Create(["a"]).with_output_types(str)
    parts = texts | beam.Map(lambda file: Part(0, file, 0, 0, None)).with_output_types(Part)
    predict = travelled(PredictPart("model", "pattern", 1, True))
    assert (parts | beam.ParDo(predict)).element_type is Done
    for function in (predict, travelled(PredictLogs("model", "serving_default"))):
        with pytest.raises(TypeCheckError):
            _ = texts | type(function).__name__ >> beam.ParDo(function)


def test_records_are_read_elsewhere(tmp_path):
    file = write_records(
        tmp_path / "a.tfrecord", [sequence_example({"id": "a"}, {}), sequence_example({"id": "b"}, {})]
    )
    assert [*travelled(read_records)(file)] == [*read_records(file)]
