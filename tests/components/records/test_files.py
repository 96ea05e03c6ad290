from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.records import sequence_example, write_records
from tfx_sequences.components.records.files import (
    find_split_files,
    guess_splits,
    list_record_files,
    skipped_files,
    unused_files,
    with_patterns_found,
)
from tfx_sequences.errors import DataError, UserInputError
from tfx_sequences.schemas.spec.sequence_spec import Splits


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def found(folder: Path, **patterns: str) -> dict[str, list[str]]:
    return {
        split: [f.relative_to(folder).as_posix() for f in files]
        for split, files in find_split_files(folder, Splits(**patterns)).items()
    }


def error_of(action, *arguments) -> str:
    with pytest.raises(DataError) as caught:
        action(*arguments)
    return str(caught.value)


def test_files_of_each_split_are_sorted_and_others_left_alone(tmp_path):
    touch(
        tmp_path,
        "train-1.tfrecord",
        "train-0.tfrecord",
        "test-0.tfrecord.gz",
        "dataset.json",
        ".hidden",
        "extra.tfrecord",
    )
    assert found(tmp_path) == {
        "train": ["train-0.tfrecord", "train-1.tfrecord"],
        "valid": [],
        "test": ["test-0.tfrecord.gz"],
    }
    files = find_split_files(tmp_path, Splits())
    assert [f.name for f in unused_files(tmp_path, files)] == ["extra.tfrecord"]


def test_names_without_tfrecord_count_where_a_pattern_names_them(tmp_path):
    touch(tmp_path, "train-00000-of-00001", "data.bin")
    assert found(tmp_path)["train"] == ["train-00000-of-00001"]
    assert found(tmp_path, train="data.bin")["train"] == ["data.bin"]


def test_patterns_may_name_folders(tmp_path):
    touch(tmp_path, "train/a.tfrecord", "test/a.tfrecord", "train/deeper/b.tfrecord")
    assert found(tmp_path, train="train/*", test="test/*") == {
        "train": ["train/a.tfrecord"],
        "valid": [],
        "test": ["test/a.tfrecord"],
    }


def test_no_such_folder_names_a_sibling(tmp_path):
    (tmp_path / "vowels").mkdir()
    message = error_of(find_split_files, tmp_path / "vowel", Splits())
    assert "The data folder does not exist" in message
    assert "Did you mean 'vowels'?" in message


def test_folder_is_a_file(tmp_path):
    touch(tmp_path, "train.tfrecord")
    message = error_of(find_split_files, tmp_path / "train.tfrecord", Splits())
    assert "not a folder" in message
    assert str(tmp_path) in message.splitlines()[-1]


def test_folder_in_a_file_system_that_tensorflow_does_not_have():
    with pytest.raises(UserInputError, match=r"does not support the file system of s9://bucket/data[\s\S]*gs://"):
        find_split_files("s9://bucket/data", Splits())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_folder_may_not_be_read(tmp_path):
    (tmp_path / "closed").mkdir(mode=0)
    assert "permission to read" in error_of(find_split_files, tmp_path / "closed", Splits())


@pytest.mark.parametrize(
    ("names", "suggested"),
    [
        (["learn-0.tfrecord", "learn-1.tfrecord"], "train: 'learn-*'"),
        (["Training-0.tfrecord", "eval-0.tfrecord"], "train: 'Training*', valid: 'eval*'"),
        (
            ["data_train.tfrecord", "dev.tfrecord", "data_test.tfrecord"],
            "train: '*train*', valid: 'dev*', test: '*test*'",
        ),
        (["train/0.tfrecord", "validation/0.tfrecord"], "train: 'train/*', valid: 'validation/*'"),
        (["validate00.tfrecord", "test00.tfrecord"], "train: 'valid*', test: 'test*'"),
    ],
)
def test_no_training_files_suggests_the_splits(tmp_path, names, suggested):
    touch(tmp_path, *names)
    message = error_of(find_split_files, tmp_path, Splits())
    assert "No file for the training split" in message
    assert names[0].split("/")[0] in message
    assert "splits.train: 'train*'" in message
    assert f"Set `splits: {{{suggested}}}` in the spec" in message


def test_files_that_train_names_do_not_belong_to_a_default_pattern_too(tmp_path):
    touch(tmp_path, "validate00.tfrecord", "test00.tfrecord")
    found = find_split_files(tmp_path, guess_splits(tmp_path))
    assert {name: [f.name for f in files] for name, files in found.items()} == {
        "train": ["validate00.tfrecord"],
        "valid": [],
        "test": ["test00.tfrecord"],
    }


