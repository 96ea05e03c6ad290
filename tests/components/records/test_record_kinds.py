"""The type of the records of a file, found from the records themselves."""

import pytest

from tests.records import example, sequence_example, write_records
from tfx_sequences.components.records.record_kinds import kind_of_records
from tfx_sequences.errors import DataError


def test_feature_lists_tell_the_types_apart(tmp_path):
    empty = sequence_example({"y": "a"})
    lists = write_records(tmp_path / "lists", [empty, sequence_example({"y": "a"}, {"x": [1.0]})])
    flat = write_records(tmp_path / "flat", [example({"x": [1.0, 2.0]})] * 3)
    assert kind_of_records(lists) == "SequenceExample"
    assert kind_of_records(flat) == "Example"


def test_other_bytes_are_named(tmp_path):
    with pytest.raises(DataError, match="are not of a known type"):
        kind_of_records(write_records(tmp_path / "other", [b"\xff\xfe"]))
