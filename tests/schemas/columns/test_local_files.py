"""Files that a spec names, on this machine and in one of TensorFlow's file systems."""

import pytest
import tensorflow as tf

from tfx_sequences.schemas.columns.column import CategoricalColumn, NumericColumn
from tfx_sequences.schemas.columns.local_files import named_files, read_bytes


def test_local_and_remote_files_are_read(tmp_path):
    (tmp_path / "terms.txt").write_bytes(b"a\nb")
    tf.io.gfile.GFile("ram://local_files/terms.txt", "w").write("c\nd")
    assert read_bytes(str(tmp_path / "terms.txt")) == b"a\nb"
    assert read_bytes("ram://local_files/terms.txt") == b"c\nd"


def test_a_missing_file_is_an_error_of_the_operating_system():
    with pytest.raises(FileNotFoundError, match="no/such/file"):
        read_bytes("no/such/file")
    with pytest.raises(OSError) as caught:
        read_bytes("ram://local_files/nothing")
    assert isinstance(caught.value.__cause__, tf.errors.NotFoundError)


def test_the_files_of_a_column_are_listed_with_their_fields():
    column = CategoricalColumn(
        key="x",
        vocabulary_file="terms.txt",
        embedding={"vectors_file": "vectors.npy", "vectors_terms_file": "rows.txt"},
    )
    assert list(named_files(column)) == [
        ("vocabulary_file", "terms.txt"),
        ("embedding.vectors_file", "vectors.npy"),
        ("embedding.vectors_terms_file", "rows.txt"),
    ]
    assert list(named_files(CategoricalColumn(key="x"))) == list(named_files(NumericColumn(key="x"))) == []
