from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from tfx_sequences.errors import UserInputError
from tfx_sequences.pipeline.commands.output_file import check_output_file, output_stream


def test_content_appears_when_all_is_written(tmp_path):
    path = tmp_path / "out.jsonl"
    path.write_text("old")
    with output_stream(path, instead=io.StringIO()) as file:
        file.write("né")
        file.flush()
        assert path.read_text() == "old"
    assert path.read_text("utf-8") == "né"
    assert os.listdir(tmp_path) == ["out.jsonl"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_after_an_error_the_file_is_as_it_was(tmp_path, error):
    path = tmp_path / "out.jsonl"
    with pytest.raises(error), output_stream(path, instead=io.StringIO()) as file:
        file.write("half")
        raise error
    assert os.listdir(tmp_path) == []


def test_permissions_are_those_of_any_new_file_or_stay(tmp_path):
    path, plain = tmp_path / "out", tmp_path / "plain"
    plain.write_text("")
    with output_stream(path, instead=io.StringIO()) as file:
        file.write("x")
    assert path.stat().st_mode == plain.stat().st_mode
    path.chmod(0o600)
    with output_stream(path, instead=io.StringIO()) as file:
        file.write("y")
    assert path.stat().st_mode & 0o777 == 0o600


def test_links_stay_links_and_devices_devices(tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    link.symlink_to(target)
    with output_stream(link, instead=io.StringIO()) as file:
        file.write("x")
    assert link.is_symlink()
    assert target.read_text() == "x"
    check_output_file(Path("/dev/null"))
    with output_stream(Path("/dev/null"), instead=io.StringIO()) as file:
        file.write("x")
    assert Path("/dev/null").is_char_device()


def test_none_is_the_stream_given():
    stream = io.StringIO()
    with output_stream(None, instead=stream) as file:
        file.write("x")
    assert stream.getvalue() == "x"
    check_output_file(None)


def test_a_folder_or_a_missing_folder_is_the_users_to_mend(tmp_path):
    with pytest.raises(UserInputError, match="is a folder"):
        check_output_file(tmp_path)
    with pytest.raises(UserInputError, match="no folder"):
        check_output_file(tmp_path / "missing" / "out")
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_closed_folder_is_the_users_to_mend(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(UserInputError, match="write permission"):
        check_output_file(tmp_path / "out")
