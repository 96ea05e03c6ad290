from __future__ import annotations

import itertools
import json
import subprocess
import sys
from typing import Any

import pytest
import tensorflow as tf

from tests.components.records.small_records import (
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
from tfx_sequences.components.records import batches as record_batches
from tfx_sequences.components.records.data_check import DataReport, check_data, check_first_records
from tfx_sequences.components.records.hold_back import split_index, split_names
from tfx_sequences.errors import DataError, SpecError
from tfx_sequences.schemas.features.parse_specs import parse_records
from tfx_sequences.schemas.spec.spec_io import load_spec

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


# -- vocabularies


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


# -- classes


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


# -- lengths


def test_all_sequences_of_a_split_are_empty(tmp_path):
    message = error_of(spec_of(), write(tmp_path, good(), good(3, token=[])))
    assert "All sequences of the split 'test' have length zero." in message


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
