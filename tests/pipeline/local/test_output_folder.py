"""The output folder: where it may be, and one run at a time."""

import subprocess
import sys

import pytest

from tfx_sequences.errors import UserInputError
from tfx_sequences.pipeline.local.output_folder import (
    OutputLayout,
    check_output_folder,
    make_output_folder,
    only_run_of,
)


@pytest.mark.parametrize("folder", ["gs://bucket/out", "ram:/out", "s3://b"])
def test_folders_of_other_machines_are_refused(folder):
    with pytest.raises(UserInputError, match="not on this machine"):
        check_output_folder(folder)


def test_a_folder_below_a_file_cannot_be_created(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserInputError, match="is a file"):
        check_output_folder(tmp_path / "file" / "out" / "deep")


def test_checking_writes_nothing(tmp_path):
    check_output_folder(tmp_path / "new" / "out")
    assert not list(tmp_path.iterdir())


def test_another_process_cannot_run_in_the_same_folder(tmp_path):
    layout = OutputLayout(tmp_path / "out")
    make_output_folder(layout)
    program = (
        "import sys; from pathlib import Path\n"
        "from tfx_sequences.pipeline.local.output_folder import OutputLayout, only_run_of\n"
        "with only_run_of(OutputLayout(Path(sys.argv[1]))): print('runs')"
    )
    words = [sys.executable, "-c", program, str(layout.root)]
    with only_run_of(layout):
        other = subprocess.run(words, capture_output=True, text=True)
        assert other.returncode and "Another run is writing to" in other.stderr
    assert subprocess.run(words, capture_output=True, text=True, check=True).stdout == "runs\n"
