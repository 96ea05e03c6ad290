"""Temporary files and folders; what a killed process left is removed by the next that makes one of the same kind.

The process that uses one holds a lock on it, which the operating system releases however the process ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

_FOLDERS, _FILES = "tfx-sequences-", ".partial"
# What `tempfile` chooses.
_RANDOM = "[a-z0-9_]{8}"


@contextlib.contextmanager
def temporary_folder(kind: str, parent: str | os.PathLike[str] | None = None) -> Iterator[Path]:
    """A folder that is deleted when the context ends, and folders of this kind that killed processes left there.

    Args:
        kind: Part of its name.
        parent: Where to make it, with a hidden name; None: among the temporary files of the machine.

    >>> with tempfile.TemporaryDirectory() as parent:
    ...     with temporary_folder("rows", parent) as folder:
    ...         folder.is_dir(), folder.name.startswith(".tfx-sequences-rows-")
    ...     os.listdir(parent)
    (True, True)
    []
    """
    with claimed_folder(kind, parent) as folder:
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def claimed_folder(kind: str, parent: str | os.PathLike[str] | None = None) -> Iterator[Path]:
    """As `temporary_folder`, but the folder stays: the caller renames or deletes it."""
    prefix = f"{'.' if parent else ''}{_FOLDERS}{kind}-"
    place = os.fspath(parent) if parent else tempfile.gettempdir()
    _remove_leftovers(place, re.compile(f"{re.escape(prefix)}{_RANDOM}"))
    name, handle = _claimed(lambda: tempfile.mkdtemp(prefix=prefix, dir=place))
    try:
        yield Path(name)
    finally:
        os.close(handle)


@contextlib.contextmanager
def claimed_file(path: Path) -> Iterator[str]:
    """The name of a new file next to the path; the caller renames or deletes it."""
    _remove_leftovers(os.fspath(path.parent), re.compile(f"{re.escape(f'.{path.name}.')}{_RANDOM}{_FILES}"))

    def make() -> str:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=_FILES, dir=path.parent)
        os.close(handle)
        return name

    name, handle = _claimed(make)
    try:
        yield name
    finally:
        os.close(handle)


def _claimed(make: Callable[[], str]) -> tuple[str, int]:
    """A new file or folder, and the descriptor that holds its lock."""
    while True:
        name = make()
        try:
            handle = os.open(name, os.O_RDONLY)
        except FileNotFoundError:
            # In the moment before it is locked, another process can take it for a leftover.
            continue
        if _locked(handle) and _is_at(handle, name):
            return name, handle
        os.close(handle)


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        # This file system does not have locks, so nothing on it is ever removed.
        return True
    return True


def _is_at(handle: int, name: str) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), os.stat(name))
    except FileNotFoundError:
        return False


def _remove_leftovers(parent: str, names: re.Pattern[str]) -> None:
    """Removes files and folders of these names whose process has ended."""
    with contextlib.suppress(OSError):
        for name in os.listdir(parent):
            if names.fullmatch(name):
                with contextlib.suppress(OSError):
                    _remove_if_free(os.path.join(parent, name))


def _remove_if_free(path: str) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        status = os.fstat(handle)
        if status.st_uid != os.getuid():
            return
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if stat.S_ISDIR(status.st_mode):
            shutil.rmtree(path, ignore_errors=True)
        else:
            os.unlink(path)
    finally:
        os.close(handle)
