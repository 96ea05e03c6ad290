"""Errors of disks and mounts, which are neither bugs nor bad input: full, read-only, forbidden, gone."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from tfx_sequences.errors import UserInputError

_FREE = "Free some space, or write to another disk. Then run the same command again: what was finished is kept."
_AGAIN = "Then run the same command again: what was finished is kept."
# What happened, and how to fix it. TensorFlow and Beam hand on the words of the C library without its number.
_KINDS = {
    errno.ENOSPC: ("The disk is full", _FREE),
    errno.EDQUOT: ("The disk quota is used up", _FREE),
    errno.EROFS: ("The file system is read-only", f"Write to another folder, or mount it writable. {_AGAIN}"),
    errno.EACCES: ("Access to a file is denied", f"Change the permissions, or choose another folder. {_AGAIN}"),
    errno.EPERM: ("Access to a file is denied", f"Change the permissions, or choose another folder. {_AGAIN}"),
    errno.ESTALE: ("A network mount has vanished", f"Mount it again. {_AGAIN}"),
    errno.ENOTCONN: ("A network mount has vanished", f"Mount it again. {_AGAIN}"),
    errno.EIO: ("The disk or mount cannot be read or written", f"Check the disk or mount. {_AGAIN}"),
    errno.EMFILE: ("Too many files are open", f"Raise the limit with `ulimit -n`. {_AGAIN}"),
    errno.ENFILE: ("Too many files are open", f"Raise the limit of the machine. {_AGAIN}"),
}
_WORDS = re.compile("|".join(re.escape(os.strerror(number)) for number in _KINDS))
_NUMBERS = {os.strerror(number): number for number in reversed(_KINDS)}


def storage_error(error: BaseException) -> UserInputError | None:
    """What a user can do about an error that a disk or mount has caused, at any depth; None for other errors.

    >>> print(storage_error(RuntimeError("write failed: /out/x; Input/output error")))
    The disk or mount cannot be read or written.
      expected: a disk or mount that can be read and written
      received: write failed: /out/x; Input/output error
      fix:      Check the disk or mount. Then run the same command again: what was finished is kept.
    """
    for cause in _causes(error):
        number = _number(cause)
        if number is None:
            continue
        what, fix = _KINDS[number]
        path = getattr(cause, "filename", None)
        words = [line for line in str(cause).splitlines() if os.strerror(number) in line]
        received = (words or [str(cause)])[-1].strip()
        return UserInputError(
            f"{what}{f': {path}' if path else ''}.",
            expected="a disk or mount that can be read and written",
            received=f"{received}{_left(path)}",
            fix=fix,
        )
    return None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _number(error: BaseException) -> int | None:
    if isinstance(error, OSError):
        # Sockets have such numbers too, but no file.
        return error.errno if error.errno in _KINDS and not isinstance(error, ConnectionError) else None
    found = _WORDS.findall(str(error))
    return _NUMBERS[found[-1]] if found else None


def _left(path: object) -> str:
    """The free space where the path is, if that is known."""
    if not isinstance(path, str | os.PathLike):
        return ""
    folder = Path(path).absolute()
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    try:
        return f" ({shutil.disk_usage(folder).free / 1e6:,.1f} MB are free in {folder})"
    except OSError:
        return ""
