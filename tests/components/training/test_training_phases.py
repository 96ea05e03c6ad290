import pytest

from tfx_sequences.components.training.backup import FILE_NAME, BackupFile
from tfx_sequences.components.training.fitting import Fitted
from tfx_sequences.components.training.training_phases import PHASES_FILE, TrainingPhases, delete_phases
from tfx_sequences.errors import UserInputError

IDENTITY = {"the spec": "a", "the records": "b", "the code": "c"}
FIRST = Fitted({"loss": [2.0, 1.0], "val_loss": [3.0, float("nan")]}, 1, (1, 7))


def test_a_phase_that_has_finished_is_not_run_again(tmp_path):
    backup = BackupFile(str(tmp_path / "backups"), IDENTITY)
    seen = []

    def phase(own):
        seen.append(own.folder)
        return FIRST

    assert TrainingPhases(backup).run("first", phase) is FIRST
    # Another process, after the first one was killed in its second phase.
    again = TrainingPhases(backup)
    resumed = again.run("first", phase)
    assert seen == [str(tmp_path / "backups" / "first")]
    assert (resumed.best_epoch, resumed.resumed_at) == (1, (1, 7))
    assert repr(resumed.history) == repr(FIRST.history)
    assert again.run("second", lambda own: Fitted({}, 9)).best_epoch == 9
    delete_phases(backup)
    assert not (tmp_path / "backups").exists()


def test_phases_of_another_run_are_refused(tmp_path):
    TrainingPhases(BackupFile(str(tmp_path), IDENTITY)).run("first", lambda own: FIRST)
    with pytest.raises(UserInputError, match="differs in the records"):
        TrainingPhases(BackupFile(str(tmp_path), {**IDENTITY, "the records": "other"}))


def test_who_does_not_write_keeps_nothing(tmp_path):
    follower = BackupFile(str(tmp_path / "backups"), IDENTITY, writes=False)
    assert TrainingPhases(follower).run("first", lambda own: FIRST) is FIRST
    assert TrainingPhases(None).run("first", lambda own: FIRST) is FIRST
    delete_phases(follower)
    assert not (tmp_path / "backups").exists()


def test_each_phase_has_a_backup_of_its_own(tmp_path):
    backup = BackupFile(str(tmp_path), IDENTITY)
    own = backup.of_phase("refitted")
    assert own.folder == str(tmp_path / "refitted")
    assert own.identity == {**IDENTITY, "the phase": "refitted"}
    assert not (tmp_path / FILE_NAME).exists()
    assert not (tmp_path / PHASES_FILE).exists()
