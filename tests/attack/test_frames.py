"""Frames of TFRecord files, and compressed files: damage is refused with its place, or the records are the same."""

from __future__ import annotations

import gzip
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf

from tfx_sequences.components.records.framing import check_framing, check_last_length, framed, read_records
from tfx_sequences.components.records.opening import masked_crc, record_dataset
from tfx_sequences.errors import DataError

FILES = 5000
ROUNDS = 4
# TensorFlow reads every tenth of them, too.
_BY_TENSORFLOW = 10


def flipped(data, random):
    changed = bytearray(data)
    changed[int(random.integers(len(changed)))] ^= 1 << int(random.integers(8))
    return bytes(changed)


def cut(data, random):
    return data[: int(random.integers(len(data)))]


def cut_out(data, random):
    a, b = sorted(random.integers(0, len(data) + 1, 2))
    return data[:a] + data[b:]


def inserted(data, random):
    at = int(random.integers(len(data) + 1))
    return data[:at] + random.bytes(int(random.integers(1, 20))) + data[at:]


def more(data, random):
    return data + random.bytes(int(random.integers(1, 40)))


def zeros(data, random):
    at = int(random.integers(len(data)))
    return data[:at] + bytes(min(20, len(data) - at)) + data[at + 20 :]


def overwritten(data, random):
    at = int(random.integers(len(data)))
    return data[:at] + random.bytes(min(8, len(data) - at)) + data[at + 8 :]


def greater_length(data, random):
    length = (1 << 20, 1 << 31, 1 << 40, (1 << 63) - 1, (1 << 64) - 1)[int(random.integers(5))]
    return struct.pack("<Q", length) + data[8:]


def greater_length_that_is_right(data, random):
    """With the checksum of a length that does not belong to a record."""
    length = struct.pack("<Q", int(random.choice([1 << 20, 1 << 33, 1 << 50])))
    return length + struct.pack("<I", masked_crc(length)) + data[12:]


def exchanged(data, random):
    a, b = sorted(random.integers(0, len(data), 2))
    return data[b:] + data[a:b] + data[:a]


DAMAGES = (
    *(flipped, cut, cut_out, inserted, more, zeros, overwritten),
    *(greater_length, greater_length_that_is_right, exchanged),
)
PACKED = {"": lambda data: data, "GZIP": gzip.compress, "ZLIB": zlib.compress}


def is_part_of(found, records):
    """Whether the records are some of those that were written, in their order, each as it was."""
    left = iter(records)
    return all(any(record == other for other in left) for record in found)


@pytest.mark.parametrize("compression", PACKED)
def test_a_damaged_file_is_refused_or_is_whole(compression, rounds, tally, tmp_path):
    path = tmp_path / "train.tfrecord"
    for random in rounds(ROUNDS):
        for number in range(FILES // len(PACKED) + 1):
            records = [random.bytes(int(random.integers(60))) for _ in range(int(random.integers(1, 5)))]
            frames = [framed(record) for record in records]
            whole = PACKED[compression](b"".join(frames))
            damage = DAMAGES[int(random.integers(len(DAMAGES)))]
            damaged = damage(whole, random)
            path.write_bytes(damaged)
            try:
                found = list(read_records(path))
            except DataError as error:
                assert str(path) in str(error) and error.received
                tally.add("frames", "refused")
                with pytest.raises(DataError):
                    check_framing(path)
            else:
                # No checksum covers where one record ends and the next begins: whole records can be missing.
                assert is_part_of(found, records), (damage.__name__, number)
                lost = len(records) - len(found)
                if lost:
                    kept = b"".join(framed(record) for record in found)
                    assert damaged == (kept if compression == "" else b""), (damage.__name__, number)
                tally.add("frames", "answered")
            if number % _BY_TENSORFLOW == 0:
                _compare_with_tensorflow(path, tally)


def _compare_with_tensorflow(path, tally):
    """What TensorFlow reads up to its error is what we read up to ours."""
    ours, theirs = [], []
    refused = False
    try:
        ours += read_records(path)
    except DataError:
        refused = True
    try:
        # TensorFlow would end the process on a length that it cannot reserve.
        check_last_length(path)
        theirs += record_dataset(path).as_numpy_iterator()
    except (tf.errors.DataLossError, DataError, UnicodeDecodeError):
        tally.add("frames of TensorFlow", "refused")
        return
    tally.add("frames of TensorFlow", "answered")
    if not refused:
        assert ours == theirs


def test_the_length_of_a_frame_does_not_reserve_memory(tmp_path):
    """A length of a petabyte, with its right checksum, is a truncated file."""
    path = tmp_path / "train.tfrecord"
    path.write_bytes(greater_length_that_is_right(framed(b"x"), np.random.default_rng(0)))
    with pytest.raises(DataError, match="is truncated"):
        check_framing(path)
