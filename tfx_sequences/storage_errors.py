"""Errors of disks, mounts and memory, which are neither bugs nor bad input: full, read-only, forbidden, gone."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from tfx_sequences.errors import UserInputError

_AGAIN = "Then run the same command again: what was finished is kept."
_FREE = f"Free some space, or write to another disk. {_AGAIN}"
_WRITABLE = f"Change the permissions, or choose another folder. {_AGAIN}"
# What happened, and how to fix it. TensorFlow and Beam pass the words of the C library on, without its number.
_KINDS = {
    errno.ENOSPC: ("The disk is full", _FREE),
    errno.EDQUOT: ("The disk quota is used up", _FREE),
    errno.EFBIG: ("A file is larger than allowed", f"Raise the limit with `ulimit -f`. {_AGAIN}"),
    errno.EROFS: ("The file system is read-only", f"Write to another folder, or mount it writable. {_AGAIN}"),
    errno.EACCES: ("Access to a file is denied", _WRITABLE),
    errno.EPERM: ("Access to a file is denied", _WRITABLE),
    errno.ESTALE: ("A network mount has vanished", f"Mount it again. {_AGAIN}"),
    errno.ENOTCONN: ("A network mount has vanished", f"Mount it again. {_AGAIN}"),
    errno.EIO: ("The disk or mount cannot be read or written", f"Check the disk or mount. {_AGAIN}"),
    errno.EMFILE: ("Too many files are open", f"Raise the limit with `ulimit -n`. {_AGAIN}"),
    errno.ENFILE: ("Too many files are open", f"Raise the limit of the machine. {_AGAIN}"),
    errno.ENOMEM: ("The memory is used up", f"Use a smaller batch_size, or a machine with more memory. {_AGAIN}"),
}
_WORDS = {os.strerror(number): number for number in reversed(_KINDS)} | {
    # SQLite, in which ML Metadata keeps what it knows.
    "database or disk is full": errno.ENOSPC,
    "attempt to write a readonly database": errno.EROFS,
    "unable to open database file": errno.EACCES,
    "disk I/O error": errno.EIO,
    # TensorFlow, NumPy, pyarrow, C++ and Python's threads, where memory is refused.
    "OOM when allocating": errno.ENOMEM,
    "Unable to allocate": errno.ENOMEM,
    "out of memory": errno.ENOMEM,
    "std::bad_alloc": errno.ENOMEM,
    "can't start new thread": errno.ENOMEM,
}
_ANY_WORDS = re.compile("|".join(map(re.escape, _WORDS)))
_PATH = re.compile(r"(?<![\w/.])/[^\s;:'\"\])]+")


def storage_error(error: BaseException, folder: Path | None = None) -> UserInputError | None:
    """What a user can do about an error that a disk, a mount or a lack of memory has caused, at any depth.

    Args:
        error: The error, or one that another has caused.
        folder: Where the command writes, if it has begun to; names the place where the error does not.

    Returns:
        The error to show; None for all others.

    >>> print(storage_error(RuntimeError("write failed: x; Input/output error")))
    The disk or mount cannot be read or written.
      expected: a disk or mount that can be read and written
      received: write failed: x; Input/output error
      fix:      Check the disk or mount. Then run the same command again: what was finished is kept.
    """
    for cause in _causes(error):
        number = _number(cause)
        if number is not None:
            return _explained(number, cause, folder)
    if folder is not None and not folder.is_dir():
        return UserInputError(
            f"The folder of the output has vanished: {folder}.",
            expected="a folder that stays where it is while a command writes to it",
            received=str(error).strip().splitlines()[-1][:300] if str(error).strip() else type(error).__name__,
            fix="Mount it again, or choose another folder; then run the same command again.",
        )
    return None


def storage_error_in(text: str) -> UserInputError | None:
    """The same for what another process has printed.

    >>> print(storage_error_in("...\\nOSError: [Errno 122] Disk quota exceeded").what)
    The disk quota is used up.
    """
    return storage_error(RuntimeError(text))


def _explained(number: int, cause: BaseException, folder: Path | None) -> UserInputError:
    what, fix = _KINDS[number]
    lines = [line for line in str(cause).splitlines() if _ANY_WORDS.search(line)] or [str(cause)]
    received = lines[-1].strip() or type(cause).__name__
    if number == errno.ENOMEM:
        return UserInputError(f"{what}.", expected="enough memory", received=received, fix=fix)
    path = getattr(cause, "filename", None)
    if path is None and (named := _PATH.findall(received)):
        path = named[0]
    return UserInputError(
        f"{what}{f': {path}' if path else ''}.",
        expected="a disk or mount that can be read and written",
        received=f"{received}{_left(path or folder)}",
        fix=fix,
    )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _number(error: BaseException) -> int | None:
    if isinstance(error, MemoryError):
        return errno.ENOMEM
    # Sockets have such numbers too, but no file. Libraries raise OSError with words only.
    if isinstance(error, ConnectionError):
        return None
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno if error.errno in _KINDS else None
    found = _ANY_WORDS.findall(str(error))
    return _WORDS[found[-1]] if found else None


def _left(path: object) -> str:
    """The free space where the path is, if that is known."""
    if not isinstance(path, str | os.PathLike):
        return ""
    folder = Path(path).absolute()
    try:
        while not folder.is_dir() and folder != folder.parent:
            folder = folder.parent
        return f" ({shutil.disk_usage(folder).free / 1e6:,.1f} MB are free in {folder})"
    except OSError:
        return ""