@pytest.mark.parametrize("name", ["part-r-00000", "part-00000-9f2c.c000.gz"])
def test_files_without_a_usual_name_are_found_by_their_content(tmp_path, name):
    write_records(tmp_path / name, [sequence_example({"id": "a"}, {})])
    touch(tmp_path, "_SUCCESS", "notes.txt")
    assert [f.name for f in find_split_files(tmp_path, guess_splits(tmp_path))["train"]] == [name]
    message = error_of(find_split_files, tmp_path, Splits())
    assert f"the record files '{name}'" in message and "Set `splits: {train: 'part-" in message


def test_no_record_files_at_all(tmp_path):
    assert "an empty folder" in error_of(find_split_files, tmp_path, Splits())
    touch(tmp_path, "notes.txt", "table.csv")
    message = error_of(find_split_files, tmp_path, Splits())
    assert "no record files, but 'notes.txt', 'table.csv'" in message


def test_file_in_two_splits(tmp_path):
    touch(tmp_path, "train-0.tfrecord", "test-0.tfrecord")
    message = error_of(find_split_files, tmp_path, Splits(train="*"))
    assert "test-0.tfrecord belongs to two splits" in message
    assert "splits.train: '*' and splits.test: 'test*'" in message


@pytest.mark.parametrize("name", ["train.json", "train_notes.txt", "train.md", "train_labels"])
def test_plain_text_that_a_pattern_matches_is_skipped_and_named(tmp_path, name):
    touch(tmp_path, "train-0.tfrecord")
    (tmp_path / name).write_text("id,label\nä,1\n", "utf-8")
    assert found(tmp_path)["train"] == ["train-0.tfrecord"]
    assert [f.name for f in skipped_files(tmp_path, Splits())] == [name]


def test_what_is_cut_within_a_character_is_text_and_records_are_not(tmp_path):
    touch(tmp_path, "train-00000-of-00002")
    (tmp_path / "train_notes").write_text("x" + "ä" * 500, "utf-8")
    write_records(tmp_path / "train-00001-of-00002", [b"text that is a record"])
    assert found(tmp_path)["train"] == ["train-00000-of-00002", "train-00001-of-00002"]


def test_hidden_files_are_skipped(tmp_path):
    touch(tmp_path, "train-0.tfrecord", "._train-0.tfrecord")
    assert found(tmp_path, train="*.tfrecord")["train"] == ["train-0.tfrecord"]
    assert [f.name for f in skipped_files(tmp_path, Splits(train="*.tfrecord"))] == ["._train-0.tfrecord"]


@pytest.mark.parametrize("name", ["validate3844.tfrecord", "validation-0", "val-0", "val0", "dev.gz", "eval_0"])
def test_usual_names_of_the_validation_split_are_known(tmp_path, name):
    touch(tmp_path, "train0093.tfrecord", "training_1.tfrecord", "test0001.tfrecord", name)
    assert found(tmp_path) == {
        "train": ["train0093.tfrecord", "training_1.tfrecord"],
        "valid": [name],
        "test": ["test0001.tfrecord"],
    }
    assert with_patterns_found(tmp_path, Splits()).train == "train*"


def test_the_default_comes_before_other_usual_names(tmp_path):
    touch(tmp_path, "train-0", "valid-0", "eval-0", "values-0")
    assert found(tmp_path)["valid"] == ["valid-0"]
    assert with_patterns_found(tmp_path, Splits()) == Splits()
    (tmp_path / "valid-0").unlink()
    assert with_patterns_found(tmp_path, Splits()) == Splits(valid="eval*")


def test_a_pattern_of_the_spec_has_no_others(tmp_path):
    touch(tmp_path, "train-0", "eval-0")
    assert found(tmp_path, valid="held*")["valid"] == []


@pytest.mark.parametrize("pattern", ["", "/data/train*", "../other/*", "train**"])
def test_pattern_that_is_none(tmp_path, pattern):
    touch(tmp_path, "train-0.tfrecord")
    assert "splits.train is not a valid file pattern" in error_of(find_split_files, tmp_path, Splits(train=pattern))


def test_list_record_files(tmp_path):
    touch(tmp_path, "b.tfrecord", "a.tfrecord.gz", ".c.tfrecord", "tfrecord.json", "d.bin")
    assert [f.name for f in list_record_files(tmp_path)] == ["a.tfrecord.gz", "b.tfrecord"]
    assert list_record_files(tmp_path / "none") == []
