from __future__ import annotations

import itertools
import json
import math
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tests.records import example, sequence_example, write_records
from tfx_sequences.components.records import batches as record_batches
from tfx_sequences.components.records import keys as record_keys
from tfx_sequences.components.records.data_check import DataReport, check_data, check_first_records
from tfx_sequences.components.records.hold_back import split_index, split_names
from tfx_sequences.errors import DataError, SpecError
from tfx_sequences.schemas.features.parse_specs import parse_records
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec
from tfx_sequences.schemas.spec.spec_io import load_spec

TOKEN = {"type": "categorical"}
NUMBER = {"type": "numeric"}


def spec_of(**parts: Any) -> SequenceSpec:
    """A spec with one categorical sequence feature and a string label, but for what is given."""
    given = {"name": "test", "id_key": "id", "sequence": {"token": TOKEN}, **parts}
    # Labels that are missing are told, not left out.
    given["label"] = {"missing_label": "error", **parts.get("label", {"key": "class"})}
    return SequenceSpec.model_validate(given)


def record(index: int, context: dict[str, Any] | None = None, **sequence: Any) -> tf.train.SequenceExample:
    """A good record of two or three steps, but for what is given; None leaves a feature out."""
    contexts = {"id": f"r{index}", "class": "ab"[index % 2], **(context or {})}
    lists = {"token": ["x", "y", "z"][: 2 + index % 2], **sequence}
    return sequence_example(
        {k: v for k, v in contexts.items() if v is not None}, {k: v for k, v in lists.items() if v is not None}
    )


def good(count: int = 10, **kwargs: Any) -> list[tf.train.SequenceExample]:
    return [record(i, **kwargs) for i in range(count)]


def write(folder: Path, train: Iterable[Any], test: Iterable[Any] | None = None) -> Path:
    write_records(folder / "train-0.tfrecord.gz", train)
    if test is not None:
        write_records(folder / "test-0.tfrecord", test)
    return folder


def filled(folder: Path) -> Path:
    """The folder, with the training records also as the splits that have no file: so none are held back."""
    for split in ("valid", "test"):
        if not list(folder.glob(f"{split}*")):
            shutil.copy(folder / "train-0.tfrecord.gz", folder / f"{split}-0.tfrecord.gz")
    return folder


def error_of(spec: SequenceSpec, folder: Path, kind: type[Exception] = DataError) -> str:
    with pytest.raises(kind) as caught:
        check_data(spec, folder)
    assert type(caught.value) is kind
    return str(caught.value)


def replaced(records: list[Any], **by_index: Any) -> list[Any]:
    """`records` with some replaced: `_3=...` is the one at 3."""
    records = list(records)
    for name, other in by_index.items():
        records[int(name[1:])] = other
    return records


# -- data in order


def test_report_of_good_records(tmp_path):
    test = [record(0, {"extra": 1.0}, token=[]), record(1, other=[1, 2, 3])]
    write(tmp_path, good(), test)
    write_records(tmp_path / "more.tfrecord", [])
    report = check_data(spec_of(), filled(tmp_path))
    assert isinstance(report, DataReport)
    assert list(report.splits) == ["train", "valid", "test"]
    assert report.held_back == {}
    train, held_out = report.splits["train"], report.splits["test"]
    assert (train.name, train.files, train.records, train.steps) == ("train", ("train-0.tfrecord.gz",), 10, 25)
    assert (train.length_min, train.length_mean, train.length_max, train.zero_length) == (2, 2.5, 3, 0)
    assert train.classes == {"label": {"a": 5, "b": 5}}
    assert (held_out.records, held_out.steps, held_out.length_min, held_out.zero_length) == (2, 3, 0, 1)
    assert (report.unused_context, report.unused_sequence) == (("extra",), ("other",))
    assert report.unused_files == ("more.tfrecord",)


def test_many_batches_and_files(tmp_path, monkeypatch):
    monkeypatch.setattr(record_batches, "_BATCH_RECORDS", 7)
    for i in range(3):
        write_records(tmp_path / f"train-{i}.tfrecord", good(50))
    write_records(tmp_path / "train-3.tfrecord", [])
    report = check_data(spec_of(), tmp_path)
    assert report.splits["train"].records == 150
    assert report.splits["train"].classes == {"label": {"a": 75, "b": 75}}


def test_batches_are_bounded_in_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr(record_batches, "_BATCH_BYTES", 100)
    path = write_records(tmp_path / "train.tfrecord", [b"x" * 60] * 5)
    assert [(b.first, len(b)) for b in record_batches.batches(path)] == [(0, 2), (2, 2), (4, 1)]


def test_classes_in_the_order_of_the_spec(tmp_path):
    write(tmp_path, [record(i, {"class": "abb"[i % 3]}) for i in range(9)])
    spec = spec_of(label={"key": "class", "classes": ("c", "b", "a")})
    assert list(check_data(spec, filled(tmp_path)).splits["train"].classes["label"].items()) == [("b", 6), ("a", 3)]


