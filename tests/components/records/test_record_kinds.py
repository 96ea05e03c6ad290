"""A record of the other protocol buffer among those of the spec is named; records without steps are not mistaken."""

import pytest

from tests.records import example, sequence_example, write_records
from tfx_sequences.components.records.data_check import check_data
from tfx_sequences.errors import DataError
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def spec_of(record):
    return SequenceSpec(name="s", record=record, id_key="id", sequence={"x": {"type": "numeric"}}, label={"key": "y"})


def lists(index, steps=3):
    return sequence_example({"id": f"r{index}", "y": "ab"[index % 2]}, {"x": [float(index)] * steps})


def flat(index):
    return example({"id": f"r{index}", "y": "ab"[index % 2], "x": [1.0, 2.0]})


@pytest.mark.parametrize(
    ("record", "usual", "odd", "words"),
    [
        ("SequenceExample", lists, flat, "is a tf.Example"),
        ("Example", flat, lists, "is a tf.SequenceExample"),
    ],
)
def test_the_odd_record_is_named(tmp_path, record, usual, odd, words):
    write_records(tmp_path / "train.tfrecord", [odd(i) if i == 2934 else usual(i) for i in range(3000)])
    with pytest.raises(DataError) as refused:
        check_data(spec_of(record), tmp_path)
    assert words in str(refused.value)
    assert "2934" in str(refused.value) and "r2934" in str(refused.value)


def test_records_without_steps_are_what_they_are(tmp_path):
    write_records(tmp_path / "train.tfrecord", [lists(i, steps=i % 3) for i in range(60)])
    assert check_data(spec_of("SequenceExample"), tmp_path).splits["train"].records > 40
