"""Predictions through Beam and as files, with the exported model of a spec with every kind of label."""

import json

import pyarrow.parquet as pq
import pytest
import tensorflow as tf

from tests.records import sequence_example, write_records
from tfx_sequences.components.serving.bulk_prediction import predict_through_beam
from tfx_sequences.components.serving.prediction import predict_files
from tfx_sequences.components.serving.prediction_writers import writer_for
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


@pytest.mark.parametrize("name", ["out.tfrecord", "out.tfrecord.gz"])
def test_tfrecords_have_the_answers_of_records_and_of_steps(all_labels, labels_model, data, tmp_path, name):
    rows = list(predict_files(labels_model[2], data / "a.tfrecord"))
    path = written(rows, tmp_path / name, all_labels.spec)
    compression = "GZIP" if name.endswith(".gz") else ""
    stored = [
        tf.train.SequenceExample.FromString(record)
        for record in tf.data.TFRecordDataset(str(path), compression_type=compression).as_numpy_iterator()
    ]
    assert len(stored) == len(rows)
    fifth, row = stored[5], rows[5]
    context, steps = fifth.context.feature, fifth.feature_lists.feature_list
    assert context["id"].bytes_list.value == [b"r5"]
    assert context["kind_classes"].bytes_list.value == [c.encode() for c in row["kind"]["scores"]]
    assert list(context["kind_scores"].float_list.value) == list(row["kind"]["scores"].values())
    assert [list(s.float_list.value) for s in steps["tag_scores"].feature] == [
        list(s.values()) for s in row["tag"]["scores"]
    ]
    told = [s.bytes_list.value[0].decode() for s in steps["tag_predicted_class"].feature]
    assert told == row["tag"]["predicted_class"]
    assert list(context["place_prediction"].float_list.value) == row["place"]["prediction"]


def test_parquet_has_a_column_for_each_label(all_labels, labels_model, data, tmp_path):
    rows = list(predict_files(labels_model[2], data / "a.tfrecord"))
    table = pq.read_table(written(rows, tmp_path / "out.parquet", all_labels.spec))
    assert table.column_names == [*rows[0]] and set(table.column_names) == {"id", *all_labels.spec.labels}

    def plain(row):
        return {
            name: {key: _maps(its) if key == "scores" else its for key, its in value.items()} if name != "id" else value
            for name, value in row.items()
        }

    assert [plain(row) for row in table.to_pylist()] == rows


def test_parquet_of_no_rows_is_a_file(all_labels, tmp_path):
    assert pq.read_table(written([], tmp_path / "none.parquet", all_labels.spec)).num_rows == 0


def test_all_other_names_are_json_lines(all_labels, labels_model, data, tmp_path):
    rows = list(predict_files(labels_model[2], data / "a.tfrecord", limit=3))
    assert [json.loads(line) for line in written(rows, tmp_path / "out.jsonl", all_labels.spec).open()] == rows


def written(rows, path, spec):
    with path.open("wb") as file:
        writer_for(path, spec)(rows, file)
    return path


def _maps(value):
    return [dict(pairs) for pairs in value] if value and isinstance(value[0], list) else dict(value) if value else value
