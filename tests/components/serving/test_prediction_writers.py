"""Predictions as files, from rows whose values are known."""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf

from tests.labels import labels_spec
from tfx_sequences.components.serving.prediction_writers import writer_for
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

LABELS = {
    "kind": {"key": "kind", "classes": ("good", "bad")},
    "tag": {"key": "tag", "per_step": True, "classes": ("O", "ä")},
    "place": {"key": "place", "type": "regression", "shape": (2,)},
    "topics": {"key": "topics", "type": "multi_label", "classes": ("sea", "sun")},
}
SEVERAL = labels_spec(labels=LABELS)
SINGLE = SequenceSpec(name="s", sequence={"x": {"type": "numeric"}}, label=LABELS["tag"])
ROWS = [
    {
        "id": "r0",
        "kind": {"predicted_class": "good", "scores": {"good": 0.75, "bad": 0.25}},
        "tag": {"predicted_class": [], "scores": []},
        "place": {"prediction": [1.5, -2.0]},
        "topics": {"predicted_classes": [], "scores": {"sea": 0.25, "sun": 0.125}},
    },
    {
        "id": "ö1",
        "kind": {"predicted_class": "bad", "scores": {"good": 0.25, "bad": 0.75}},
        "tag": {"predicted_class": ["O", "ä"], "scores": [{"O": 1.0, "ä": 0.0}, {"O": 0.5, "ä": 0.5}]},
        "place": {"prediction": [0.0, 4.0]},
        "topics": {"predicted_classes": ["sea", "sun"], "scores": {"sea": 0.5, "sun": 0.875}},
    },
]


def written(rows, path, spec=SEVERAL):
    with path.open("wb") as file:
        writer_for(path, spec)(iter(rows), file)
    return path


def records(path):
    compression = "GZIP" if path.name.endswith(".gz") else ""
    stored = tf.data.TFRecordDataset(str(path), compression_type=compression).as_numpy_iterator()
    return [tf.train.SequenceExample.FromString(record) for record in stored]


@pytest.mark.parametrize("name", ["out.tfrecord", "out.tfrecord.gz", "OUT.TFRECORDS"])
def test_tfrecords_have_the_answers_of_records_and_of_steps(tmp_path, name):
    first, second = records(written(ROWS, tmp_path / name))
    context, steps = second.context.feature, second.feature_lists.feature_list
    assert context["id"].bytes_list.value == ["ö1".encode()]
    assert context["kind_predicted_class"].bytes_list.value == [b"bad"]
    assert context["kind_classes"].bytes_list.value == [b"good", b"bad"]
    assert list(context["kind_scores"].float_list.value) == [0.25, 0.75]
    assert list(context["place_prediction"].float_list.value) == [0.0, 4.0]
    assert context["topics_predicted_classes"].bytes_list.value == [b"sea", b"sun"]
    assert [list(step.float_list.value) for step in steps["tag_scores"].feature] == [[1.0, 0.0], [0.5, 0.5]]
    assert [step.bytes_list.value[0].decode() for step in steps["tag_predicted_class"].feature] == ["O", "ä"]
    assert context["tag_classes"].bytes_list.value == [b"O", "ä".encode()]
    # A record without steps has empty lists, and no classes of steps.
    assert len(first.feature_lists.feature_list["tag_scores"].feature) == 0
    assert "tag_classes" not in first.context.feature


def test_a_single_label_has_no_prefix(tmp_path):
    [record] = records(written([{"id": "r", **ROWS[1]["tag"]}], tmp_path / "out.tfrecord", SINGLE))
    assert set(record.feature_lists.feature_list) == {"scores", "predicted_class"}
    assert set(record.context.feature) == {"id", "classes"}


def plain(value):
    """Scores as mappings again."""
    if isinstance(value, list) and value and isinstance(value[0], dict) and value[0].keys() == {"class", "score"}:
        return {each["class"]: each["score"] for each in value}
    if isinstance(value, list | np.ndarray):
        return [plain(each) for each in value]
    return {key: plain(its) for key, its in value.items()} if isinstance(value, dict) else value


SCORES = pa.list_(pa.struct([("class", pa.string()), ("score", pa.float64())]))


def test_parquet_has_a_column_for_each_label_with_types_by_name(tmp_path):
    table = pq.read_table(written(ROWS, tmp_path / "out.parquet"))
    assert table.column_names == ["id", "kind", "tag", "place", "topics"]
    assert table.schema.field("tag").type == pa.struct(
        [("predicted_class", pa.list_(pa.string())), ("scores", pa.list_(SCORES))]
    )
    assert [plain(row) for row in table.to_pylist()] == ROWS


def test_pandas_reads_the_parquet_file(tmp_path):
    frame = pd.read_parquet(written(ROWS, tmp_path / "out.parquet"))
    assert frame.id.tolist() == [row["id"] for row in ROWS]
    assert [plain([*kind["scores"]]) for kind in frame.kind] == [row["kind"]["scores"] for row in ROWS]
    steps = [[plain([*step]) for step in tag["scores"]] for tag in frame.tag]
    assert steps == [row["tag"]["scores"] for row in ROWS]


def test_the_most_likely_classes_of_each_step_are_a_feature_list(tmp_path):
    row = {"id": "r", "predicted_class": ["a", "b"], "scores": [{"a": 0.5, "c": 0.25}, {"b": 0.75, "a": 0.125}]}
    path = tmp_path / "out.tfrecord"
    with path.open("wb") as file:
        writer_for(path, SINGLE, 2)([row], file)
    [record] = records(path)
    lists = record.feature_lists.feature_list
    assert [list(step.bytes_list.value) for step in lists["classes"].feature] == [[b"a", b"c"], [b"b", b"a"]]
    assert [list(step.float_list.value) for step in lists["scores"].feature] == [[0.5, 0.25], [0.75, 0.125]]
    assert "classes" not in record.context.feature


def test_types_are_known_if_no_row_has_a_step_and_if_there_are_no_rows(tmp_path):
    table = pq.read_table(written(ROWS[:1], tmp_path / "out.parquet"))
    assert table.schema.field("tag").type == pa.struct(
        [("predicted_class", pa.list_(pa.string())), ("scores", pa.list_(SCORES))]
    )
    empty = pq.read_table(written([], tmp_path / "none.parquet"))
    assert (empty.num_rows, empty.column_names) == (0, ["id"])


def test_many_rows_are_written_in_groups(tmp_path):
    rows = ({"id": str(n), "prediction": n / 4} for n in range(5_000))
    path = written(rows, tmp_path / "out.parquet", SINGLE)
    assert pq.ParquetFile(path).num_row_groups == 2
    np.testing.assert_array_equal(pq.read_table(path)["prediction"], np.arange(5_000) / 4)


@pytest.mark.parametrize("name", ["out.jsonl", "out", "parquet"])
def test_all_other_names_are_json_lines(tmp_path, name):
    lines = written(ROWS, tmp_path / name).read_text("utf-8").splitlines()
    assert [json.loads(line) for line in lines] == ROWS
    assert "ö1" in lines[1]
    with (tmp_path / "stdout").open("wb") as file:
        writer_for(None, SEVERAL)(ROWS, file)
    assert (tmp_path / "stdout").read_text("utf-8").splitlines() == lines
