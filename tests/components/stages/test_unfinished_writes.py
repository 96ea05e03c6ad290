"""What a write that was started twice leaves is removed; the results stay."""

from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.io.tfrecordio import _TFRecordSink
from tfx.types import standard_artifacts

from tests.components.stages.artifacts import artifact
from tests.components.stages.ingested import ingest
from tests.everything import everything_spec, plain_records
from tests.records import sequence_example, write_records
from tfx_sequences.components.stages.unfinished_writes import remove_unfinished_writes


def _unfinished(prefix):
    """Starts a write as a worker does that is lost then: Beam's own sink, with a file that was not renamed."""
    sink = _TFRecordSink(str(prefix), beam.coders.BytesCoder(), "", 0, None, "auto")
    folder = sink.initialize_write()
    writer = sink.open_writer(folder, "first-attempt")
    writer.write(b"half")
    writer.close()
    return folder


@pytest.mark.parametrize("below", [(), ("Split-train",)])
def test_beams_temporary_folders_go_and_results_stay(tmp_path, below):
    folder = tmp_path.joinpath("examples", *below)
    folder.mkdir(parents=True)
    (folder / "data_tfrecord-00000-of-00001.gz").write_bytes(b"records")
    (folder / "beam-temp-of-a-user").write_bytes(b"a file; Beam makes folders")
    left = _unfinished(folder / "data_tfrecord")
    removed = remove_unfinished_writes({"examples": [artifact(standard_artifacts.Examples, tmp_path / "examples")]})
    assert removed == [left]
    assert sorted(file.name for file in folder.iterdir()) == ["beam-temp-of-a-user", "data_tfrecord-00000-of-00001.gz"]
    assert remove_unfinished_writes({"examples": [artifact(standard_artifacts.Examples, tmp_path / "examples")]}) == []


def test_a_split_with_an_unfinished_write_is_read_as_if_there_were_none(tmp_path):
    records = [sequence_example(c, s) for c, s in plain_records()]
    write_records(tmp_path / "data" / "train-0.tfrecord", records)
    (tmp_path / "out" / "Split-train").mkdir(parents=True)
    left = _unfinished(tmp_path / "out" / "Split-train" / "data_tfrecord")
    splits = ingest(tmp_path / "data", everything_spec(), ("train",), tmp_path / "out")
    assert sum(map(len, splits.values())) == len(records)
    assert not Path(left).exists()
