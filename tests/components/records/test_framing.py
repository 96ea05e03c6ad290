from __future__ import annotations

import gzip
import random
import struct
import subprocess
import sys

import pytest
import tensorflow as tf

from tests.records import write_records
from tfx_sequences.components.records import opening
from tfx_sequences.components.records.framing import (
    check_framing,
    check_last_length,
    framed,
    read_records,
    record_ranges,
)
from tfx_sequences.components.records.opening import masked_crc
from tfx_sequences.errors import DataError

PAYLOADS = [b"", b"x", b"some payload", bytes(range(256)) * 20, b"last"]
FRAME = 16


def error_of(action, *arguments) -> str:
    with pytest.raises(DataError) as caught:
        action(*arguments)
    return str(caught.value)


@pytest.mark.parametrize("name", ["a.tfrecord", "a.tfrecord.gz", "a.TFRECORD"])
def test_whole_files_are_read_as_tensorflow_reads_them(tmp_path, name):
    path = write_records(tmp_path / name, PAYLOADS)
    assert check_framing(path) == len(PAYLOADS)
    compression = "GZIP" if name.endswith(".gz") else ""
    assert list(read_records(path)) == list(tf.data.TFRecordDataset(str(path), compression).as_numpy_iterator())


@pytest.mark.parametrize("name", ["a.tfrecord", "a.tfrecord.gz"])
def test_records_across_blocks(tmp_path, name, monkeypatch):
    monkeypatch.setattr(opening, "_BLOCK", 7)
    monkeypatch.setattr(opening, "_PACKED_BLOCK", 5)
    payloads = [random.Random(i).randbytes(i) for i in range(40)]
    assert list(read_records(write_records(tmp_path / name, payloads))) == payloads


@pytest.mark.parametrize("name", ["a.tfrecord", "a.tfrecord.gz"])
def test_file_without_records(tmp_path, name):
    assert check_framing(write_records(tmp_path / name, [])) == 0
    (tmp_path / name).write_bytes(b"")
    assert check_framing(tmp_path / name) == 0


def test_gzip_of_several_members_and_padding(tmp_path):
    packed = [write_records(tmp_path / f"{i}.gz", PAYLOADS).read_bytes() for i in range(2)]
    path = tmp_path / "joined.tfrecord.gz"
    path.write_bytes(packed[0] + packed[1] + bytes(64))
    assert check_framing(path) == 2 * len(PAYLOADS)


def test_truncated_gzip(tmp_path):
    path = write_records(tmp_path / "train.tfrecord.gz", [random.Random(1).randbytes(5000)] * 3)
    path.write_bytes(path.read_bytes()[:-20])
    message = error_of(check_framing, path)
    assert f"{path} is truncated" in message
    assert "gzip" in message


def test_corrupt_gzip(tmp_path):
    path = write_records(tmp_path / "train.tfrecord.gz", [random.Random(1).randbytes(5000)] * 3)
    data = bytearray(path.read_bytes())
    data[-6] ^= 0xFF  # within the checksum of the whole
    path.write_bytes(data)
    message = error_of(check_framing, path)
    assert f"{path} is corrupt" in message
    assert "incorrect data check" in message


@pytest.mark.parametrize(
    ("data", "seen"),
    [
        (b"id,label\n1,pos\n2,neg\n", "text: 'id,label"),
        (b"PAR1" + bytes(40), "Parquet"),
        (b"BZh9" + bytes(40), "bzip2"),
        (b"\x78\x9c" + bytes(40), "zlib"),
        (b"\x01\x02\x03", "01 02 03"),
    ],
)
def test_no_tfrecord_at_all(tmp_path, data, seen):
    for name in ("train.tfrecord", "train.tfrecord.gz"):
        path = tmp_path / name
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        message = error_of(check_framing, path)
        assert f"{path} is not a TFRecord file" in message
        assert seen in message


@pytest.mark.parametrize("cut", [1, 5, 4 + 4 + 3, FRAME + 4 - 1])
def test_truncated_record(tmp_path, cut):
    path = write_records(tmp_path / "train.tfrecord", PAYLOADS)
    path.write_bytes(path.read_bytes()[:-cut])
    message = error_of(check_framing, path)
    offset = sum(FRAME + len(p) for p in PAYLOADS[:-1])
    assert f"{path} is truncated" in message
    assert f"record 4, at byte {offset}, is incomplete" in message


