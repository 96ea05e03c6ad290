"""The features of the first records of each file, compared with those of the spec."""

from __future__ import annotations

from typing import Any

import pytest

from tests.components.records.small_records import (
    NUMBER,
    TOKEN,
    error_of,
    filled,
    good,
    record,
    replaced,
    spec_of,
    write,
)
from tests.records import example, sequence_example, write_records
from tfx_sequences.components.records import keys as record_keys
from tfx_sequences.components.records.data_check import check_data
from tfx_sequences.schemas.features.raw_features import raw_features


def test_optional_feature_beyond_the_sample_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(record_keys, "_SAMPLE_RECORDS", 3)
    monkeypatch.setattr(record_keys, "_SAMPLE_ALL_FILES", 0)
    write(tmp_path, replaced(good(50), _40=record(40, {"rare": "r"})))
    check_data(spec_of(context={"rare": TOKEN}), filled(tmp_path))
    message = error_of(spec_of(context={"rarer": TOKEN}), tmp_path)
    assert "No record has context.rarer." in message


def test_tf_example_where_sequence_example_is_expected(tmp_path):
    records = [example({"id": "r", "class": "a", "token": ["x", "y"]})]
    message = error_of(spec_of(), write(tmp_path, good(), records))
    assert f"{tmp_path / 'test-0.tfrecord'} contains tf.Example records" in message
    assert "'token' among the plain features" in message
    assert "Write `record: Example`" in message


def test_sequence_example_where_tf_example_is_expected(tmp_path):
    message = error_of(spec_of(record="Example"), write(tmp_path, good()))
    assert "train-0.tfrecord.gz contains tf.SequenceExample records" in message
    assert "the feature lists 'token'" in message
    assert "`record: SequenceExample`" in message


@pytest.mark.parametrize("junk", [b"hello world", b"\xff\xfe\xfd", b'{"token": ["x"]}', b"\x1a\x03abc"])
@pytest.mark.parametrize("at", [0, 3])
def test_bytes_that_are_neither(tmp_path, junk, at):
    message = error_of(spec_of(), write(tmp_path, replaced(good(), **{f"_{at}": junk})))
    assert f"record {at} of {tmp_path / 'train-0.tfrecord.gz'} does not contain features" in message
    assert "neither" in message


@pytest.mark.parametrize(
    ("parts", "name", "near"),
    [
        ({"sequence": {"tokens": TOKEN}}, "sequence.tokens", "token"),
        ({"sequence": {"t": {"key": "tokn", **TOKEN}}}, "sequence.t (key 'tokn')", "token"),
        ({"label": {"key": "klass"}}, "the label 'klass'", "class"),
        ({"id_key": "idd"}, "the id 'idd'", "id"),
        ({"context": {"sice": NUMBER}}, "context.sice", "size"),
        ({"example_weight": "sizes"}, "the example weight 'sizes'", "size"),
    ],
)
def test_key_that_no_record_has(tmp_path, parts, name, near):
    message = error_of(spec_of(**parts), write(tmp_path, good(context={"size": 1.0})))
    assert f"No record has {name}." in message
    assert f"'{near}'" in message.split("received:")[1]
    assert f"Did you mean '{near}'?" in message


def test_key_on_the_other_side(tmp_path):
    write(tmp_path, good(context={"size": 1.0}, level=[1.0, 2.0]))
    message = error_of(spec_of(sequence={"size": NUMBER}, context={"level": NUMBER}), tmp_path)
    assert "No record has context.level." in message
    assert "'level' is a sequence feature" in message
    assert "Move 'level' to `sequence:`" in message
    message = error_of(spec_of(sequence={"token": TOKEN, "size": NUMBER}), tmp_path)
    assert "No record has sequence.size." in message
    assert "'size' is a context feature" in message
    assert "Move 'size' to `context:`" in message
    message = error_of(spec_of(label={"key": "token"}), tmp_path)
    assert "No record has the label 'token'." in message
    assert "once per record" in message


VALUES = {"string": "x", "int64": 1, "float32": 1.5}


CLASSES = {"string": ("a", "b"), "int64": (0, 1)}


