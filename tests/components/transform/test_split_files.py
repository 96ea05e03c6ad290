"""Records of a split without files are taken from the training records, by the rule of a pipeline."""

import hashlib

import pytest
import tensorflow as tf

from tests.everything import everything_spec
from tests.records import example, sequence_example
from tfx_sequences.components.transform.split_files import raw_split_files


def written(path, records):
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            writer.write(record)
    return str(path)


def read(files):
    return [*tf.data.TFRecordDataset(files).as_numpy_iterator()]


def share_of(data):
    """The rule of docs: the first 64 bits of SHA-256, in 10,000 parts."""
    return int(hashlib.sha256(data).hexdigest()[:16], 16) % 10_000 / 10_000


@pytest.mark.parametrize("record", ["SequenceExample", "Example"])
def test_records_are_divided_by_their_hash(record, tmp_path):
    make = (lambda n: sequence_example({"n": n}, {})) if record == "SequenceExample" else (lambda n: example({"n": n}))
    messages = [make(n) for n in range(200)]
    records = [message.SerializeToString() for message in messages]
    files = {"train": [written(tmp_path / f"train-{n}", records[n::2]) for n in range(2)]}
    spec = everything_spec(
        record=record, sequence={"x": {"type": "numeric"}}, context={}, splits={"valid_fraction": 0.2}
    )
    found, held_back = raw_split_files(spec, files, str(tmp_path))
    in_order = [messages[n] for part in range(2) for n in range(part, 200, 2)]
    shares = [share_of(message.SerializeToString(deterministic=True)) for message in in_order]
    bounds = {"test": (0.0, 0.1), "valid": (0.1, 0.3), "train": (0.3, 1.0)}
    assert held_back.names == list(bounds) and found.keys() == bounds.keys()
    for name, (low, high) in bounds.items():
        expected = [m.SerializeToString() for m, share in zip(in_order, shares, strict=True) if low <= share < high]
        assert len(expected) > 9 and read(found[name]) == expected


def test_splits_with_files_stay_where_they_are(tmp_path):
    files = {name: [written(tmp_path / name, [b""])] for name in ("train", "valid", "test")}
    found, held_back = raw_split_files(everything_spec(), files, str(tmp_path))
    assert found == files and not held_back
