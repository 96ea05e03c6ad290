"""Which training records are held back: the check before a run and the ingestion must agree."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import pytest
import tensorflow as tf
from google.protobuf.internal import encoder
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.records import example, sequence_example, write_records
from tfx_sequences.components.records.data_check import check_data
from tfx_sequences.components.records.framing import read_records
from tfx_sequences.components.records.hold_back import (
    HoldBack,
    empty_split,
    held_back_shares,
    record_share,
    split_index,
    split_names,
)
from tfx_sequences.errors import DataError
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec, Splits

BOTH = {"valid": 0.1, "test": 0.2}


def record(index, kind="SequenceExample"):
    context = {
        "id": f"r{index}",
        "class": "ab"[index % 2],
        "user": index // 3,
        "day": index,
        **{f"extra{i}": i for i in range(6)},
    }
    sequence = {"token": ["x", "y"][: index % 3], "more": [1.5]}
    return sequence_example(context, sequence) if kind == "SequenceExample" else example({**context, **sequence})


def spec_of(**parts):
    given = {"name": "test", "sequence": {"token": {"type": "categorical"}}, "label": {"key": "class"}, **parts}
    return SequenceSpec.model_validate(given)


def test_splits_without_files_get_their_fraction():
    splits = Splits(valid_fraction=0.25, test_fraction=0.05)
    assert held_back_shares(splits, ("train", "valid", "test")) == {}
    assert held_back_shares(splits, ("train", "valid")) == {"test": 0.05}
    assert held_back_shares(splits, ("train",)) == {"valid": 0.25, "test": 0.05}


def test_shares_are_those_of_earlier_versions():
    # Another value would move records between the training and the test of models that people have.
    assert record_share(tf.train.SequenceExample()) == 0.1652
    assert record_share(sequence_example({"id": "a", "n": 1}, {"t": ["x"]})) == 0.4607
    assert split_names(BOTH) == ["test", "valid", "train"]


def test_records_fall_by_their_shares():
    records = [record(i) for i in range(3000)]
    names = split_names(BOTH)
    parts = [names[split_index(r, BOTH)] for r in records]
    for r, part in zip(records, parts, strict=True):
        share = record_share(r)
        assert part == ("test" if share < 0.2 else "valid" if share < 0.1 + 0.2 else "train")
    # Four standard deviations of a binomial distribution.
    assert abs(parts.count("test") - 600) < 4 * (3000 * 0.2 * 0.8) ** 0.5
    assert abs(parts.count("valid") - 300) < 4 * (3000 * 0.1 * 0.9) ** 0.5
    assert {split_index(r, {}) for r in records} == {0}


def another_serialization(message):
    """The same record, its features in the opposite order, as another writer may write it."""
    features = message.context if hasattr(message, "context") else message.features
    keys = sorted(features.feature, reverse=True)
    entries = b"".join(type(features)(feature={key: features.feature[key]}).SerializeToString() for key in keys)
    lists = b"\x12" + _sized(message.feature_lists.SerializeToString()) if hasattr(message, "feature_lists") else b""
    return b"\x0a" + _sized(entries) + lists


def _sized(data):
    return encoder._VarintBytes(len(data)) + data


@pytest.mark.parametrize("kind", ["SequenceExample", "Example"])
def test_equal_records_fall_together_however_they_are_written(kind):
    for index in range(20):
        message = record(index, kind)
        data = another_serialization(message)
        assert data != message.SerializeToString(deterministic=True)
        again = type(message).FromString(data)
        assert again == message
        assert record_share(again) == record_share(message)


def test_neither_tensorflow_nor_beam_is_imported():
    script = (
        "import sys, tfx_sequences.components.records.hold_back\n"
        "print([m for m in ('tensorflow', 'apache_beam', 'tfx') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["SequenceExample", "Example"])
@pytest.mark.parametrize("files", [("train",), ("train", "test")])
@pytest.mark.parametrize("splits", [{}, {"group": "user"}, {"time": "day", "valid_from": 40, "test_from": 50}])
def test_the_check_counts_what_the_ingestion_writes(tmp_path, kind, files, splits):
    from tfx.types import standard_artifacts

    from tfx_sequences.components.stages.ingest import Executor, SequenceExampleGen

    data = tmp_path / "data"
    records = [record(i, kind) for i in range(60)]
    # Half of them written otherwise than this protobuf library would.
    write_records(data / "train-0.tfrecord", [another_serialization(r) for r in records[:30]])
    write_records(data / "train-1.tfrecord.gz", records[30:])
    if "test" in files:
        write_records(data / "test.tfrecord", records[:7])
    if "test" in files:
        splits = {key: value for key, value in splits.items() if key != "test_from"}
    spec = spec_of(record=kind, splits={"valid_fraction": 0.15, "test_fraction": 0.2, **splits})
    report = check_data(spec, data)
    assert set(report.held_back) == {"valid", "test"} - set(files)
    assert report.splits["train"].records == 60

    component = SequenceExampleGen(str(data), spec, files, code_digest="")
    properties = {k: v for k, v in component.exec_properties.items() if v is not None}
    examples = standard_artifacts.Examples()
    examples.uri = str(tmp_path / "examples")
    Executor(Executor.Context(beam_pipeline_args=["--runner=FnApiRunner"], tmp_dir=str(tmp_path / "tmp"))).Do(
        {}, {"examples": [examples]}, properties
    )
    written = {
        split: sum(1 for file in (tmp_path / "examples" / f"Split-{split}").iterdir() for _ in read_records(file))
        for split in ("train", "valid", "test")
    }
    in_test = {"test": 7} if "test" in files else {}
    assert written == {"train": 60 - sum(report.held_back.values()), **report.held_back, **in_test}


def test_empty_split_says_what_is_known():
    message = str(empty_split("valid", HoldBack(BOTH), {"train": 5, "valid": 0, "test": 1}))
    assert "The split 'valid' has no files, and no training record is held back for it." in message
    assert "6 training records, divided by their hashes: train 5, valid 0, test 1" in message
    assert "splits.valid_fraction" in message
    message = str(empty_split("train", HoldBack(BOTH)))
    assert "No record is left in 'train': all are held back for valid and test." in message
    assert "0.1 for valid, 0.2 for test" in message
    assert "a smaller splits.valid_fraction and splits.test_fraction" in message


# -- by group and by time

VALUES = st.one_of(st.integers(-(2**63), 2**63 - 1), st.text(max_size=4), st.binary(min_size=1, max_size=4))
KINDS = st.sampled_from(["SequenceExample", "Example"])


def of_kind(kind, context, sequence=None):
    return sequence_example(context, sequence or {}) if kind == "SequenceExample" else example(context)


@settings(deadline=None)
@given(groups=st.lists(VALUES, min_size=1, max_size=40), kind=KINDS, shares=st.tuples(*[st.floats(0.01, 0.49)] * 2))
def test_groups_are_in_one_split_whatever_else_their_records_hold(groups, kind, shares):
    held_back = HoldBack.of(Splits(group="g", valid_fraction=shares[0], test_fraction=shares[1]), ("train",))
    parts: dict[str, set[int]] = {}
    for index, group in enumerate([*groups, *groups]):
        record = of_kind(kind, {"g": group, "n": index})
        name = group.encode() if isinstance(group, str) else group
        parts.setdefault(repr(name), set()).add(held_back.index(record))
    assert all(len(its) == 1 for its in parts.values())


@settings(deadline=None)
@given(
    times=st.lists(st.integers(-(2**40), 2**40), min_size=1, max_size=40),
    bounds=st.tuples(st.integers(-(2**40), 2**40), st.integers(1, 2**40)),
    kind=KINDS,
    as_text=st.booleans(),
)
def test_splits_by_time_follow_each_other(times, bounds, kind, as_text):
    def written(time):
        return f"{time + 2**42:020d}" if as_text else time

    first, then = written(bounds[0]), written(bounds[0] + bounds[1])
    held_back = HoldBack.of(Splits(time="t", valid_from=first, test_from=then), ("train",))
    for time in times:
        expected = "train" if time < bounds[0] else "valid" if time < sum(bounds) else "test"
        assert held_back.names[held_back.index(of_kind(kind, {"t": written(time)}))] == expected


def test_shares_of_groups_are_those_of_earlier_versions():
    # The hash of the serialized feature: another value would move users between training and test.
    record = of_kind("SequenceExample", {"g": "u7"})
    assert HoldBack({"valid": 0.5}, group="g").index(record) == int(
        int.from_bytes(hashlib.sha256(b"\n\x04\n\x02u7").digest()[:8], "big") % 10_000 >= 5_000
    )


def test_groups_get_their_share():
    held_back = HoldBack.of(Splits(group="g", test_fraction=0.3), ("train", "valid"))
    parts = [held_back.names[held_back.index(of_kind("Example", {"g": f"u{i}"}))] for i in range(3000)]
    assert abs(parts.count("test") - 900) < 4 * (3000 * 0.3 * 0.7) ** 0.5


def test_the_last_step_tells_the_time_of_a_record_of_events():
    held_back = HoldBack.of(Splits(time="at", test_from=10.0), ("train", "valid"))
    early = sequence_example({}, {"at": [1.0, 9.5, None]})
    late = sequence_example({}, {"at": [1.0, 10.0]})
    assert [held_back.names[held_back.index(r)] for r in (early, late)] == ["train", "test"]


@pytest.mark.parametrize("kind", ["SequenceExample", "Example"])
@pytest.mark.parametrize("value", [{}, {"g": []}])
def test_a_record_without_group_or_time_is_refused(kind, value):
    with pytest.raises(DataError, match="does not have the group 'g'"):
        HoldBack.of(Splits(group="g"), ("train",)).index(of_kind(kind, {"n": 1, **value}))
    with pytest.raises(DataError, match="does not have the time 'g'"):
        HoldBack.of(Splits(time="g", valid_from=1, test_from=2), ("train",)).index(of_kind(kind, {"n": 1, **value}))


def test_times_of_another_kind_than_the_records_are_refused():
    held_back = HoldBack.of(Splits(time="t", valid_from="2024-01-01", test_from="2024-02-01"), ("train",))
    with pytest.raises(DataError, match=r"cannot be compared[\s\S]*the number 5"):
        held_back.index(of_kind("Example", {"t": 5}))


def test_a_split_by_time_has_files_or_a_time():
    with pytest.raises(DataError, match=r"'test' has both files and a time[\s\S]*Remove splits.test_from"):
        HoldBack.of(Splits(time="t", valid_from=1, test_from=2), ("train", "test"))
    with pytest.raises(DataError, match=r"'valid' has neither files nor a time[\s\S]*Set splits.valid_from"):
        HoldBack.of(Splits(time="t", test_from=2), ("train",))


def test_the_configuration_of_the_component_is_the_same_again():
    for splits in (Splits(), Splits(group="g"), Splits(time="t", valid_from=1.5, test_from=2.5)):
        held_back = HoldBack.of(splits, ("train",))
        assert HoldBack.from_json(held_back.to_json()) == held_back
