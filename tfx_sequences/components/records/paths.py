"""Paths of this machine and of TensorFlow's other file systems (`gs://`, `ram://`), read in the same way.

`path_of` gives a `pathlib.Path` for what is on this machine and a `RemotePath` otherwise; both have the methods that
the reading of records and models needs. TensorFlow is imported for remote paths only.
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
    """The path that a text means.

    Args:
        path: A path of this machine, also as `file://`, or a URI of a file system that TensorFlow has.

    Raises:
        UserInputError: TensorFlow does not have the file system.

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

    known = [str(name) for name in tf.io.gfile.get_registered_schemes() if name]
    if scheme[1] not in known:
        raise UserInputError(
            f"TensorFlow has no file system for {text}.",
            expected=f"a path on this machine, or a URI that begins with {', '.join(f'{name}://' for name in known)}",
            received=f"{scheme[1]}://",
            fix="Copy the files to a place that TensorFlow reads, or install its plug-in for them.",
        )
    return RemotePath(text)


@functools.total_ordering
class RemotePath:
    """What `pathlib.Path` is on this machine, for a URI. Only what reads.

    Errors of TensorFlow's file systems are raised as `OSError`.

    Args:
        uri: With its scheme.

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
        """Its last part."""
        return self._inside.name

    @property
    def suffix(self) -> str:
        """The last ending of its name."""
        return self._inside.suffix

    @property
    def parent(self) -> RemotePath:
        """The folder it is in."""
        return RemotePath(f"{self._root}{self._inside.parent}")

    def relative_to(self, folder: AnyPath) -> PurePosixPath:
        """The way from a folder that holds it."""
        return PurePosixPath(str(self)).relative_to(PurePosixPath(str(folder)))

    def expanduser(self) -> RemotePath:
        """Itself."""
        return self

    def resolve(self) -> RemotePath:
        """Itself."""
        return self

    def exists(self) -> bool:
        """Whether a file or folder is there."""
        return bool(_gfile("exists", self))

    def is_dir(self) -> bool:
        """Whether it is a folder."""
        return bool(_gfile("isdir", self))

    def is_file(self) -> bool:
        """Whether it is a file."""
        return self.exists() and not self.is_dir()

    def iterdir(self) -> Iterator[RemotePath]:
        """What is in the folder."""
        # Object stores end the names of folders with a slash.
        return (self / name.rstrip("/") for name in _gfile("listdir", self))

    def glob(self, pattern: str) -> Iterator[RemotePath]:
        """What matches a pattern, part by part; `**` matches any folders."""
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
        """A file object that reads."""
        import tensorflow as tf

        return tf.io.gfile.GFile(str(self), mode)

    def read_text(self, encoding: str = "utf-8") -> str:
        """The whole file as text."""
        with as_os_errors(self), self.open("rb") as file:
            return str(file.read().decode(encoding))


AnyPath: TypeAlias = Path | RemotePath


@contextlib.contextmanager
def as_os_errors(path: AnyPath) -> Iterator[None]:
    """Within it, TensorFlow's errors about a remote path are raised as `OSError` with its message."""
    if not isinstance(path, RemotePath):
        yield
        return
    import tensorflow as tf

    try:
        yield
    except tf.errors.NotFoundError as error:
        raise FileNotFoundError(f"No such file: {path}") from error
    except tf.errors.OpError as error:
        raise OSError(" ".join(error.message.split()) or type(error).__name__) from error


def _gfile(operation: str, path: RemotePath) -> Any:
    import tensorflow as tf

    with as_os_errors(path):
        return getattr(tf.io.gfile, operation)(str(path))
