"""Paths on this machine and on TensorFlow's other file systems (`gs://`, `ram://`), with the same interface.

`path_of` gives a `pathlib.Path` for paths on this machine and a `RemotePath` otherwise; both have the methods for
reading records and models. TensorFlow is imported only for remote paths.
"""

from __future__ import annotations

import contextlib
import fnmatch
import functools
import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, TypeAlias

from tfx_sequences.errors import UserInputError

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")


def path_of(path: str | os.PathLike[str]) -> AnyPath:
    """The path for a string.

    Args:
        path: A path on this machine, also as `file://`, or a URI of a file system that TensorFlow supports.

    Raises:
        UserInputError: TensorFlow does not support the file system.

    >>> str(path_of("file:///data/train.tfrecord")), str(path_of("ram://data//train.tfrecord"))
    ('/data/train.tfrecord', 'ram://data/train.tfrecord')
    """
    if isinstance(path, Path | RemotePath):
        return path
    text = os.fspath(path)
    scheme = _SCHEME.match(text)
    if scheme is None:
        return Path(text)
    if scheme[1] == "file":
        return Path(text[scheme.end() :])
    import tensorflow as tf

    # TensorFlow's own order differs between versions.
    known = sorted(str(name) for name in tf.io.gfile.get_registered_schemes() if name)
    if scheme[1] not in known:
        raise UserInputError(
            f"TensorFlow does not support the file system of {text}.",
            expected=f"a path on this machine, or a URI that starts with {', '.join(f'{name}://' for name in known)}",
            received=f"{scheme[1]}://",
            fix="Copy the files to a place that TensorFlow can read, or install its plug-in for this file system.",
        )
    return RemotePath(text)


@functools.total_ordering
class RemotePath:
    """The counterpart of `pathlib.Path` for a URI; read-only.

    Errors of TensorFlow's file systems are raised as `OSError`.

    Args:
        uri: The URI, with its scheme.

    >>> path = RemotePath("ram://data/a/train-0.tfrecord.gz")
    >>> path.name, path.suffix, str(path.parent), str(path.parent / "b")
    ('train-0.tfrecord.gz', '.gz', 'ram://data/a', 'ram://data/a/b')
    """

    def __init__(self, uri: str) -> None:
        scheme, _, rest = uri.partition("://")
        self._root = f"{scheme}://{'/' * rest.startswith('/')}"
        self._inside = PurePosixPath(rest.lstrip("/"))

    def __str__(self) -> str:
        return f"{self._root}{self._inside}"

    def __repr__(self) -> str:
        return f"RemotePath({str(self)!r})"

    def __fspath__(self) -> str:
        return str(self)

    def __hash__(self) -> int:
        return hash(str(self))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RemotePath) and str(self) == str(other)

    def __lt__(self, other: RemotePath) -> bool:
        return str(self) < str(other)

    def __truediv__(self, part: str) -> RemotePath:
        return RemotePath(f"{self._root}{self._inside / part}")

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self._inside.name

    @property
    def suffix(self) -> str:
        """The suffix of the name."""
        return self._inside.suffix

    @property
    def parent(self) -> RemotePath:
        """The parent folder."""
        return RemotePath(f"{self._root}{self._inside.parent}")

    def relative_to(self, folder: AnyPath) -> PurePosixPath:
        """The path relative to a folder that contains it."""
        return PurePosixPath(str(self)).relative_to(PurePosixPath(str(folder)))

    def expanduser(self) -> RemotePath:
        """Returns the path itself."""
        return self

    def resolve(self) -> RemotePath:
        """Returns the path itself."""
        return self

    def exists(self) -> bool:
        """Whether the file or folder exists."""
        return bool(_gfile("exists", self))

    def is_dir(self) -> bool:
        """Whether it is a folder."""
        return bool(_gfile("isdir", self))

    def is_file(self) -> bool:
        """Whether it is a file."""
        return self.exists() and not self.is_dir()

    def iterdir(self) -> Iterator[RemotePath]:
        """The contents of the folder."""
        # Object stores end the names of folders with a slash.
        return (self / name.rstrip("/") for name in _gfile("listdir", self))

    def glob(self, pattern: str) -> Iterator[RemotePath]:
        """The paths that match a pattern, part by part; `**` matches any folders."""
        first, _, rest = pattern.partition("/")
        if first == "**":
            yield from self.glob(rest) if rest else ()
            for folder in filter(RemotePath.is_dir, self.iterdir()):
                yield from folder.glob(pattern)
            return
        for path in self.iterdir() if self.is_dir() else ():
            if fnmatch.fnmatchcase(path.name, first):
                yield from path.glob(rest) if rest else (path,)

    def open(self, mode: str = "rb") -> Any:
        """A file object for reading."""
        import tensorflow as tf

        return tf.io.gfile.GFile(str(self), mode)

    def read_text(self, encoding: str = "utf-8") -> str:
        """The whole file as text."""
        with as_os_errors(self), self.open("rb") as file:
            return str(file.read().decode(encoding))


AnyPath: TypeAlias = Path | RemotePath


@contextlib.contextmanager
def as_os_errors(path: AnyPath) -> Iterator[None]:
    """Raises TensorFlow's errors about a remote path as `OSError`, with its message."""
    if not isinstance(path, RemotePath):
        yield
        return
    import tensorflow as tf

    try:
        yield
    except tf.errors.NotFoundError as error:
        raise FileNotFoundError(f"File not found: {path}") from error
    except tf.errors.OpError as error:
        raise OSError(" ".join(error.message.split()) or type(error).__name__) from error


def _gfile(operation: str, path: RemotePath) -> Any:
    import tensorflow as tf

    with as_os_errors(path):
        return getattr(tf.io.gfile, operation)(str(path))
