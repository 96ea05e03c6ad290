"""The files of predictions: which are read, and which are refused before the first prediction."""

import gzip

import pytest
import tensorflow as tf

from tests.records import example, sequence_example, write_records
from tfx_sequences.components.serving.prediction import check_file, list_record_files
from tfx_sequences.errors import DataError, UserInputError
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

SPEC = SequenceSpec(name="s", sequence={"x": {"type": "numeric"}}, label={"key": "y"})
GOOD = sequence_example({}, {"x": [1.0, 2.0]})


def test_a_file_is_itself_and_a_folder_its_record_files_in_order(tmp_path):
    for name in ("b.tfrecord", "a.tfrecord.gz", "notes.txt"):
        (tmp_path / name).write_bytes(gzip.compress(b"") if name.endswith(".gz") else b"")
    assert [file.name for file in list_record_files(tmp_path)] == ["a.tfrecord.gz", "b.tfrecord"]
    assert list_record_files(tmp_path / "notes.txt") == [tmp_path / "notes.txt"]


@pytest.mark.parametrize(
    ("name", "received"), [("folder", "a folder without such files"), ("nowhere", "no such file or folder")]
)
def test_nothing_to_read_is_an_error(tmp_path, name, received):
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserInputError, match=rf"There are no records in .*{name}\.[\s\S]*received: {received}"):
        list_record_files(tmp_path / name)


def test_a_file_is_checked_without_labels(tmp_path):
    check_file(write_records(tmp_path / "good.tfrecord", [GOOD]), SPEC)
    bad = write_records(tmp_path / "bad.tfrecord", [GOOD, b"\xff\xff no record"])
    check_file(bad, SPEC, skip_malformed=True)
    with pytest.raises(DataError, match="does not contain features"):
        check_file(bad, SPEC)
    with pytest.raises(DataError, match=r"contains tf\.Example records"):
        check_file(write_records(tmp_path / "flat.tfrecord", [example({"x": [1.0]})]), SPEC)


def test_a_truncated_file_is_an_error(tmp_path):
    file = write_records(tmp_path / "cut.tfrecord", [GOOD])
    file.write_bytes(file.read_bytes()[:-3])
    with pytest.raises(DataError, match="is truncated"):
        check_file(file, SPEC)


def test_odd_records_at_the_beginning_do_not_hide_the_file(tmp_path):
    """A message of another type, and records of the other type among those that are looked at first."""
    foreign = tf.make_tensor_proto([1.0, 2.0]).SerializeToString()
    odd = write_records(tmp_path / "odd.tfrecord", [foreign, example({"x": [1.0]}), GOOD, GOOD])
    check_file(odd, SPEC, skip_malformed=True)
    with pytest.raises(DataError, match=r"record 0 of .* does not contain features"):
        check_file(odd, SPEC)
    with pytest.raises(DataError, match=r"contains tf\.Example records"):
        check_file(write_records(tmp_path / "flat.tfrecord", [example({"x": [1.0]})] * 3), SPEC, skip_malformed=True)
