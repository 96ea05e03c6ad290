"""What ingestion reads and writes, against the records of the files one after another."""

import itertools
import random

import apache_beam as beam
import pytest
import tensorflow as tf
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from tests.components.stages.ingested import ingest
from tests.everything import everything_spec
from tests.records import sequence_example, write_records
from tfx_sequences.components.records.framing import read_records
from tfx_sequences.components.stages.record_order import ReadInOrder, WriteInOrder, keeps_order
from tfx_sequences.errors import DataError


def serialized(numbers):
    return [sequence_example({"id": f"{n}"}).SerializeToString(deterministic=True) for n in numbers]


@pytest.fixture
def data(tmp_path):
    """Files made in another order than that of their names, some plain and some gzip; the records in order."""
    names = [f"train-{n:02}.tfrecord{'.gz' * (n % 2)}" for n in range(12)]
    for at in random.Random(3).sample(range(12), 12):
        write_records(tmp_path / "data" / names[at], serialized(range(at * 30, at * 30 + 30)))
    return tmp_path / "data", serialized(range(360))


@pytest.fixture
def colliding(monkeypatch):
    """Of Beam's random keys every other is the same, as those of one pair are among 100 000 records."""
    keys = itertools.cycle([0, 1])
    monkeypatch.setattr(random, "randrange", lambda *_: next(keys))


def written(folder, to, *between):
    """The records that are read from a folder and written to another, in the order of that."""
    with beam.Pipeline(FnApiRunner()) as pipeline:
        records = pipeline | ReadInOrder(f"{folder}/train*")
        for transform in between:
            records |= transform
        _ = records | beam.Map(tf.train.SequenceExample.FromString) | WriteInOrder(str(to))
    return [record for file in sorted(to.iterdir()) for record in read_records(file)]


def test_records_are_read_and_written_file_by_file_by_name(data, tmp_path):
    folder, expected = data
    assert written(folder, tmp_path / "out") == expected


def test_ingestion_keeps_their_order_whatever_beam_draws(data, colliding, tmp_path):
    folder, expected = data
    splits = {"valid_fraction": 0.1, "test_fraction": 0.1}
    found = ingest(folder, everything_spec(splits=splits), ("train",), tmp_path / "out")
    assert sorted(record for records in found.values() for record in records) == sorted(expected)
    for records in found.values():
        assert records == sorted(records, key=expected.index)


def test_the_shuffle_that_is_left_out_would_have_moved_them(data, colliding, tmp_path):
    """Or the test before this one would show nothing."""
    folder, expected = data
    moved = written(folder, tmp_path / "out", beam.Reshuffle())
    assert sorted(moved) == sorted(expected)
    assert moved != expected


def test_engines_that_keep_no_order_are_known(data, tmp_path):
    assert keeps_order(beam.Pipeline(FnApiRunner()))
    assert not keeps_order(beam.Pipeline(FnApiRunner(), PipelineOptions(direct_num_workers=2)))
    assert not keeps_order(beam.Pipeline("PrismRunner"))
    # They are left to the stock executor, and lose no record.
    folder, expected = data
    found = ingest(folder, everything_spec(), ("train",), tmp_path / "out", beam_args=["--direct_num_workers=2"])
    assert sorted(record for records in found.values() for record in records) == sorted(expected)


def test_a_pattern_without_files_is_an_error(tmp_path):
    with pytest.raises(DataError, match=r"No file matches[\s\S]*received: .*train\*[\s\S]*splits"):
        beam.Pipeline(FnApiRunner()) | ReadInOrder(f"{tmp_path}/train*")