def test_all_kinds_of_columns_in_order(tmp_path):
    (tmp_path / "words.txt").write_text("x\ny\nz\n")
    spec = spec_of(
        context={
            "day": {"type": "categorical", "dtype": "int64", "num_buckets": 7},
            "size": {"type": "numeric", "shape": (2,), "default_value": 0.0},
            "place": {"type": "categorical"},
        },
        sequence={
            "token": {"type": "categorical", "vocabulary_file": str(tmp_path / "words.txt"), "num_oov_buckets": 0},
            "upper": {"type": "categorical", "vocabulary_list": ("x",), "num_oov_buckets": 0, "lowercase": True},
            "id": {"type": "categorical", "dtype": "int64", "num_buckets": 3, "default_value": 0},
            "number": {"type": "categorical", "dtype": "int64", "vocabulary_list": (5, 7), "num_oov_buckets": 0},
            "hashed": {"type": "categorical", "hash_bucket_size": 5},
            "vector": {"type": "numeric", "shape": (2, 2)},
            "count": {"type": "numeric", "dtype": "int64"},
        },
        label={"key": "target", "type": "regression"},
        example_weight="weight",
    )
    records = [
        sequence_example(
            {"id": f"r{i}", "target": 0.5, "weight": float(i), "day": i % 7, **({"size": [1.0, 2.0]} if i % 2 else {})},
            {
                "token": ["x", "y"],
                "upper": ["X", "x"],
                "id": [9, None],
                "number": [5, 7],
                "hashed": [None, "h"],
                "vector": [[1.0] * 4, None],
                "count": [1, None],
            },
        )
        for i in range(5)
    ]
    records[2].context.feature["place"].CopyFrom(sequence_example({"p": "here"}).context.feature["p"])
    report = check_data(spec, filled(write(tmp_path, records)))
    assert report.splits["train"].steps == 10
    assert report.splits["train"].classes == {}
    # What passes here must be what the pipeline itself can parse.
    parse_records(tf.constant([r.SerializeToString() for r in records]), spec)


def test_a_missing_feature_list_is_zero_steps(tmp_path):
    report = check_data(spec_of(), filled(write(tmp_path, replaced(good(), _4=record(4, token=None)))))
    assert report.splits["train"].zero_length == 1


def test_optional_feature_beyond_the_sample_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(record_keys, "_SAMPLE_RECORDS", 3)
    monkeypatch.setattr(record_keys, "_SAMPLE_ALL_FILES", 0)
    write(tmp_path, replaced(good(50), _40=record(40, {"rare": "r"})))
    check_data(spec_of(context={"rare": TOKEN}), filled(tmp_path))
    message = error_of(spec_of(context={"rarer": TOKEN}), tmp_path)
    assert "No record has context.rarer." in message


def test_tf_example_records_in_order(tmp_path):
    spec = spec_of(record="Example", sequence={"token": TOKEN, "vector": {"type": "numeric", "shape": (2,)}})
    records = [
        example({"id": f"r{i}", "class": "ab"[i % 2], "token": ["x"] * i, "vector": [1.0] * 2 * i, "extra": 1})
        for i in range(6)
    ]
    report = check_data(spec, filled(write(tmp_path, records)))
    train = report.splits["train"]
    assert (train.records, train.steps, train.length_max, train.zero_length) == (6, 15, 5, 1)
    assert (report.unused_context, report.unused_sequence) == (("extra",), ())


@pytest.mark.parametrize("name", ["japanese_vowels", "sentence_polarity"])
def test_real_sets_are_in_order(shared_data, name):
    folder = shared_data(name)
    report = check_data(load_spec(name), folder)
    card = json.loads((folder / "dataset.json").read_text())["splits"]
    assert {s.name: (s.records, s.steps, s.length_min, s.length_max) for s in report.splits.values()} == {
        split: (c["num_sequences"], c["total_steps"], c["length"]["min"], c["length"]["max"])
        for split, c in card.items()
    }
    assert (report.unused_context, report.unused_sequence) == ((), ())


