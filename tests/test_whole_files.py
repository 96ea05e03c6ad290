from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid

import pytest
import tensorflow as tf

from tfx_sequences.whole_files import folder_written_whole, written_whole


@pytest.fixture(params=["here", "ram"])
def folder(request, tmp_path):
    if request.param == "here":
        return str(tmp_path)
    folder = f"ram://test_whole_files/{uuid.uuid4().hex}"
    tf.io.gfile.makedirs(folder)
    return folder


def content(path):
    with tf.io.gfile.GFile(path, "rb") as file:
        return file.read()


def test_the_file_changes_when_all_is_written(folder):
    path = f"{folder}/x"
    for text in (b"first, and longer", b"second"):
        before = content(path) if tf.io.gfile.exists(path) else None
        with written_whole(path) as file:
            file.write(text[:3])
            file.write(text[3:])
            assert (content(path) if tf.io.gfile.exists(path) else None) == before
        assert content(path) == text
    assert tf.io.gfile.listdir(folder) == ["x"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_after_an_error_the_file_is_as_it_was(folder, error):
    with written_whole(f"{folder}/x") as file:
        file.write(b"old")
    with pytest.raises(error), written_whole(f"{folder}/x") as file:
        file.write(b"half")
        raise error
    assert tf.io.gfile.listdir(folder) == ["x"]
    assert content(f"{folder}/x") == b"old"


def test_a_process_that_is_killed_leaves_the_old_file(tmp_path):
    code = (
        "import os, signal, sys\n"
        "from tfx_sequences.whole_files import written_whole\n"
        "with written_whole(sys.argv[1]) as file:\n"
        "    file.write(b'half')\n"
        "    file.flush()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    (tmp_path / "x").write_bytes(b"old")
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "x"])
    assert done.returncode == -signal.SIGKILL
    assert (tmp_path / "x").read_bytes() == b"old"


def test_a_folder_appears_when_all_of_it_is_written(tmp_path):
    target = tmp_path / "store"
    with pytest.raises(ValueError), folder_written_whole(target) as building:
        (building / "part").write_bytes(b"half")
        raise ValueError
    assert os.listdir(tmp_path) == []
    with folder_written_whole(target) as building:
        (building / "part").write_bytes(b"whole")
        assert not target.exists()
    assert os.listdir(tmp_path) == ["store"]
    assert (target / "part").read_bytes() == b"whole"
