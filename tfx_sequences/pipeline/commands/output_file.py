"""Output files of commands: checked before the work, and written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from tfx_sequences.errors import UserInputError


def check_output_file(path: Path | None) -> None:
    """Raises if `path` could not be written; None, for standard output, always can.

    Raises:
        UserInputError: It is a folder, or its folder is missing or closed to us.

    >>> check_output_file(Path("/"))
    Traceback (most recent call last):
      ...
    tfx_sequences.errors.UserInputError: The output / is a folder.
      expected: a file
      fix:      Give --output a file's name.
    """
    if path is None:
        return
    folder = path.resolve().parent
    if path.is_dir():
        raise UserInputError(f"The output {path} is a folder.", expected="a file", fix="Give --output a file's name.")
    if not folder.is_dir():
        raise UserInputError(
            f"The output {path} cannot be written.",
            expected="a file in an existing folder",
            received=f"no folder {folder}",
            fix="Make the folder, or choose another --output.",
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UserInputError(
            f"The output {path} cannot be written.",
            expected=f"write permission in {folder}",
            fix="Choose another --output, or change the folder's permissions.",
        )


@contextlib.contextmanager
def written_whole(path: Path | None, *, instead: TextIO) -> Iterator[TextIO]:
    """A text stream whose content becomes the file `path` when all of it is written.

    Until then, and after an error, the file is as it was.

    Args:
        path: The file; None writes to `instead`.
        instead: The stream for None.
    """
    if path is None:
        yield instead
        instead.flush()
        return
    # What a link points at is written, and a device or pipe (/dev/null) must not be replaced by a file.
    path = path.resolve()
    if path.exists() and not path.is_file():
        with path.open("w", encoding="utf-8") as file:
            yield file
        return
    # In the same folder, for only there a rename is atomic.
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        # Temporary files are private; the file gets the permissions of any new one, or keeps those it has.
        os.chmod(name, path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask())
        with open(handle, "w", encoding="utf-8") as file:
            yield file
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
