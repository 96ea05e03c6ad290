"""Groups of records that stand in several splits."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.layouts.user_groups import user_groups
from tests.records import example, sequence_example, write_records
from tfx_sequences.components.records.batches import Batch, parse_batch
from tfx_sequences.components.records.data_check import check_data
from tfx_sequences.components.records.group_leaks import GroupLeaks
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def spec_of(**parts):
    given = {"name": "t", "sequence": {"x": {"type": "numeric", "shape": (8,)}}, "label": {"key": "kind"}, **parts}
    return SequenceSpec.model_validate(given)


def found(contexts, splits, *, kind="SequenceExample", dtype="string", **parts):
    spec = spec_of(record=kind, sequence={"x": {"type": "numeric"}}, **parts)
    make = (lambda c: sequence_example(c, {"x": [1.0]})) if kind == "SequenceExample" else example
    batch = Batch(
        Path("train"), 0, [make({"x": [1.0], **c} if kind == "Example" else c).SerializeToString() for c in contexts]
    )
    parse_batch(batch, spec)
    search = GroupLeaks(spec, {key: dtype for key in contexts[0] if key != "kind"})
    search.add(batch, splits)
    return search.found()


def test_users_in_several_splits_are_told_with_their_counts_and_what_to_declare(tmp_path):
    write_records(tmp_path / "train.tfrecord", user_groups())
    for unused in (spec_of(), spec_of(context={"user_id": {"type": "categorical"}})):
        report = check_data(unused, tmp_path)
        [leak] = report.leaks
        assert (leak.kind, leak.level) == ("group", "warning")
        assert leak.what == "Records with the same 'user_id' are in train and in test and valid."
        held_back = report.held_back
        # Of ten records of a user, at least one is nearly always left in train.
        assert f"{held_back['test']} of {held_back['test']} records of test" in leak.received
        assert leak.received.startswith("30 values of 'user_id', 10.0 records each")
        assert leak.received.endswith("all records of a group have the same label")
        assert "splits: {group: user_id}" in leak.fix


def test_splits_by_group_have_no_leak(tmp_path):
    write_records(tmp_path / "train.tfrecord", user_groups())
    report = check_data(spec_of(splits={"group": "user_id", "valid_fraction": 0.2, "test_fraction": 0.3}), tmp_path)
    assert report.leaks == ()
    assert report.held_back_by == "by 'user_id': all records of a group in one split"
    assert all(count % 10 == 0 and count for count in report.held_back.values())


@pytest.mark.parametrize("kind", ["SequenceExample", "Example"])
@pytest.mark.parametrize(("key", "value"), [("patientId", str), ("user", int), ("clip/session_id", str)])
def test_keys_that_are_called_as_groups_are(kind, key, value):
    contexts = [{"kind": "ab"[i % 2], key: value(i % 9)} for i in range(45)]
    splits = ["test" if i > 35 else "train" for i in range(45)]
    [leak] = found(contexts, splits, kind=kind, dtype="string" if value is str else "int64")
    assert "9 of 9 records of test" in leak.received
    assert "same label" not in leak.received


def test_categories_are_not_groups():
    contexts = [{"kind": "ab"[i % 2], "country": f"c{i % 9}", "item_class": "x"} for i in range(45)]
    splits = ["test" if i > 35 else "train" for i in range(45)]
    assert found(contexts, splits, context={"country": {"type": "categorical"}}) == []


def test_a_feature_that_decides_the_label_is_a_group_whatever_it_is_called():
    contexts = [{"kind": "ab"[(i % 25) // 5 % 2], "place": f"p{i % 25}"} for i in range(100)]
    splits = ["test" if i > 80 else "train" for i in range(100)]
    [leak] = found(contexts, splits, context={"place": {"type": "categorical"}})
    assert "25 values of 'place', 4.0 records each" in leak.received


def test_ids_of_records_and_groups_of_one_split_are_no_leak():
    contexts = [{"kind": "ab"[i % 2], "clip_id": f"r{i}", "user": f"u{i // 5}"} for i in range(50)]
    splits = ["test" if i >= 40 else "train" for i in range(50)]
    assert found(contexts, splits) == []


@pytest.mark.parametrize("kind", ["SequenceExample", "Example"])
def test_an_unused_feature_of_several_dtypes_does_not_end_the_check(kind):
    contexts = [{"kind": "ab"[i % 2], "user_id": f"u{i % 4}", "group": f"g{i % 4}"} for i in range(40)]
    contexts[-1]["group"] = 1.5
    leaks = found(contexts, ["train"] * 20 + ["test"] * 20, kind=kind)
    assert [leak.what for leak in leaks] == ["Records with the same 'user_id' are in train and in test."]