def test_files_that_are_not_there_need_no_tensorflow(tmp_path):
    script = (
        "import sys\n"
        "from tfx_sequences.components.records.data_check import check_data\n"
        "from tfx_sequences.schemas.spec.spec_io import load_spec\n"
        "try: check_data(load_spec('japanese_vowels'), sys.argv[1])\n"
        "except ValueError: print('tensorflow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script, tmp_path], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


# -- records of the wrong kind


def test_split_without_records(tmp_path):
    message = error_of(spec_of(), write(tmp_path, good(), []))
    assert "The split 'test' has no records." in message
    assert "'test-0.tfrecord', all empty" in message


def test_framing_is_checked_first(tmp_path):
    write(tmp_path, [b"no record at all"], good())
    path = tmp_path / "test-0.tfrecord"
    path.write_bytes(path.read_bytes()[:-3])
    assert f"{path} is truncated" in error_of(spec_of(), tmp_path)


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


@pytest.mark.parametrize("junk", [b"hello world", b"\xff\xfe\xfd"])
def test_bytes_that_are_neither_beyond_the_sample(tmp_path, junk):
    message = error_of(spec_of(), write(tmp_path, replaced(good(400), _333=junk)))
    assert "record 333 of" in message
    assert "does not contain features" in message


# -- features that are not there, or otherwise than the spec says


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


@pytest.mark.parametrize("kind", ["SequenceExample", "Example"])
def test_another_dtype_beyond_the_sample(tmp_path, kind):
    def of(index: int, steps: list[Any]) -> Any:
        if kind == "SequenceExample":
            return record(index, token=steps)
        return example({"id": f"r{index}", "class": "ab"[index % 2], "token": steps})

    records = [of(i, ["x", "y"]) for i in range(3000)]
    records[2900] = of(2900, [1, 2])
    message = error_of(spec_of(record=kind), write(tmp_path, records))
    assert "sequence.token has a different dtype" in message
    assert "int64 in record 2900 ('r2900') of" in message


def test_another_dtype_in_a_later_step(tmp_path):
    message = error_of(spec_of(), write(tmp_path, replaced(good(), _6=record(6, token=["x", 5]))))
    assert "int64 in record 6 ('r6') of" in message


# -- counts


def test_label_missing_in_some_records(tmp_path):
    records = [record(i, {"class": None if i in (2, 5, 6, 7) else "ab"[i % 2]}) for i in range(10)]
    message = error_of(spec_of(), write(tmp_path, records))
    assert "The label 'class' is missing." in message
    assert "4 records, the first: 2 ('r2'), 5 ('r5'), 6 ('r6') of" in message
    assert "('r6')" in message
    assert "('r7')" not in message


def test_label_with_several_values(tmp_path):
    message = error_of(spec_of(), write(tmp_path, replaced(good(), _3=record(3, {"class": ["a", "b"]}))))
    assert "The label 'class' has several values." in message
    assert "2 values in record 3 ('r3') of" in message


def test_required_context_feature_missing_in_some_records(tmp_path):
    records = [record(i, {"size": None if i == 4 else 1.0}) for i in range(10)]
    message = error_of(spec_of(context={"size": NUMBER}), write(tmp_path, records))
    assert "context.size is missing." in message
    assert "no value in record 4 ('r4') of" in message
    assert "Set `default_value` at context.size" in message
    check_data(spec_of(context={"size": {**NUMBER, "default_value": 0.0}}), filled(tmp_path))


def test_required_identity_is_counted_once(tmp_path):
    records = [record(i, {"day": None if i == 4 else 1}) for i in range(10)]
    column = {"type": "categorical", "dtype": "int64", "num_buckets": 3}
    message = error_of(spec_of(context={"day": column}), write(tmp_path, records))
    assert "no value in record 4 ('r4') of" in message


def test_weight_missing(tmp_path):
    records = [record(i, {"weight": None if i == 4 else 1.0}) for i in range(10)]
    message = error_of(spec_of(example_weight="weight"), write(tmp_path, records))
    assert "The example weight 'weight' is missing." in message


@pytest.mark.parametrize("empty", ["bytes_list", "float_list", None])
@pytest.mark.parametrize("kind", ["SequenceExample", "Example"])
def test_optional_context_feature_without_a_value(tmp_path, empty, kind):
    # Left out it is fine; there but empty, the pipeline's parse would fail deep inside.
    column, value = ({**NUMBER, "default_value": 0.0}, 1.0) if empty == "float_list" else (TOKEN, "v")
    records: list[Any] = []
    for i in range(6):
        extra = {"extra": value} if i == 1 else {}
        if kind == "SequenceExample":
            records.append(record(i, extra))
        else:
            records.append(example({"id": f"r{i}", "class": "ab"[i % 2], "token": ["x"], **extra}))
    features = records[4].context if kind == "SequenceExample" else records[4].features
    if empty:
        getattr(features.feature["extra"], empty).SetInParent()
    else:
        features.feature["extra"].SetInParent()
    spec = spec_of(record=kind, context={"extra": column})
    serialized = tf.constant([r.SerializeToString() for r in records])
    write(tmp_path, records)
    if kind == "Example" and empty is None:  # the one that is read as missing
        parse_records(serialized, spec)
        check_data(spec, filled(tmp_path))
        return
    with pytest.raises(tf.errors.InvalidArgumentError):
        parse_records(serialized, spec)
    message = error_of(spec, tmp_path)
    assert "context.extra is present, but without a value." in message
    assert "an empty list in record 4 ('r4') of" in message


def test_wrong_number_of_values_in_context(tmp_path):
    records = replaced(good(context={"size": [1.0, 2.0]}), _5=record(5, {"size": [1.0, 2.0, 3.0]}))
    column = {"type": "numeric", "shape": (2,), "default_value": 0.0}
    message = error_of(spec_of(context={"size": column}), write(tmp_path, records))
    assert "context.size has a record with a wrong number of values." in message
    assert "2 values (shape [2]) per record" in message
    assert "3 values in record 5 ('r5') of" in message
    assert "`shape: [3]`" in message


def test_wrong_number_of_values_in_a_step(tmp_path):
    vector = {"type": "numeric", "shape": (3,)}
    records = [record(i, token=None, vector=[[1.0] * 3, None, [2.0] * 3]) for i in range(10)]
    records[7] = record(7, vector=[[1.0] * 3, [1.0] * 3, [2.0] * 2])
    message = error_of(spec_of(sequence={"vector": vector}), write(tmp_path, records))
    assert "sequence.vector has a step with a wrong number of values." in message
    assert "3 values (shape [3]) per step, or no values if it is missing" in message
    assert "2 values in step 2 of record 7 ('r7') of" in message


@pytest.mark.parametrize(("column", "values", "fix"), [(TOKEN, "xy", "one term per step"), (NUMBER, (1.0, 2.0), "[2]")])
def test_several_values_in_a_scalar_step(tmp_path, column, values, fix):
    records = [record(i, token=[values[0]] * 2) for i in range(10)]
    records[3] = record(3, token=[values[0], list(values)])
    message = error_of(spec_of(sequence={"token": column}), write(tmp_path, records))
    assert "1 value per step" in message
    assert "2 values in step 1 of record 3 ('r3') of" in message
    assert fix in message


def test_flat_list_of_an_example_that_makes_no_steps(tmp_path):
    vector = {"type": "numeric", "shape": (3,)}
    records = [example({"id": f"r{i}", "class": "ab"[i % 2], "v": [1.0] * (6 + (i == 2))}) for i in range(4)]
    message = error_of(spec_of(record="Example", sequence={"v": vector}), write(tmp_path, records))
    assert "sequence.v does not divide into steps." in message
    assert "a multiple of 3 values" in message
    assert "7 values in record 2 ('r2') of" in message


@pytest.mark.parametrize("kind", ["SequenceExample", "Example"])
def test_sequences_of_one_record_differ_in_steps(tmp_path, kind):
    def of(index: int, a: int, b: int) -> Any:
        if kind == "SequenceExample":
            return record(index, token=["x"] * a, level=[[1.0, 2.0]] * b)
        return example({"id": f"r{index}", "class": "ab"[index % 2], "token": ["x"] * a, "level": [1.0, 2.0] * b})

    records = [of(0, 2, 2), of(1, 0, 0), of(2, 3, 2), of(3, 1, 1), of(4, 2, 1)]
    spec = spec_of(record=kind, sequence={"token": TOKEN, "level": {"type": "numeric", "shape": (2,)}})
    message = error_of(spec, write(tmp_path, records))
    assert "different numbers of steps" in message
    assert "sequence.level 2, sequence.token 3 steps in the first of 2 records: 2 ('r2'), 4 ('r4') of" in message


# -- values


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_not_finite(tmp_path, value):
    levels = [record(i, token=None, level=[1.0, math.inf if i == 6 else 2.0]) for i in range(10)]
    message = error_of(spec_of(sequence={"level": NUMBER}), write(tmp_path, levels))
    assert "sequence.level has a value that is not finite." in message
    assert "inf in record 6 ('r6') of" in message
    targets = [record(i, {"class": value if i == 1 else 2.0}) for i in range(10)]
    message = error_of(spec_of(label={"key": "class", "type": "regression"}), write(tmp_path, targets))
    assert "The label 'class' has a value that is not finite." in message
    weights = [record(i, {"w": value if i == 1 else 2.0}) for i in range(10)]
    message = error_of(spec_of(example_weight="w"), write(tmp_path, weights))
    assert "The example weight 'w' has a value that is not finite." in message


def test_negative_weight(tmp_path):
    weights = [record(i, {"w": -0.5 if i == 1 else 0.0}) for i in range(10)]
    message = error_of(spec_of(example_weight="w"), write(tmp_path, weights))
    assert "The example weight 'w' is negative." in message
    assert "-0.5 in record 1 ('r1') of" in message


@pytest.mark.parametrize("value", [-1, 5])
def test_identity_out_of_range(tmp_path, value):
    records = [record(i, token=[0, 4, value if i in (3, 5) else 2]) for i in range(10)]
    column = {"type": "categorical", "dtype": "int64", "num_buckets": 5}
    message = error_of(spec_of(sequence={"token": column}), write(tmp_path, records))
    assert "sequence.token has an id out of range." in message
    assert "ids from 0 to 4" in message
    assert f"{value} in the first of 2 records: 3 ('r3'), 5 ('r5') of" in message
    check_data(spec_of(sequence={"token": {**column, "default_value": 0}}), filled(tmp_path))


@pytest.mark.parametrize(
    ("ids", "value"), [({"num_buckets": 5}, 1), ({"vocabulary_list": (1, 2), "num_oov_buckets": 0}, 1)]
)
def test_missing_step_where_no_id_stands_for_it(tmp_path, ids, value):
    records = [record(i, token=[value, None if i == 3 else value]) for i in range(10)]
    column = {"type": "categorical", "dtype": "int64", **ids}
    message = error_of(spec_of(sequence={"token": column}), write(tmp_path, records))
    assert "sequence.token has no value in a step, and no id for unknown terms." in message
    assert "record 3 ('r3')" in message
    check_data(spec_of(sequence={"token": {**column, "default_value": 0}}), filled(tmp_path))


def test_missing_context_term_where_no_id_stands_for_it(tmp_path):
    records = [record(i, {"place": None if i == 3 else "here"}) for i in range(10)]
    column = {"type": "categorical", "vocabulary_list": ("here",), "num_oov_buckets": 0}
    message = error_of(spec_of(context={"place": column}), write(tmp_path, records))
    assert "context.place has no value in some records" in message


def test_missing_is_a_term_where_the_vocabulary_has_it(tmp_path):
    records = [record(i, token=["x", None]) for i in range(10)]
    column = {"type": "categorical", "vocabulary_list": ("", "x"), "num_oov_buckets": 0}
    check_data(spec_of(sequence={"token": column}), filled(write(tmp_path, records)))


def test_empty_sequence_of_an_example_is_no_missing_term(tmp_path):
    records = [example({"id": f"r{i}", "class": "ab"[i % 2], "token": ["x"] * i}) for i in range(4)]
    column = {"type": "categorical", "vocabulary_list": ("x",), "num_oov_buckets": 0}
    report = check_data(spec_of(record="Example", sequence={"token": column}), filled(write(tmp_path, records)))
    assert report.splits["train"].zero_length == 1


@pytest.mark.parametrize("given", ["list", "file"])
def test_unknown_vocabulary_term(tmp_path, given):
    terms = ("cat", "dog", "Bird")
    (tmp_path / "terms.txt").write_text("\n".join(terms))
    source = {"vocabulary_list": terms} if given == "list" else {"vocabulary_file": str(tmp_path / "terms.txt")}
    records = [record(i, token=["cat", "dgo" if i == 3 else "dog"]) for i in range(10)]
    column = {"type": "categorical", "num_oov_buckets": 0, **source}
    message = error_of(spec_of(sequence={"token": column}), write(tmp_path, records))
    assert "sequence.token has a term that is not in its vocabulary." in message
    assert "'dgo' in record 3 ('r3')" in message
    assert "Did you mean 'dog'?" in message
    check_data(spec_of(sequence={"token": {**column, "num_oov_buckets": 1}}), filled(tmp_path))
    check_data(spec_of(sequence={"token": {**column, "default_value": 0}}), filled(tmp_path))


def test_unknown_number_of_a_vocabulary(tmp_path):
    records = [record(i, token=[5, 8 if i == 3 else 7]) for i in range(10)]
    column = {"type": "categorical", "dtype": "int64", "vocabulary_list": (5, 7), "num_oov_buckets": 0}
    message = error_of(spec_of(sequence={"token": column}), write(tmp_path, records))
    assert "'8' in record 3 ('r3')" in message


def test_lowercase_comes_before_the_lookup(tmp_path):
    records = [record(i, token=["CAT", "Äpfel"]) for i in range(10)]
    column = {"type": "categorical", "vocabulary_list": ("cat", "äpfel"), "num_oov_buckets": 0}
    assert "'CAT'" in error_of(spec_of(sequence={"token": column}), write(tmp_path, records))
    check_data(spec_of(sequence={"token": {**column, "lowercase": True}}), filled(tmp_path))


@pytest.mark.parametrize(("content", "said"), [("", "empty"), ("a\nb\na\n", "twice")])
def test_vocabulary_file_that_cannot_be_used(tmp_path, content, said):
    (tmp_path / "terms.txt").write_text(content)
    column = {"type": "categorical", "vocabulary_file": str(tmp_path / "terms.txt")}
    message = error_of(spec_of(sequence={"token": column}), write(tmp_path, good()), SpecError)
    assert said in message
    assert "terms.txt" in message


@pytest.mark.parametrize(
    ("vocabulary", "test", "said"),
    [
        ({}, ["x", "new"], "a term in 'test'"),
        ({"frequency_threshold": 2}, None, "a term in 'train'"),
        ({"top_k": 1}, None, "a term in 'train'"),
    ],
)
def test_computed_vocabulary_without_an_id_for_others(tmp_path, vocabulary, test, said):
    column = {"type": "categorical", "vocabulary": vocabulary, "num_oov_buckets": 0}
    records = [record(i, token=["x", "y"]) for i in range(4)] + [record(4, token=["rare"])]
    write(tmp_path, records, [record(0, token=test or ["x"])])
    message = error_of(spec_of(sequence={"token": column}), tmp_path)
    assert f"sequence.token has {said}" in message
    assert "Set `num_oov_buckets: 1`" in message
    check_data(spec_of(sequence={"token": {**column, "num_oov_buckets": 1}}), filled(tmp_path))


# -- classes


def test_shared_vocabulary_has_the_terms_of_all_its_columns(tmp_path):
    strict = {"type": "categorical", "num_oov_buckets": 0, "embedding": {"table": "t"}}
    spec = spec_of(sequence={"token": strict}, context={"first": strict})
    train = [record(i, {"first": "w"}) for i in range(10)]
    folder = filled(write(tmp_path, train, [record(0, {"first": "x"}, token=["w"])]))
    check_data(spec, folder)
    write(folder, train, [record(0, {"first": "x"}, token=["v"])])
    assert "sequence.token has a term in 'test'" in error_of(spec, folder)


def test_several_values_of_a_step_or_record_are_in_order(tmp_path):
    several = {"type": "categorical", "multi_valued": True}
    spec = spec_of(sequence={"token": several, "genre": TOKEN}, context={"tags": several})
    tokens = {"token": [["x", "y"], [], "z"], "genre": ["a", "b", "c"]}
    report = check_data(
        spec, filled(write(tmp_path, [record(i, {"tags": ["s", "t"][: i % 3]}, **tokens) for i in range(9)]))
    )
    assert report.splits["train"].steps == 27


def test_steps_are_the_tokens_of_a_text(tmp_path):
    spec = spec_of(sequence={"review": {"type": "text"}})
    texts = ["one two  three", "", "four"]
    report = check_data(spec, filled(write(tmp_path, [record(i, {"review": texts[i % 3]}) for i in range(9)])))
    train = report.splits["train"]
    assert (train.steps, train.length_max, train.zero_length) == (12, 3, 3)


def test_steps_of_a_text_and_of_another_feature_differ(tmp_path):
    spec = spec_of(sequence={"review": {"type": "text"}, "token": TOKEN})
    records = [record(i, {"review": "one two"}, token=["x", "y"]) for i in range(9)]
    folder = write(tmp_path, replaced(records, _4=record(4, {"review": "one two three"}, token=["x", "y"])))
    message = error_of(spec, folder)
    assert "different numbers of steps" in message
    assert "sequence.review 3" in message and "'r4'" in message


@pytest.mark.parametrize("source", ["context", "sequence"])
def test_unknown_tokens_of_a_text(tmp_path, source):
    column = {
        "type": "text",
        "source": source,
        "vocabulary_list": ("one", "two"),
        "num_oov_buckets": 0,
        "lowercase": True,
    }
    spec = spec_of(sequence={"review": column})

    def text(index, value):
        if source == "context":
            return record(index, {"review": value}, token=None)
        return record(index, review=[value, "one"], token=None)

    records = [text(i, "One two") for i in range(9)]
    check_data(spec, filled(write(tmp_path, records)))
    message = error_of(spec, write(tmp_path, replaced(records, _3=text(3, "two Twoo"))))
    assert "'twoo' in record 3 ('r3')" in message
    assert "Did you mean 'two'?" in message


def test_class_that_the_spec_does_not_list(tmp_path):
    records = [record(i, {"class": ["pos", "neg", "Pos"][i % 3]}) for i in range(9)]
    spec = spec_of(label={"key": "class", "classes": ("pos", "neg")})
    message = error_of(spec, write(tmp_path, records))
    assert "The label 'class' has a class that `label.classes` does not list." in message
    assert "'Pos' in 3 records, the first: 2 ('r2'), 5 ('r5'), 8 ('r8') of" in message
    assert "train-0.tfrecord.gz" in message
    assert "The closest is 'pos'." in message


def test_number_that_is_no_class(tmp_path):
    records = [record(i, {"class": i % 3}) for i in range(9)]
    message = error_of(spec_of(label={"key": "class", "classes": (0, 1)}), write(tmp_path, records))
    assert "'2' in 3 records, the first: 2 ('r2'), 5 ('r5'), 8 ('r8') of" in message


def test_several_unknown_classes(tmp_path):
    records = [record(i, {"class": "abcda"[i % 5]}) for i in range(10)]
    message = error_of(spec_of(label={"key": "class", "classes": ("a", "b")}), write(tmp_path, records))
    assert "'c' in 2 records, the first: 2 ('r2'), 7 ('r7') of" in message
    assert "; and 'd'" in message


def test_unknown_classes_in_several_batches(tmp_path, monkeypatch):
    monkeypatch.setattr(record_batches, "_BATCH_RECORDS", 2)
    records = [record(i, {"class": "abc\0dac\0abe"[i]}) for i in range(10)]
    records[2] = record(2, {"class": "c\0"})
    message = error_of(spec_of(label={"key": "class", "classes": ("a", "b")}), write(tmp_path, records))
    assert "'c\0' in record 2 ('r2') of" in message
    assert "; and '\0', 'd', 'c'" in message


def test_class_of_the_test_that_training_never_saw(tmp_path):
    message = error_of(spec_of(), write(tmp_path, good(), [record(0), record(1, {"class": "c"})]))
    assert "The split 'test' has a class of the label 'class' that no training record has." in message
    assert "'c' in 1 record of 'test'" in message
    check_data(spec_of(label={"key": "class", "classes": ("a", "b", "c")}), filled(tmp_path))


@pytest.mark.parametrize("classes", [None, ("a", "b")])
def test_only_one_class(tmp_path, classes):
    spec = spec_of(label={"key": "class", "classes": classes})
    message = error_of(spec, write(tmp_path, good(context={"class": "a"})))
    assert "All training records have the same class" in message
    assert "'a' in all 10 records" in message


@pytest.mark.parametrize("bad", ["", "two\nlines"])
def test_class_that_no_vocabulary_takes(tmp_path, bad):
    message = error_of(spec_of(), write(tmp_path, replaced(good(), _2=record(2, {"class": bad}))))
    assert "is empty or contains a line break" in message


# -- lengths, and what comes first


def test_all_sequences_of_a_split_are_empty(tmp_path):
    message = error_of(spec_of(), write(tmp_path, good(), good(3, token=[])))
    assert "All sequences of the split 'test' have length zero." in message


def test_the_most_basic_fault_is_told(tmp_path):
    faults = {
        "The label 'class' is missing.": record(8, {"class": None}),
        "context.size is missing.": record(7, {"size": None}),
        "wrong number of values": record(6, {"size": 1.0}, token=["x", ["x", "y"]]),
        "not finite": record(5, {"size": math.inf}),
        "does not list": record(4, {"size": 1.0, "class": "c"}),
    }
    spec = spec_of(context={"size": NUMBER}, label={"key": "class", "classes": ("a", "b")})
    for count in range(1, len(faults) + 1):
        told = list(faults)[-count:]
        # The other way round in the file: it is not the first record that decides.
        records = good(3, context={"size": 1.0}) + [faults[name] for name in reversed(told)]
        assert told[0] in error_of(spec, write(tmp_path, records))


def test_records_without_id_are_named_by_their_index(tmp_path):
    records = replaced(good(), _2=record(2, {"id": None, "class": None}))
    assert f"no value in record 2 of {tmp_path}" in error_of(spec_of(), write(tmp_path, records))
    assert f"no value in record 2 of {tmp_path}" in error_of(spec_of(id_key=None), tmp_path)


def test_index_counts_from_the_start_of_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr(record_batches, "_BATCH_RECORDS", 4)
    records = [record(i, {"class": None if i in (6, 9) else "ab"[i % 2]}) for i in range(12)]
    message = error_of(spec_of(), write(tmp_path, records))
    assert "2 records, the first: 6 ('r6'), 9 ('r9') of" in message


# -- splits without files, held back from the training records

SHARES = {"valid": 0.1, "test": 0.1}


def falling(into: str, count: int, context: dict[str, Any] | None = None, **sequence: Any) -> list[Any]:
    """The first records that a run puts `into` this split, where neither `valid` nor `test` has files."""
    found = (record(i, context, **sequence) for i in range(10_000))
    return list(itertools.islice((r for r in found if split_names(SHARES)[split_index(r, SHARES)] == into), count))


def test_held_back_records_are_counted(tmp_path):
    records = falling("valid", 2) + falling("train", 11) + falling("test", 3)
    report = check_data(spec_of(), write(tmp_path, records))
    assert report.held_back == {"valid": 2, "test": 3}
    assert list(report.splits) == ["train"]
    assert report.splits["train"].records == 16
    assert report.splits["train"].steps == sum(len(r.feature_lists.feature_list["token"].feature) for r in records)


def test_only_splits_without_files_are_held_back(tmp_path):
    # Shares are counted from the first split without files, so the records of 'test' are now those of 'valid'.
    records = falling("test", 2) + falling("valid", 3) + falling("train", 4)
    assert check_data(spec_of(), write(tmp_path, records, good())).held_back == {"valid": 2}


@pytest.mark.parametrize("kind", ["SequenceExample", "Example"])
def test_held_back_in_many_batches(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(record_batches, "_BATCH_RECORDS", 7)
    records: list[Any] = good(100)
    if kind == "Example":
        records = [example({"id": f"r{i}", "class": "ab"[i % 2], "token": ["x"] * (i % 3)}) for i in range(100)]
    column = {"type": "categorical", "vocabulary": {}, "num_oov_buckets": 0}
    spec = spec_of(record=kind, sequence={"token": column})
    report = check_data(spec, write(tmp_path, records))
    expected = [split_names(SHARES)[split_index(r, SHARES)] for r in records]
    assert report.held_back == {name: expected.count(name) for name in SHARES}
    assert all(report.held_back.values())
    assert report.splits["train"].classes == {"label": {"a": 50, "b": 50}}


@pytest.mark.parametrize("empty", ["valid", "test"])
def test_nothing_to_hold_back(tmp_path, empty):
    records = [r for split in ("train", "valid", "test") if split != empty for r in falling(split, 4)]
    message = error_of(spec_of(), write(tmp_path, records))
    assert f"The split '{empty}' has no files, and no training record is held back for it." in message
    assert "8 training records, divided by their hashes: train 4," in message
    assert f"{empty} 0" in message
    assert f"files that match splits.{empty}, or set a larger splits.{empty}_fraction" in message


def test_all_are_held_back(tmp_path):
    message = error_of(spec_of(), write(tmp_path, falling("valid", 3) + falling("test", 2)))
    assert "No record is left in 'train': all are held back for valid and test." in message
    assert "train 0, valid 3, test 2" in message


def test_equal_records_fall_into_one_split(tmp_path):
    records = [record(i % 2) for i in range(500)]
    message = error_of(spec_of(), write(tmp_path, records))
    assert "500 training records, divided by their hashes" in message
    assert "equal records fall into the same one" in message


def test_class_that_only_held_back_records_have(tmp_path):
    records = falling("train", 9) + falling("valid", 2) + falling("test", 1) + falling("test", 2, {"class": "aa"})
    message = error_of(spec_of(), write(tmp_path, records))
    assert "The split 'test' (held back from the training records) has a class of the label 'class'" in message
    assert "that no record left in train has" in message
    assert "'aa' in 2 records of 'test'" in message
    assert "provide files that match splits.test" in message
    check_data(spec_of(label={"key": "class", "classes": ("a", "b", "aa")}), tmp_path)


def test_what_is_left_for_training_has_one_class(tmp_path):
    records = falling("train", 9, {"class": "a"}) + falling("valid", 4) + falling("test", 4)
    spec = spec_of(label={"key": "class", "classes": ("a", "b")})
    message = error_of(spec, write(tmp_path, records))
    assert "All training records have the same class" in message
    assert "in the split 'train' (without what is held back for valid and test)" in message
    assert "'a' in all 9 records" in message


def test_term_that_only_held_back_records_have(tmp_path):
    column = {"type": "categorical", "vocabulary": {}, "num_oov_buckets": 0}
    records = falling("train", 9) + falling("test", 2) + falling("valid", 2, token=["x", "rare"])
    message = error_of(spec_of(sequence={"token": column}), write(tmp_path, records))
    assert "sequence.token has a term in 'valid' (held back from the training records)" in message
    assert "'rare', 2 times" in message
    check_data(spec_of(sequence={"token": {**column, "num_oov_buckets": 1}}), tmp_path)


def test_held_back_records_without_any_step(tmp_path):
    records = falling("train", 9) + falling("test", 2, token=[]) + falling("valid", 2)
    message = error_of(spec_of(), write(tmp_path, records))
    assert "All sequences of the split 'test' (held back from the training records) have length zero." in message


def test_faults_of_the_files_come_before_those_of_held_back_splits(tmp_path):
    message = error_of(spec_of(), write(tmp_path, good(4, context={"class": "a"})))
    assert "All training records have the same class" in message
    assert "'a' in all 4 records" in message


# -- records that are to be predicted


def test_first_records_for_a_prediction_need_no_label(tmp_path):
    spec = spec_of(context={"place": TOKEN}, example_weight="weight")
    unlabelled = write_records(tmp_path / "new.tfrecord", good(context={"class": None}))
    check_first_records(unlabelled, spec)
    check_first_records(write_records(tmp_path / "none.tfrecord", []), spec)
    with pytest.raises(DataError, match=r"No record has sequence\.token\."):
        check_first_records(write_records(tmp_path / "other.tfrecord", good(token=None)), spec)
    with pytest.raises(DataError, match=r"contains tf\.Example records"):
        check_first_records(write_records(tmp_path / "flat.tfrecord", [example({"token": ["x"]})]), spec)


def test_rows_find_their_records():
    rows = record_batches.Rows(tf.range(5), (tf.constant([0, 0, 2, 4]).numpy(), tf.constant([0, 1, 3, 3, 5]).numpy()))
    assert rows.records_of_values(np.arange(5)).tolist() == [1, 1, 1, 2, 2]
    assert rows.records_of_rows(np.arange(4)).tolist() == [1, 1, 2, 2]
    assert rows.counts.tolist() == [1, 2, 0, 2]
