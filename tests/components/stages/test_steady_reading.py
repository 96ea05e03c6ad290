"""What StatisticsGen and the Evaluator read: batches of one size, and int64 values with all bits."""

import apache_beam as beam
import pytest
from tensorflow_data_validation import load_stats_binary
from tfx.components.util import examples_utils
from tfx.proto import example_gen_pb2
from tfx.types import standard_artifacts
from tfx.types.artifact_utils import encode_split_names
from tfx_bsl.public import tfxio
from tfx_bsl.tfxio.record_based_tfxio import RecordBasedTFXIO

from tests.records import sequence_example, write_records
from tfx_sequences.components.stages.steady_reading import RECORDS_PER_BATCH, StatisticsExecutor, steady_reading

FIRST = 1528917632_000_000_001
RECORDS = [
    sequence_example({"user": 2**40 + i}, {"t": [FIRST + 10 * i, FIRST + 10 * i + 5]})
    for i in range(2 * RECORDS_PER_BATCH + 88)
]


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return write_records(tmp_path_factory.mktemp("examples") / "Split-train" / "records.gz", RECORDS)


def test_batches_are_of_one_size_whatever_the_clock_says(file, tmp_path):
    stock = RecordBasedTFXIO.BeamSource
    with steady_reading():
        source = tfxio.TFSequenceExampleRecord(str(file), telemetry_descriptors=["tests"])
        with beam.Pipeline(runner="FnApiRunner") as pipeline:
            sizes = pipeline | source.BeamSource() | beam.Map(lambda batch: batch.num_rows)
            _ = sizes | beam.Map(str) | beam.io.WriteToText(str(tmp_path / "sizes"))
    written = [line for path in tmp_path.glob("sizes*") for line in path.read_text().split()]
    assert sorted(map(int, written)) == [88, RECORDS_PER_BATCH, RECORDS_PER_BATCH]
    # Others in this process read as TFX does.
    assert RecordBasedTFXIO.BeamSource is stock


def test_statistics_of_integers_are_those_of_the_values(file, tmp_path):
    examples = standard_artifacts.Examples()
    examples.uri = str(file.parent.parent)
    examples.split_names = encode_split_names(["train"])
    examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_TF_SEQUENCE_EXAMPLE)
    statistics = standard_artifacts.ExampleStatistics()
    statistics.uri = str(tmp_path / "statistics")
    context = StatisticsExecutor.Context(
        beam_pipeline_args=["--runner=FnApiRunner"], unique_id="1", tmp_dir=str(tmp_path)
    )
    StatisticsExecutor(context).Do({"examples": [examples]}, {"statistics": [statistics]}, {"exclude_splits": "[]"})
    [dataset] = load_stats_binary(str(tmp_path / "statistics" / "Split-train" / "FeatureStats.pb")).datasets
    found = {"/".join(f.path.step): f for f in dataset.features}
    assert dataset.num_examples == len(RECORDS)
    steps = found["##SEQUENCE##/t"].num_stats
    # Statistics hold a number as float64, whose next neighbor is 256 away here.
    assert (steps.min, steps.max) == (float(FIRST), float(FIRST + 10 * (len(RECORDS) - 1) + 5))
    assert found["user"].num_stats.min == 2.0**40
