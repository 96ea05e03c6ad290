"""Full, read-only and forbidden disks: real ones, and the words of libraries that hand their errors on."""

import errno
import os
import subprocess
import sys

import pytest

from tfx_sequences.pipeline.commands.capture import captured_output
from tfx_sequences.pipeline.commands.storage_errors import storage_error
from tfx_sequences.pipeline.commands.supervision import supervised


def full_disk(capture):
    with open("/dev/full", "w") as file:
        file.write("x" * 100_000)
    return 0


def test_a_full_disk_is_the_users_to_fix_and_not_a_bug(capfd):
    assert supervised(full_disk) == 2
    error = capfd.readouterr().err
    assert "The disk is full" in error and "fix:" in error
    assert "bug" not in error and "Traceback" not in error


def test_a_forbidden_file_is_named_with_what_is_left(tmp_path):
    file = str(tmp_path / "x")
    message = str(storage_error(PermissionError(errno.EACCES, os.strerror(errno.EACCES), file)))
    assert f"Access to a file is denied: {file}." in message
    assert f"MB are free in {tmp_path})" in message


def test_the_cause_is_found_below_other_errors():
    try:
        try:
            raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT), "/data/x")
        except OSError as error:
            raise RuntimeError("Trainer failed") from error
    except RuntimeError as error:
        assert "The disk quota is used up: /data/x" in str(storage_error(error))


def test_the_words_of_tensorflow_are_understood(tmp_path):
    import tensorflow as tf

    with pytest.raises(tf.errors.OpError) as refused, tf.io.gfile.GFile("/dev/full", "w") as file:
        file.write("x" * 100_000)
    assert "The disk is full" in str(storage_error(refused.value))


@pytest.mark.parametrize("error", [ValueError("x"), FileNotFoundError(errno.ENOENT, "No such file"), KeyError("disk")])
def test_other_errors_stay_what_they_are(error):
    assert storage_error(error) is None


def test_a_log_on_a_full_disk_loses_lines_and_nothing_else(tmp_path):
    log = tmp_path / "log"
    log.symlink_to("/dev/full")
    with captured_output(log) as capture:
        for _ in range(10_000):
            print("x" * 100)
        assert capture.log_path == log


def test_a_machine_without_any_writable_temporary_folder_still_works():
    program = (
        "import tempfile; tempfile.tempdir = '/proc/none'\n"
        "from tfx_sequences.pipeline.commands.supervision import supervised\n"
        "def work(capture):\n    print('chatter')\n    capture.console.print('seen')\n    return 0\n"
        "raise SystemExit(supervised(work))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "seen\n", "")