def test_corrupt_payload(tmp_path):
    path = write_records(tmp_path / "train.tfrecord", PAYLOADS)
    data = bytearray(path.read_bytes())
    offset = sum(FRAME + len(p) for p in PAYLOADS[:3])
    data[offset + 100] ^= 1
    path.write_bytes(data)
    message = error_of(check_framing, path)
    assert f"the checksum of the payload of record 3, at byte {offset}, does not match" in message


def test_corrupt_length_after_good_records(tmp_path):
    path = write_records(tmp_path / "train.tfrecord.gz", PAYLOADS)
    data = bytearray(gzip.decompress(path.read_bytes()))
    offset = sum(FRAME + len(p) for p in PAYLOADS[:2])
    data[offset] ^= 1
    path.write_bytes(gzip.compress(data))
    message = error_of(check_framing, path)
    assert f"the checksum of the length of record 2, at byte {offset} of the uncompressed data" in message


def test_unreadable_file(tmp_path):
    (tmp_path / "train.tfrecord").symlink_to(tmp_path / "gone")
    assert "cannot be read: No such file" in error_of(check_framing, tmp_path / "train.tfrecord")


def test_memory_is_bounded(tmp_path):
    path = write_records(tmp_path / "train.tfrecord", (random.Random(i).randbytes(1 << 16) for i in range(1600)))
    assert path.stat().st_size > 100_000_000
    script = (
        "import resource, sys; from tfx_sequences.components.records.framing import check_framing; "
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss; count = check_framing(sys.argv[1]); "
        "print(count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, 'tensorflow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, check=True)
    count, kilobytes, tensorflow = done.stdout.split()
    assert (count, tensorflow) == ("1600", "False")
    assert int(kilobytes) < 20_000


def test_a_plain_file_is_read_in_parts(tmp_path):
    records = [bytes([n]) * n * 7 for n in range(23)]
    plain, packed = (write_records(tmp_path / name, records) for name in ("r.tfrecord", "r.tfrecord.gz"))
    parts = record_ranges(plain, 10)
    assert [(first, number) for _, first, number in parts] == [(0, 10), (10, 10), (20, None)]
    found = [list(read_records(plain, offset, first))[:number] for offset, first, number in parts]
    assert [record for part in found for record in part] == records
    assert record_ranges(packed, 10) == [(0, 0, None)]
    assert record_ranges(write_records(tmp_path / "empty.tfrecord", []), 10) == []


def test_a_part_names_the_place_of_a_corrupt_record_in_the_whole_file(tmp_path):
    file = write_records(tmp_path / "r.tfrecord", [b"x" * 10] * 5)
    data = bytearray(file.read_bytes())
    data[3 * 26 + 12] ^= 1
    file.write_bytes(data)
    offset, first, _ = record_ranges(file, 2)[1]
    with pytest.raises(DataError, match="payload of record 3, at byte 78"):
        list(read_records(file, offset, first))


def test_what_is_framed_is_read(tmp_path):
    file = tmp_path / "r.tfrecord"
    file.write_bytes(framed(b"one") + framed(b""))
    assert list(read_records(file)) == [b"one", b""]


@pytest.mark.parametrize("packed", [False, True])
def test_a_length_that_tensorflow_cannot_reserve_is_refused_before(tmp_path, packed):
    frames = framed(b"x" * 100) + framed(b"")
    length = struct.pack("<Q", 1 << 50)
    endless = length + struct.pack("<I", masked_crc(length)) + b"abc"
    path = tmp_path / "train.tfrecord"
    for data in (b"", frames, frames[:-2], frames + b"abc", frames + length + b"1234" + b"abc"):
        path.write_bytes(gzip.compress(data) if packed else data)
        if data != frames[:-2]:
            check_last_length(path)
    path.write_bytes(gzip.compress(frames + endless) if packed else frames + endless)
    with pytest.raises(DataError, match=rf"is truncated[\s\S]*record 2, at byte {len(frames)}"):
        check_last_length(path)
