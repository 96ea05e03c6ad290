"""Output files of commands: checked before the work starts, and written completely or not at all."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from tfx_sequences.errors import UserInputError
from tfx_sequences.whole_files import written_whole


def check_output_file(path: Path | None) -> None:
    """Raises if `path` cannot be written; None, for standard output, always can.

    Raises:
        UserInputError: It is a folder, or its folder does not exist or is not writable.

    >>> check_output_file(Path("/"))
    Traceback (most recent call last):
      ...
    tfx_sequences.errors.UserInputError: The output / is a folder.
      expected: a file
      fix:      Give the name of a file to --output.
    """
    if path is None:
        return
    folder = path.resolve().parent
    if path.is_dir():
        raise UserInputError(
            f"The output {path} is a folder.", expected="a file", fix="Give the name of a file to --output."
        )
    if not folder.is_dir():
        raise UserInputError(
            f"The output {path} cannot be written.",
            expected="a file in an existing folder",
            received=f"no folder {folder}",
            fix="Create the folder, or choose another --output.",
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UserInputError(
            f"The output {path} cannot be written.",
            expected=f"write permission in {folder}",
            fix="Choose another --output, or change the folder's permissions.",
        )


@contextlib.contextmanager
def output_stream(path: Path | None, *, instead: TextIO) -> Iterator[TextIO]:
    """A text stream whose content becomes the file `path` once all of it is written.

    Until then, and after an error, the file is unchanged.

    Args:
        path: The file; None writes to `instead`.
        instead: The stream to write to if `path` is None.
    """
    if path is None:
        yield instead
        instead.flush()
        return
    # Follow links to what they point at; a device or pipe (/dev/null) must not be replaced by a file.
    path = path.resolve()
    if path.exists() and not path.is_file():
        with path.open("w", encoding="utf-8") as file:
            yield file
        return
    with written_whole(path) as binary:
        file = io.TextIOWrapper(binary, "utf-8")
        yield file
        # Closed by the context that opened it.
        file.flush()
        file.detach()
