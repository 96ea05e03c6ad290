"""Classes that one split has and the training split does not."""

from __future__ import annotations

import pytest

from tests.records import sequence_example, write_records
from tfx_sequences.components.records.data_check import check_data
from tfx_sequences.errors import DataError
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def records(*kinds):
    return [sequence_example({"kind": kind, "n": float(i)}, {"x": [float(i), 1.0]}) for i, kind in enumerate(kinds)]


def spec_of(**label):
    return SequenceSpec.model_validate(
        {"name": "t", "sequence": {"x": {"type": "numeric"}}, "label": {"key": "kind", **label}}
    )


@pytest.fixture
def folder(tmp_path):
    write_records(tmp_path / "train.tfrecord", records(*"abab"))
    write_records(tmp_path / "valid.tfrecord", records(*"abcc"))
    write_records(tmp_path / "test.tfrecord", records(*"adceecc"))
    return tmp_path


def test_all_of_them_are_listed_with_their_counts(folder):
    with pytest.raises(DataError) as caught:
        check_data(spec_of(), folder)
    message = str(caught.value)
    assert "'c' in 2 records of 'valid'" in message
    assert "'c' in 3 records, 'e' in 2 records, 'd' in 1 record of 'test'" in message
    assert "`unseen: wrong` or `unseen: other` at label" in message


@pytest.mark.parametrize(("unseen", "words"), [("wrong", "count as wrong answers"), ("other", "a class of their own")])
@pytest.mark.parametrize("classes", [None, ("a", "b")])
def test_what_they_count_as_is_said(folder, unseen, words, classes):
    lines = check_data(spec_of(unseen=unseen, **({"classes": classes} if classes else {})), folder).advice
    [of_valid, of_test] = [line for line in lines if line.startswith("Classes of 'kind'")]
    assert "in valid that train does not have: 'c' in 2 records; they" in of_valid
    assert "'c' in 3 records, 'e' in 2 records, 'd' in 1 record; they" in of_test
    assert words in of_test


def test_a_class_of_train_that_is_not_listed_stays_an_error(folder):
    with pytest.raises(DataError, match=r"a class that `label.classes` does not list[\s\S]*'b' in 2 records"):
        check_data(spec_of(unseen="wrong", classes=("a", "z")), folder)


@pytest.mark.parametrize(("texts", "is_noted"), [(30, True), (9, False)])
def test_texts_in_place_of_classes_are_noted(tmp_path, texts, is_noted):
    write_records(tmp_path / "train.tfrecord", records(*(f"words of {i}" for i in range(texts)), *"abab"))
    write_records(tmp_path / "valid.tfrecord", records(*"ab"))
    write_records(tmp_path / "test.tfrecord", records(*"ab"))
    lines = [line for line in check_data(spec_of(), tmp_path).advice if "are rare in train" in line]
    expected = f"Classes of 'kind' are rare in train: {texts} of {texts + 2} have one record each"
    assert [line.startswith(expected) for line in lines] == [True] * is_noted
