"""Files and folders that appear completely or not at all, even if the process is killed.

Contents are written under a temporary name in the same folder, because only there is a rename atomic.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from tfx_sequences.temporary_names import claimed_file, claimed_folder


@contextlib.contextmanager
def written_whole(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A binary stream whose content becomes the file when the context ends; after an error the file is unchanged.

    The content is on the disk before the file is renamed. A new file gets the usual permissions; an existing file
    keeps its permissions.

    Args:
        path: A path on this machine, or a URI that TensorFlow can write.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with written_whole(f"{folder}/x") as file:
    ...         _ = file.write(b"content")
    ...     os.listdir(folder), Path(folder, "x").read_bytes()
    (['x'], b'content')
    """
    text = os.fspath(path)
    with _remote(text) if "://" in text else _local(Path(text)) as file:
        yield file


@contextlib.contextmanager
def folder_written_whole(target: Path) -> Iterator[Path]:
    """A folder next to the target that becomes the target when the context ends; after an error it is deleted.

    The contents are not forced to the disk, because readers compare checksums.
    """
    with claimed_folder("building", target.parent) as building:
        building.chmod(0o755)
        try:
            with named_in_errors(target):
                yield building
            os.replace(building, target)
        finally:
            shutil.rmtree(building, ignore_errors=True)


@contextlib.contextmanager
def named_in_errors(path: Path) -> Iterator[None]:
    """Errors of the operating system that do not name a file, as those of a write, name this one.

    >>> with named_in_errors(Path("/x")):
    ...     raise OSError(28, "No space left on device")
    Traceback (most recent call last):
      ...
    OSError: [Errno 28] No space left on device: '/x'
    """
    try:
        yield
    except OSError as error:
        if error.errno is not None and error.filename is None and not isinstance(error, ConnectionError):
            error.filename = str(path)
        raise


@contextlib.contextmanager
def _local(path: Path) -> Iterator[BinaryIO]:
    with claimed_file(path) as name:
        try:
            with named_in_errors(path), open(name, "wb") as file:
                # Temporary files are private.
                os.chmod(name, path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask())
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise


@contextlib.contextmanager
def _remote(uri: str) -> Iterator[Any]:
    import tensorflow as tf

    folder, _, name = uri.rpartition("/")
    temporary = f"{folder}/.{name}.{uuid.uuid4().hex}"
    try:
        with tf.io.gfile.GFile(temporary, "wb") as file:
            yield file
        tf.io.gfile.rename(temporary, uri, overwrite=True)
    except BaseException:
        with contextlib.suppress(tf.errors.OpError):
            tf.io.gfile.remove(temporary)
        raise


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
