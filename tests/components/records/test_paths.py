from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest
import tensorflow as tf

from tfx_sequences.components.records.opening import opened
from tfx_sequences.components.records.paths import RemotePath, path_of
from tfx_sequences.errors import DataError, UserInputError

NAMES = ["train-0.tfrecord", "train-1.tfrecord.gz", ".hidden", "test.txt", "more/a", "more/deeper/b", "other/a"]


@pytest.fixture
def folders(tmp_path):
    """The same files on this machine, and in TensorFlow's memory."""
    remote = f"ram://test_paths/{tmp_path.name}"
    for name in NAMES:
        for folder in (str(tmp_path), remote):
            tf.io.gfile.makedirs(f"{folder}/{name}".rpartition("/")[0])
            with tf.io.gfile.GFile(f"{folder}/{name}", "wb") as file:
                file.write(name.encode())
    return tmp_path, path_of(remote)


@pytest.mark.parametrize("pattern", ["train*", "*", "more/*", "*/a", "tr?in-[01]*", "**/a", "more/**/b", "no/*"])
def test_a_remote_pattern_matches_what_it_matches_here(folders, pattern):
    here, remote = folders
    expected = sorted(f.relative_to(here).as_posix() for f in here.glob(pattern) if not f.is_dir())
    assert sorted(f.relative_to(remote).as_posix() for f in remote.glob(pattern) if not f.is_dir()) == expected


def test_a_remote_path_has_the_parts_of_one_here(folders):
    here, remote = folders
    for name in NAMES:
        local, path = here / name, remote / name
        assert (path.name, path.suffix, path.parent.name) == (local.name, local.suffix, local.parent.name)
        assert path.relative_to(remote) == PurePosixPath(local.relative_to(here))
        assert (path.exists(), path.is_file(), path.is_dir()) == (True, True, False)
        assert path.read_text() == local.read_text()
    assert sorted(f.name for f in remote.iterdir()) == sorted(f.name for f in here.iterdir())
    assert (remote.is_dir(), remote.is_file(), (remote / "none").exists()) == (True, False, False)
    assert sorted([remote / "b", remote / "a"]) == [remote / "a", remote / "b"]
    assert len({remote / "a", remote / "a"}) == 1


def test_uris_keep_their_slashes():
    for uri in ("gs://bucket/data/train-0", "ram:///a/b"):
        assert str(path_of(uri)) == uri
        assert path_of(path_of(uri)) == path_of(uri)


def test_a_path_here_is_pathlibs():
    assert path_of("data/x") == Path("data/x")
    assert path_of("file:///data/x") == Path("/data/x")
    assert isinstance(path_of("ram://x"), RemotePath)


def test_an_unknown_file_system_is_named_with_those_that_there_are():
    with pytest.raises(UserInputError, match=r"s9://bucket/x[\s\S]*gs://, ram://[\s\S]*s9://"):
        path_of("s9://bucket/x")


def test_a_file_that_is_not_there_is_an_error_of_the_data():
    with (
        pytest.raises(DataError, match="cannot be read: File not found: ram://test_paths/none"),
        opened(path_of("ram://test_paths/none")) as file,
    ):
        file.read(1)
