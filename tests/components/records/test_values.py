"""The values of all records: counts, ranges, terms and classes; and which fault is named first."""

from __future__ import annotations

import math
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
from tests.records import example
from tfx_sequences.components.records import batches as record_batches
from tfx_sequences.components.records.data_check import check_data


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
