"""Temporary files and folders of killed processes are removed; those in use, and those of other people, are not."""

import os
import signal
import subprocess
import sys
import textwrap

import pytest

from tfx_sequences.temporary_names import temporary_folder
from tfx_sequences.whole_files import folder_written_whole, written_whole


def killed(folder, program):
    """Runs a program that kills itself; returns what it left in the folder."""
    program = "import os, signal, sys\nfrom pathlib import Path\n" + textwrap.dedent(program)
    done = subprocess.run([sys.executable, "-c", program, str(folder)])
    assert done.returncode == -signal.SIGKILL
    return os.listdir(folder)


KINDS = {
    "file": """
        from tfx_sequences.whole_files import written_whole
        with written_whole(sys.argv[1] + "/x") as file:
            file.write(b"half")
            file.flush()
            os.kill(os.getpid(), signal.SIGKILL)
    """,
    "folder": """
        from tfx_sequences.whole_files import folder_written_whole
        with folder_written_whole(Path(sys.argv[1], "x")) as folder:
            folder.joinpath("part").write_bytes(b"half")
            os.kill(os.getpid(), signal.SIGKILL)
    """,
    "scratch": """
        from tfx_sequences.temporary_names import temporary_folder
        with temporary_folder("rows", sys.argv[1]) as folder:
            folder.joinpath("part").write_bytes(b"half")
            os.kill(os.getpid(), signal.SIGKILL)
    """,
}


def use(kind, folder):
    if kind == "scratch":
        with temporary_folder("rows", folder):
            return
    if kind == "folder":
        with folder_written_whole(folder / "x") as building:
            building.joinpath("part").write_bytes(b"whole")
        return
    with written_whole(folder / "x") as file:
        file.write(b"whole")


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_killed_process_left_is_removed_by_the_next(kind, tmp_path):
    [left] = killed(tmp_path, KINDS[kind])
    assert left.startswith(".")
    use(kind, tmp_path)
    assert os.listdir(tmp_path) == ([] if kind == "scratch" else ["x"])


@pytest.mark.parametrize("kind", KINDS)
def test_what_another_process_uses_stays(kind, tmp_path):
    program = KINDS[kind].replace("os.kill(os.getpid(), signal.SIGKILL)", "print('ready', flush=True), input()")
    program = "import os, signal, sys\nfrom pathlib import Path\n" + textwrap.dedent(program)
    words = [sys.executable, "-c", program, str(tmp_path)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        [used] = os.listdir(tmp_path)
        if kind == "scratch":
            use(kind, tmp_path)
        else:
            use(kind, tmp_path)
            assert sorted(os.listdir(tmp_path)) == [used, "x"]
            os.rename(tmp_path / "x", tmp_path / "mine")
        assert used in os.listdir(tmp_path)
        process.communicate("\n")
    assert process.returncode == 0
    assert used not in os.listdir(tmp_path)


def test_files_of_other_names_stay(tmp_path):
    names = [".x.json", ".x.abcdefgh", ".x.partial", ".tfx-sequences-rows-mine", ".rows-abcdefgh", "x.abcdefgh.partial"]
    for name in names:
        (tmp_path / name).write_text("mine")
    use("file", tmp_path)
    use("scratch", tmp_path)
    assert sorted(os.listdir(tmp_path)) == sorted([*names, "x"])


def test_a_link_is_not_followed(tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "file").write_text("mine")
    link = tmp_path / ".tfx-sequences-rows-abcdefgh"
    link.symlink_to(mine)
    use("scratch", tmp_path)
    assert link.is_symlink() and (mine / "file").read_text() == "mine"


def test_folders_of_the_machine_are_removed_too(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    program = KINDS["scratch"].replace('"rows", sys.argv[1]', '"rows"')
    [left] = killed(tmp_path, program)
    assert left.startswith("tfx-sequences-rows-")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with temporary_folder("rows") as folder:
        assert os.listdir(tmp_path) == [folder.name]
