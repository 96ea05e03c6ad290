"""Formats a record's place: for messages, and as the short name of a record without an id."""

from __future__ import annotations

import os


def place(path: str | os.PathLike[str], index: int, identity: str | None = None) -> str:
    """A record's place, for messages.

    >>> place("data/train.tfrecord", 3, "u7")
    "record 3 ('u7') of data/train.tfrecord"
    """
    return f"record {named(index, identity)} of {path}"


def named(index: int, identity: str | None) -> str:
    """A record's index in its file, and its id if it has one.

    >>> named(3, None)
    '3'
    """
    return f"{index} ({identity!r})" if identity else str(index)


def short_place(path: str | os.PathLike[str], index: int) -> str:
    """A record's place as a name: in lists of records, and as the id of a prediction.

    >>> short_place("data/train-0.gz", 17)
    'train-0.gz:17'
    """
    return f"{os.path.basename(path)}:{index}"
