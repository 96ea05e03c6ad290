"""Options that several commands share: paths on this machine and elsewhere, and Beam's own options."""

import os
from pathlib import Path

import pytest
import typer

from tfx_sequences.errors import UserInputError
from tfx_sequences.pipeline.commands.command_options import check_beam_args, on_this_machine, readable


@pytest.mark.parametrize("arguments", [None, [], ["--runner=FlinkRunner", "--x"]])
def test_options_of_beam_are_passed_on(arguments):
    assert check_beam_args(arguments) is arguments


def test_a_word_that_beam_would_ignore_is_refused():
    with pytest.raises(typer.BadParameter, match="'runner=X' is not a Beam option: write it as --beam-arg"):
        check_beam_args(["--a=1", "runner=X"])


@pytest.mark.parametrize("path", ["gs://bucket/data", "ram://data", "hdfs://host/data"])
def test_a_uri_is_not_on_this_machine(path):
    with pytest.raises(UserInputError, match=rf"The spec is not on this machine\.[\s\S]*received: {path}"):
        on_this_machine("spec", path)


def test_local_paths_need_not_exist(tmp_path):
    assert on_this_machine("output", None) is None
    for path in ("missing", "missing/below", "c:\\windows", "."):
        assert on_this_machine("output", path) == Path(path)
    (tmp_path / "file").write_text("")
    assert readable("data folder", str(tmp_path / "file" / "below")) == tmp_path / "file" / "below"


def test_a_path_that_cannot_be_looked_at_is_an_error():
    with pytest.raises(UserInputError, match=r"The data folder cannot be used: File name too long\.") as caught:
        readable("data folder", "x" * 5_000)
    assert "x" * 200 + "..." in str(caught.value) and "x" * 201 not in str(caught.value)


def test_files_of_other_file_systems_are_kept_as_they_were_given():
    found = readable("data folder", "ram://bucket/data")
    assert str(found) == "ram://bucket/data"
    assert not isinstance(found, os.PathLike) or not isinstance(found, Path)


def test_a_file_system_that_tensorflow_does_not_know_is_an_error():
    with pytest.raises(UserInputError, match="nowhere"):
        readable("data folder", "nowhere://bucket/data")