@pytest.mark.parametrize(
    ("column", "stored", "fix"),
    [
        ({"type": "categorical"}, "int64", "Write `dtype: int64` at sequence.token"),
        ({"type": "categorical"}, "float32", "Write `type: numeric` at sequence.token"),
        ({"type": "categorical", "dtype": "int64", "num_buckets": 9}, "string", "Write `dtype: string`"),
        ({"type": "numeric"}, "int64", "Write `dtype: int64`"),
        ({"type": "numeric", "dtype": "int64"}, "float32", "Write `dtype: float32`"),
        ({"type": "numeric"}, "string", "Write `type: categorical`"),
    ],
)
@pytest.mark.parametrize("kind", ["SequenceExample", "Example"])
def test_column_of_another_dtype(tmp_path, column, stored, fix, kind):
    values = [VALUES[stored]] * 2
    records: list[Any] = [record(i, token=values) for i in range(4)]
    if kind == "Example":
        records = [example({"id": f"r{i}", "class": "a", "token": values}) for i in range(4)]
    message = error_of(spec_of(record=kind, sequence={"token": column}), write(tmp_path, records))
    assert "sequence.token has a different dtype in the data than in the spec" in message
    assert f"received: {stored} in record 0 ('r0') of" in message
    assert fix in message


@pytest.mark.parametrize(
    ("parts", "context", "fix"),
    [
        ({}, {"class": 1}, "Write `dtype: int64` at the label"),
        (
            {"label": {"key": "class", "classes": ("0", "1")}},
            {"class": 1},
            "Write `dtype: int64` and `classes` as numbers at the label",
        ),
        ({}, {"class": 1.5}, "Write `type: regression` at the label"),
        ({"label": {"key": "class", "classes": (0, 1)}}, {}, "Write `dtype: string` and `classes` as strings"),
        ({"label": {"key": "class", "type": "regression"}}, {}, "Write `type: classification` at the label"),
        ({"label": {"key": "class", "type": "regression"}}, {"class": 3}, "Write `dtype: int64` at the label"),
        ({"example_weight": "weight"}, {"weight": 2}, "Write `example_weight_dtype: int64`"),
        ({}, {"id": 7}, "Write `id_dtype: int64` in the spec"),
    ],
)
def test_label_weight_or_id_of_another_dtype(tmp_path, parts, context, fix):
    message = error_of(spec_of(**parts), write(tmp_path, good(context=context)))
    assert "has a different dtype in the data than in the spec" in message
    assert fix in message


def test_records_without_id_are_named_by_their_index(tmp_path):
    records = replaced(good(), _2=record(2, {"id": None, "class": None}))
    assert f"no value in record 2 of {tmp_path}" in error_of(spec_of(), write(tmp_path, records))
    assert f"no value in record 2 of {tmp_path}" in error_of(spec_of(id_key=None), tmp_path)


@pytest.mark.parametrize(
    ("context", "options", "expected"),
    [
        ({"id": "ü"}, {}, "ü"),
        ({"id": b"\xff"}, {}, "\ufffd"),
        ({"id": 7}, {"id_dtype": "int64"}, "7"),
        ({"id": 7}, {}, None),
        ({}, {}, None),
        ({"id": "u"}, {"id_key": None}, None),
    ],
)
def test_the_id_of_a_record(context, options, expected):
    assert record_keys.record_id(sequence_example(context, {}).SerializeToString(), spec_of(**options)) == expected


def test_the_id_of_bytes_that_are_no_record():
    assert record_keys.record_id(b"\xff\xff", spec_of()) is None


def test_a_feature_is_named_by_its_place_in_the_spec():
    spec = spec_of(
        context={"x": {"type": "categorical", "weighted_by": "w"}, "age": {"type": "numeric", "key": "years"}},
        example_weight="ew",
    )
    names = {feature.key: record_keys.feature_name(feature, spec) for feature in raw_features(spec)}
    assert names == {
        "x": "context.x",
        "w": "the feature 'w' of context.x",
        "years": "context.age (key 'years')",
        "token": "sequence.token",
        "class": "the label 'class'",
        "ew": "the example weight 'ew'",
        "id": "the id 'id'",
    }


def test_samples_note_the_first_record_of_each_dtype(tmp_path):
    records = [record(0, token=[None, "x"]), record(1, {"n": 1}, token=[5]), record(2, {"n": 2.5}, token=[])]
    [sample] = record_keys.sample_files([write_records(tmp_path / "a.tfrecord", records)])
    assert (sample.records, sample.whole, sample.has_lists) == (3, True, True)
    assert sample.kinds[True, "token"] == {"string": 0, "int64": 1, None: 2}
    assert sample.kinds[False, "n"] == {"int64": 1, "float32": 2}


def test_samples_of_many_files_are_small(tmp_path):
    path = write_records(tmp_path / "a.tfrecord", good(50))
    samples = record_keys.sample_files([path] * 400)
    assert {(sample.records, sample.whole) for sample in samples} == {(10, False)}
