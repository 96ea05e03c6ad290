from __future__ import annotations

import gzip
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
import tensorflow as tf

from tests.records import write_records
from tfx_sequences.components.records import framing as record_framing
from tfx_sequences.components.records.files import (
    check_framing,
    find_split_files,
    list_record_files,
    read_records,
    unused_files,
)
from tfx_sequences.components.records.framing import framed, record_ranges
from tfx_sequences.errors import DataError
from tfx_sequences.schemas.spec.sequence_spec import Splits

PAYLOADS = [b"", b"x", b"some payload", bytes(range(256)) * 20, b"last"]
FRAME = 16


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def found(folder: Path, **patterns: str) -> dict[str, list[str]]:
    return {
        split: [f.relative_to(folder).as_posix() for f in files]
        for split, files in find_split_files(folder, Splits(**patterns)).items()
    }


def error_of(action, *arguments) -> str:
    with pytest.raises(DataError) as caught:
        action(*arguments)
    return str(caught.value)


# -- which file is which split


def test_files_of_each_split_are_sorted_and_others_left_alone(tmp_path):
    touch(
        tmp_path,
        "train-1.tfrecord",
        "train-0.tfrecord",
        "test-0.tfrecord.gz",
        "dataset.json",
        ".hidden",
        "extra.tfrecord",
    )
    assert found(tmp_path) == {
        "train": ["train-0.tfrecord", "train-1.tfrecord"],
        "valid": [],
        "test": ["test-0.tfrecord.gz"],
    }
    files = find_split_files(tmp_path, Splits())
    assert [f.name for f in unused_files(tmp_path, files)] == ["extra.tfrecord"]


def test_names_without_tfrecord_count_where_a_pattern_names_them(tmp_path):
    touch(tmp_path, "train-00000-of-00001", "data.bin")
    assert found(tmp_path)["train"] == ["train-00000-of-00001"]
    assert found(tmp_path, train="data.bin")["train"] == ["data.bin"]


def test_patterns_may_name_folders(tmp_path):
    touch(tmp_path, "train/a.tfrecord", "test/a.tfrecord", "train/deeper/b.tfrecord")
    assert found(tmp_path, train="train/*", test="test/*") == {
        "train": ["train/a.tfrecord"],
        "valid": [],
        "test": ["test/a.tfrecord"],
    }


def test_no_such_folder_names_a_sibling(tmp_path):
    (tmp_path / "vowels").mkdir()
    message = error_of(find_split_files, tmp_path / "vowel", Splits())
    assert "No such data folder" in message
    assert "Did you mean 'vowels'?" in message


def test_folder_is_a_file(tmp_path):
    touch(tmp_path, "train.tfrecord")
    message = error_of(find_split_files, tmp_path / "train.tfrecord", Splits())
    assert "not a folder" in message
    assert str(tmp_path) in message.splitlines()[-1]


def test_folder_elsewhere():
    assert "not on this machine" in error_of(find_split_files, "gs://bucket/data", Splits())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_folder_may_not_be_read(tmp_path):
    (tmp_path / "closed").mkdir(mode=0)
    assert "may not be read" in error_of(find_split_files, tmp_path / "closed", Splits())


@pytest.mark.parametrize(
    ("names", "suggested"),
    [
        (["learn-0.tfrecord", "learn-1.tfrecord"], "train: 'learn-*'"),
        (["Training-0.tfrecord", "eval-0.tfrecord"], "train: 'Training*', valid: 'eval*'"),
        (
            ["data_train.tfrecord", "dev.tfrecord", "data_test.tfrecord"],
            "train: '*train*', valid: 'dev*', test: '*test*'",
        ),
        (["train/0.tfrecord", "validation/0.tfrecord"], "train: 'train/*', valid: 'validation/*'"),
    ],
)
def test_no_training_files_suggests_the_splits(tmp_path, names, suggested):
    touch(tmp_path, *names)
    message = error_of(find_split_files, tmp_path, Splits())
    assert "No file for the training split" in message
    assert names[0].split("/")[0] in message
    assert "splits.train: 'train*'" in message
    assert f"Set `splits: {{{suggested}}}` in the spec" in message


def test_no_record_files_at_all(tmp_path):
    assert "an empty folder" in error_of(find_split_files, tmp_path, Splits())
    touch(tmp_path, "notes.txt", "table.csv")
    message = error_of(find_split_files, tmp_path, Splits())
    assert "no record files, but 'notes.txt', 'table.csv'" in message


def test_file_in_two_splits(tmp_path):
    touch(tmp_path, "train-0.tfrecord", "test-0.tfrecord")
    message = error_of(find_split_files, tmp_path, Splits(train="*"))
    assert "test-0.tfrecord belongs to two splits" in message
    assert "splits.train: '*' and splits.test: 'test*'" in message


@pytest.mark.parametrize("name", ["train.json", "train_notes.txt", "train.md"])
def test_pattern_that_matches_what_holds_no_records(tmp_path, name):
    # ExampleGen would read it as records.
    touch(tmp_path, "train-0.tfrecord", name)
    message = error_of(find_split_files, tmp_path, Splits())
    assert f"splits.train also matches what holds no records: '{name}'" in message


