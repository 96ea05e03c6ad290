"""Predictions through Beam and as files, with the exported model of a spec with every kind of label."""

import pytest

from tests.records import sequence_example, write_records
from tfx_sequences.components.serving.bulk_prediction import predict_through_beam
from tfx_sequences.components.serving.prediction import predict_files
from tfx_sequences.components.serving.predictor import Failures
from tfx_sequences.errors import DataError

BEAM = ["--runner=FnApiRunner"]


@pytest.fixture(scope="module")
def data(all_labels, tmp_path_factory):
    folder = tmp_path_factory.mktemp("records")
    write_records(folder / "a.tfrecord", all_labels.serialized)
    write_records(folder / "b.tfrecord.gz", all_labels.serialized[:5])
    return folder


def test_parts_give_the_same_as_one_after_another(labels_model, data, tmp_path):
    expected = list(predict_files(labels_model[2], data, batch_size=7))
    through_beam = list(predict_through_beam(labels_model[2], data, tmp_path, BEAM, batch_size=7, part_records=7))
    assert [row["id"] for row in through_beam] == [row["id"] for row in expected]
    assert through_beam == expected
    assert not list(tmp_path.iterdir())


def test_failures_are_counted_and_named_in_order(all_labels, labels_model, tmp_path):
    good = all_labels.serialized[6]
    frame, token = all_labels.records[6][1]["frame"], all_labels.records[6][1]["token"]
    bad = sequence_example({"id": "odd", "city": "Oslo"}, {"token": token, "frame": [f[:1] for f in frame]})
    records = [good, good, bad.SerializeToString(), good, b"\xff\xff no protocol buffer", good]
    file = write_records(tmp_path / "data" / "some.tfrecord", records)
    model, folder = labels_model[2], tmp_path / "parts"
    folder.mkdir()
    local, through_beam = Failures(), Failures()
    rows = list(predict_through_beam(model, file, folder, BEAM, failures=through_beam, part_records=4))
    assert [row["id"] for row in rows] == ["r6"] * 4
    assert [row["id"] for row in predict_files(model, file, on_failure=local)] == ["r6"] * 4
    assert through_beam.count == local.count == 2
    assert [f.place for f in through_beam.first] == [f.place for f in local.first]
    assert "ecord 2 ('odd')" in local.first[0].place and "ecord 4" in local.first[1].place
    assert "'frame'" in local.first[0].reason
    write_records(tmp_path / "odd.tfrecord", [good] * 2 + [bad.SerializeToString()])
    with pytest.raises(DataError, match=r"ecord 2 \('odd'\) .* cannot be predicted"):
        list(predict_files(model, tmp_path / "odd.tfrecord"))


def test_bytes_that_no_op_can_parse_are_counted_and_named(all_labels, labels_model, tmp_path):
    good = all_labels.serialized[6]
    # A field of 49 bytes without its content, and a truncated record.
    records = [*[good] * 300, b"\n1", good, good[:-3], good]
    file = write_records(tmp_path / "data" / "some.tfrecord", records)
    local, through_beam = Failures(), Failures()
    folder = tmp_path / "parts"
    folder.mkdir()
    assert len(list(predict_files(labels_model[2], file, on_failure=local))) == 302
    assert len(list(predict_through_beam(labels_model[2], file, folder, BEAM, failures=through_beam))) == 302
    assert [failure.place for failure in local.first] == [failure.place for failure in through_beam.first]
    assert "ecord 300" in local.first[0].place and "ecord 302" in local.first[1].place
    assert "does not contain features" in local.first[0].reason
    with pytest.raises(DataError, match=r"ecord 300 of .* cannot be predicted[\s\S]*does not contain features"):
        list(predict_files(labels_model[2], file))
