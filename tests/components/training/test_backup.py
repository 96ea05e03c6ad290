import numpy as np
import pytest

from tfx_sequences.components.training.backup import FILE_NAME, BackupFile
from tfx_sequences.components.training.train_state import TrainState
from tfx_sequences.errors import UserInputError

IDENTITY = {"the spec": "a", "the records": "b", "the code": "c"}


def state(value):
    return TrainState({"model/0": np.full(3, value, np.float32)}, {"position": {"epoch": value}, "callbacks": []})


def test_what_is_written_is_read_and_the_latest_counts(tmp_path):
    backup = BackupFile(str(tmp_path / "new" / "folder"), IDENTITY)
    assert backup.read() is None
    for value in (1, 2):
        backup.write(state(value))
    read = backup.read()
    np.testing.assert_array_equal(read.arrays["model/0"], [2, 2, 2])
    assert read.plain == state(2).plain
    assert [file.name for file in (tmp_path / "new" / "folder").iterdir()] == [FILE_NAME]


def test_a_remote_folder_is_as_good():
    # Of this scheme TensorFlow alone knows, as of gs://.
    backup = BackupFile("ram://backups/of/a/run", IDENTITY)
    assert backup.read() is None
    for value in (1, 2):
        backup.write(state(value))
    assert backup.read().plain == state(2).plain
    backup.delete()
    assert backup.read() is None


@pytest.mark.parametrize("changed", IDENTITY)
def test_the_backup_of_another_run_is_refused_with_what_differs(tmp_path, changed):
    BackupFile(str(tmp_path), IDENTITY).write(state(1))
    with pytest.raises(UserInputError, match=f"differs in {changed}\n[\\s\\S]*training.backup.folder"):
        BackupFile(str(tmp_path), {**IDENTITY, changed: "other"}).read()


@pytest.mark.parametrize("content", [b"", b"PK\3\4 no archive", None])
def test_a_damaged_backup_is_an_error(tmp_path, content):
    backup = BackupFile(str(tmp_path), IDENTITY)
    backup.write(state(1))
    whole = (tmp_path / FILE_NAME).read_bytes()
    (tmp_path / FILE_NAME).write_bytes(whole[: len(whole) // 2] if content is None else content)
    with pytest.raises(UserInputError, match="is damaged"):
        backup.read()


def test_it_takes_what_killed_runs_left_along_and_nothing_else(tmp_path):
    folder = tmp_path / "folder"
    backup = BackupFile(str(folder), IDENTITY)
    backup.delete()
    backup.write(state(1))
    (folder / f"{FILE_NAME}.123").write_bytes(b"half")
    (folder / "notes.txt").write_text("mine")
    backup.delete()
    assert [file.name for file in folder.iterdir()] == ["notes.txt"]
    (folder / "notes.txt").unlink()
    backup.write(state(1))
    backup.delete()
    assert not folder.exists()