def test_hidden_files_count_only_where_a_pattern_takes_them(tmp_path):
    touch(tmp_path, "train-0.tfrecord", "._train-0.tfrecord")
    assert found(tmp_path)["train"] == ["train-0.tfrecord"]
    assert "._train-0.tfrecord" in error_of(find_split_files, tmp_path, Splits(train="*.tfrecord"))


@pytest.mark.parametrize("pattern", ["", "/data/train*", "../other/*", "train**"])
def test_pattern_that_is_none(tmp_path, pattern):
    touch(tmp_path, "train-0.tfrecord")
    assert "splits.train is not a pattern" in error_of(find_split_files, tmp_path, Splits(train=pattern))


def test_list_record_files(tmp_path):
    touch(tmp_path, "b.tfrecord", "a.tfrecord.gz", ".c.tfrecord", "tfrecord.json", "d.bin")
    assert [f.name for f in list_record_files(tmp_path)] == ["a.tfrecord.gz", "b.tfrecord"]
    assert list_record_files(tmp_path / "none") == []


# -- framing


@pytest.mark.parametrize("name", ["a.tfrecord", "a.tfrecord.gz", "a.TFRECORD"])
def test_whole_files_are_read_as_tensorflow_reads_them(tmp_path, name):
    path = write_records(tmp_path / name, PAYLOADS)
    assert check_framing(path) == len(PAYLOADS)
    compression = "GZIP" if name.endswith(".gz") else ""
    assert list(read_records(path)) == list(tf.data.TFRecordDataset(str(path), compression).as_numpy_iterator())


@pytest.mark.parametrize("name", ["a.tfrecord", "a.tfrecord.gz"])
def test_records_across_blocks(tmp_path, name, monkeypatch):
    monkeypatch.setattr(record_framing, "_BLOCK", 7)
    monkeypatch.setattr(record_framing, "_GZIP_BLOCK", 5)
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


def test_gz_name_on_a_plain_file(tmp_path):
    path = write_records(tmp_path / "train.tfrecord", PAYLOADS).rename(tmp_path / "train.tfrecord.gz")
    message = error_of(check_framing, path)
    assert "named .gz but is not gzip" in message
    assert "Rename it to train.tfrecord," in message


def test_gz_name_on_something_else(tmp_path):
    (tmp_path / "train.gz").write_text("id,label\n")
    message = error_of(check_framing, tmp_path / "train.gz")
    assert "named .gz but is not gzip" in message
    assert "text: 'id,label" in message


def test_gzip_without_gz_name(tmp_path):
    path = write_records(tmp_path / "train.tfrecord.gz", PAYLOADS).rename(tmp_path / "train.tfrecord")
    message = error_of(check_framing, path)
    assert "is gzip but its name does not say so" in message
    assert "Rename it to train.tfrecord.gz." in message


def test_truncated_gzip(tmp_path):
    path = write_records(tmp_path / "train.tfrecord.gz", [random.Random(1).randbytes(5000)] * 3)
    path.write_bytes(path.read_bytes()[:-20])
    message = error_of(check_framing, path)
    assert f"{path} is cut off" in message
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
    assert f"{path} is cut off" in message
    assert f"record 4, at byte {offset}, is incomplete" in message


def test_corrupt_payload(tmp_path):
    path = write_records(tmp_path / "train.tfrecord", PAYLOADS)
    data = bytearray(path.read_bytes())
    offset = sum(FRAME + len(p) for p in PAYLOADS[:3])
    data[offset + 100] ^= 1
    path.write_bytes(data)
    message = error_of(check_framing, path)
    assert f"the checksum of the payload of record 3, at byte {offset}, does not fit" in message


def test_corrupt_length_after_good_records(tmp_path):
    path = write_records(tmp_path / "train.tfrecord.gz", PAYLOADS)
    data = bytearray(gzip.decompress(path.read_bytes()))
    offset = sum(FRAME + len(p) for p in PAYLOADS[:2])
    data[offset] ^= 1
    path.write_bytes(gzip.compress(data))
    message = error_of(check_framing, path)
    assert f"the checksum of the length of record 2, at byte {offset} of the unpacked file" in message


def test_other_compression(tmp_path):
    (tmp_path / "train.tfrecord.bz2").write_bytes(b"BZh9")
    assert "compressed in a way" in error_of(check_framing, tmp_path / "train.tfrecord.bz2")


def test_unreadable_file(tmp_path):
    (tmp_path / "train.tfrecord").symlink_to(tmp_path / "gone")
    assert find_split_files(tmp_path, Splits())["train"] == [tmp_path / "train.tfrecord"]
    assert "cannot be read: No such file" in error_of(check_framing, tmp_path / "train.tfrecord")


def test_memory_is_bounded(tmp_path):
    path = write_records(tmp_path / "train.tfrecord", (random.Random(i).randbytes(1 << 16) for i in range(1600)))
    assert path.stat().st_size > 100_000_000
    script = (
        "import resource, sys; from tfx_sequences.components.records.files import check_framing; "
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
