"""Ingestion keeps every record, and takes records from train for splits without files."""

import pytest
from apache_beam.internal import pickler

from tests.components.stages.ingested import ingest
from tests.everything import everything_spec, plain_records
from tests.records import sequence_example, write_records
from tfx_sequences.components.records.hold_back import HoldBack
from tfx_sequences.components.stages.ingest import _place


def test_ingest_keeps_every_record_of_every_split(tmp_path):
    records = [sequence_example(c, s).SerializeToString(deterministic=True) for c, s in plain_records()]
    for name, part in (("train", records[:20]), ("valid", records[20:25]), ("test", records[25:])):
        write_records(tmp_path / "data" / f"{name}-0.tfrecord", part)
    splits = ingest(tmp_path / "data", everything_spec(), ("train", "valid", "test"), tmp_path / "out")
    assert {name: len(part) for name, part in splits.items()} == {"train": 20, "valid": 5, "test": 15}


@pytest.mark.parametrize("with_files", [("train",), ("train", "test"), ("train", "valid")])
def test_ingest_holds_back_what_has_no_files(tmp_path, with_files):
    records = [sequence_example(c, s) for c, s in plain_records()]
    for name in with_files:
        write_records(tmp_path / "data" / f"{name}-0.tfrecord", records)
    splits = ingest(tmp_path / "data", everything_spec(), with_files, tmp_path / "out")
    assert set(splits) == {"train", "valid", "test"}
    held_back = {"valid", "test"} - set(with_files)
    assert sum(len(splits[name]) for name in {"train", *held_back}) == len(records)
    assert all(0 < len(splits[name]) < 20 for name in held_back)
    for name in set(with_files) - {"train"}:
        assert len(splits[name]) == len(records)


def test_the_place_of_a_record_is_the_same_elsewhere():
    records = [sequence_example({"id": str(number)}, {}) for number in range(200)]
    shares, elsewhere = HoldBack({"valid": 0.3}), pickler.loads(pickler.dumps(_place))
    here = [_place(record, 2, shares) for record in records]
    assert 20 < here.count(0) < 120
    # Read backwards by another: nothing is kept from one record to the next.
    assert [elsewhere(record, 2, shares) for record in reversed(records)] == here[::-1]
