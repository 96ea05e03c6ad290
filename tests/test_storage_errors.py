"""Full, read-only and forbidden disks: real ones, and the words of libraries that hand their errors on."""

import contextlib
import errno
import os
import sqlite3
import subprocess
import sys

import pytest

from tfx_sequences.pipeline.commands.capture import captured_output
from tfx_sequences.pipeline.commands.supervision import supervised
from tfx_sequences.storage_errors import storage_error, storage_error_in


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


def test_a_full_disk_in_the_words_of_sqlite_and_of_ml_metadata(small_disk):
    metadata_store = pytest.importorskip("ml_metadata.metadata_store")
    from ml_metadata.proto import metadata_store_pb2

    disk = small_disk("64k")
    with pytest.raises(sqlite3.OperationalError) as full, contextlib.closing(sqlite3.connect(disk / "a")) as database:
        database.execute("CREATE TABLE t (x)")
        for _ in range(100):
            database.execute("INSERT INTO t VALUES (?)", ("x" * 10_000,))
        database.commit()
    assert "The disk is full" in str(storage_error(full.value, disk))
    assert f"MB are free in {disk})" in str(storage_error(full.value, disk))
    config = metadata_store_pb2.ConnectionConfig()
    config.sqlite.filename_uri = str(disk / "b")
    config.sqlite.connection_mode = metadata_store_pb2.SqliteMetadataSourceConfig.READWRITE_OPENCREATE
    with pytest.raises(RuntimeError) as refused:
        metadata_store.MetadataStore(config)
    assert "The disk is full" in str(storage_error(refused.value))


def test_a_read_only_disk_is_named(small_disk):
    disk = small_disk("64k")
    with contextlib.closing(sqlite3.connect(disk / "a")) as database:
        database.execute("CREATE TABLE t (x)")
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    with pytest.raises(OSError, match="Read-only") as refused:
        disk.joinpath("x").write_text("x")
    assert f"The file system is read-only: {disk / 'x'}." in str(storage_error(refused.value))
    with (
        pytest.raises(sqlite3.OperationalError) as closed,
        contextlib.closing(sqlite3.connect(disk / "a")) as database,
    ):
        database.execute("INSERT INTO t VALUES (1)")
    assert "The file system is read-only" in str(storage_error(closed.value))


def test_a_folder_that_vanished_is_named(small_disk):
    disk = small_disk("64k")
    disk.joinpath("out").mkdir()
    subprocess.run(["umount", "--lazy", disk], check=True)
    with pytest.raises(FileNotFoundError) as gone:
        disk.joinpath("out", "x").write_text("x")
    message = str(storage_error(gone.value, disk / "out"))
    assert f"The folder of the output has vanished: {disk / 'out'}." in message
    assert "fix:" in message


@pytest.mark.parametrize(
    "program",
    [
        "bytes(1 << 40)",
        "import numpy; numpy.ones(1 << 40)",
        "import pyarrow; pyarrow.allocate_buffer(1 << 40)",
        'raise RuntimeError("can\'t start new thread")',
    ],
)
def test_too_little_memory_is_not_a_bug(program):
    program = (
        "import resource; resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))\n"
        "from tfx_sequences.pipeline.commands.supervision import supervised\n"
        f"def work(capture):\n    {program}\n"
        "raise SystemExit(supervised(work))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    assert "The memory is used up." in done.stderr and "bug" not in done.stderr


def test_a_file_larger_than_the_limit_is_named(tmp_path):
    program = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))\n"
        "from tfx_sequences.pipeline.commands.supervision import supervised\n"
        f"def work(capture):\n    open({str(tmp_path / 'x')!r}, 'wb').write(bytes(2 << 20))\n"
        "raise SystemExit(supervised(work))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    assert "A file is larger than allowed" in done.stderr and "ulimit -f" in done.stderr


def test_a_path_in_the_words_is_named_with_what_is_left(tmp_path):
    error = storage_error_in(f"ResourceExhaustedError: {tmp_path}/out/x; No space left on device [while running 'W']")
    assert f"The disk is full: {tmp_path}/out/x." in str(error)
    assert f"MB are free in {tmp_path})" in str(error)


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
