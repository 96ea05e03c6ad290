from __future__ import annotations

import gzip
import zlib

import pytest
import tensorflow as tf

from tests.records import write_records
from tfx_sequences.components.records.framing import framed, read_records, record_ranges
from tfx_sequences.components.records.opening import check_name, compression_of, record_dataset, record_datasets
from tfx_sequences.errors import DataError

PAYLOADS = [b"", b"x", bytes(range(256)) * 20]
PACK = {"": bytes, "GZIP": gzip.compress, "ZLIB": zlib.compress}


def write(path, packed, payloads=PAYLOADS):
    path.write_bytes(PACK[packed](b"".join(map(framed, payloads))))
    return path


@pytest.mark.parametrize("name", ["a.tfrecord", "a.tfrecord.gz", "a.GZ", "a"])
@pytest.mark.parametrize("packed", PACK)
def test_the_content_says_how_a_file_is_compressed(tmp_path, name, packed):
    path = write(tmp_path / name, packed)
    assert compression_of(path) == packed
    expected = list(tf.data.TFRecordDataset(str(path), packed).as_numpy_iterator())
    assert expected == PAYLOADS
    assert list(read_records(path)) == expected
    assert list(record_dataset(path).as_numpy_iterator()) == expected
    assert (record_ranges(path, 1) == [(0, 0, None)]) == bool(packed)


def test_a_plain_record_whose_length_looks_like_a_signature_is_plain(tmp_path):
    # Little-endian lengths whose first two bytes are those of gzip and of zlib.
    for payload in (bytes(0x8B1F), bytes(0x9C78)):
        path = write(tmp_path / "a.tfrecord", "", [payload])
        assert compression_of(path) == ""
        assert list(read_records(path)) == [payload]


def test_text_that_begins_like_zlib_is_not_compressed(tmp_path):
    (tmp_path / "a").write_text("x^2 + y^2 = z^2")
    assert compression_of(tmp_path / "a") == ""


def test_files_of_both_kinds_are_read_together(tmp_path):
    files = [write(tmp_path / f"{i}", packed, [str(i).encode()]) for i, packed in enumerate(["", "GZIP", "", "ZLIB"])]
    datasets = [list(records.as_numpy_iterator()) for records in record_datasets(list(map(str, files)))]
    assert datasets == [[b"1"], [b"3"], [b"0", b"2"]]


@pytest.mark.parametrize(
    ("name", "packed", "message"),
    [
        ("train.tfrecord.gz", "", r"ends in .gz, but is not a gzip file[\s\S]*Rename it to train.tfrecord,"),
        ("train.tfrecord", "GZIP", r"its name does not end in .gz[\s\S]*Rename it to train.tfrecord.gz."),
        ("train.tfrecord", "ZLIB", "compressed with zlib, which Beam does not read"),
        ("train.tfrecord.bz2", "", "a suffix that makes Beam decompress it in another way"),
    ],
)
def test_a_name_that_contradicts_the_content_is_refused(tmp_path, name, packed, message):
    with pytest.raises(DataError, match=message):
        check_name(write(tmp_path / name, packed))


@pytest.mark.parametrize(("name", "packed"), [("a.tfrecord.gz", "GZIP"), ("a.TFRECORD.GZ", "GZIP"), ("a", "")])
def test_a_name_that_says_what_is_there_is_not(tmp_path, name, packed):
    check_name(write(tmp_path / name, packed))


def test_what_is_neither_is_left_to_the_reading(tmp_path):
    (tmp_path / "train.gz").write_text("id,label\n")
    check_name(tmp_path / "train.gz")
    with pytest.raises(DataError, match=r"not a TFRecord file[\s\S]*text: 'id,label"):
        list(read_records(tmp_path / "train.gz"))


def test_an_empty_file_of_either_name_is_fine(tmp_path):
    for name in ("a.tfrecord", "a.tfrecord.gz"):
        (tmp_path / name).write_bytes(b"")
        check_name(tmp_path / name)
        assert list(record_dataset(write_records(tmp_path / name, []))) == []
