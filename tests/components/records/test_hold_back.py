"""Which training records are held back: the check before a run and the ingestion must agree."""

from __future__ import annotations

import subprocess
import sys

import pytest
import tensorflow as tf

from tests.records import example, sequence_example, write_records
from tfx_sequences.components.records.data_check import check_data
from tfx_sequences.components.records.framing import read_records
from tfx_sequences.components.records.hold_back import (
    empty_split,
    held_back_shares,
    record_share,
    split_index,
    split_names,
)
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec, Splits

BOTH = {"valid": 0.1, "test": 0.2}


def record(index, kind="SequenceExample"):
    context = {"id": f"r{index}", "class": "ab"[index % 2], **{f"extra{i}": i for i in range(6)}}
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
    parts = []
    for key in sorted(features.feature, reverse=True):
        parts.append(type(features)(feature={key: features.feature[key]}).SerializeToString())
    # Fields of a message may stand in pieces; a parser merges them.
    whole = b"".join(b"\x0a" + bytes([len(part)]) + part for part in parts)
    return whole + (b"\x12" + _sized(message.feature_lists) if hasattr(message, "feature_lists") else b"")


def _sized(message):
    data = message.SerializeToString()
    return bytes([len(data)]) + data


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
def test_the_check_counts_what_the_ingestion_writes(tmp_path, kind, files):
    from tfx.types import standard_artifacts

    from tfx_sequences.components.stages.ingest import Executor, SequenceExampleGen

    data = tmp_path / "data"
    records = [record(i, kind) for i in range(60)]
    # Half of them written otherwise than this protobuf library would.
    write_records(data / "train-0.tfrecord", [another_serialization(r) for r in records[:30]])
    write_records(data / "train-1.tfrecord.gz", records[30:])
    if "test" in files:
        write_records(data / "test.tfrecord", records[:7])
    spec = spec_of(record=kind, splits={"valid_fraction": 0.15, "test_fraction": 0.2})
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
    message = str(empty_split("valid", BOTH, {"train": 5, "valid": 0, "test": 1}))
    assert "The split 'valid' has no files, and no training record is held back for it." in message
    assert "6 training records, divided by their hashes: train 5, valid 0, test 1" in message
    assert "splits.valid_fraction" in message
    message = str(empty_split("train", BOTH))
    assert "No record is left in 'train': all are held back for valid and test." in message
    assert "0.1 for valid, 0.2 for test" in message
    assert "a smaller splits.valid_fraction and splits.test_fraction" in message
