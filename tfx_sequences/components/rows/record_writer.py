"""Serialized records to TFRecord files of several splits and shards."""

from __future__ import annotations

import fnmatch
import functools
import struct
from pathlib import Path
from typing import BinaryIO

import google_crc32c

from tfx_sequences.components.records.opening import HEADER, masked_crc
from tfx_sequences.components.rows.row_records import RecordBatch
from tfx_sequences.errors import SpecError
from tfx_sequences.schemas.spec.splits import Splits

_CRC = struct.Struct("<I")


class RecordWriter:
    """Writes records to `SPLIT-00000-of-00004.tfrecord` and so on, in turn.

    Args:
        folder: An existing folder.
        splits: The patterns that the names must match.
        shards: Number of files of each split.
    """

    def __init__(self, folder: Path, splits: Splits, shards: int) -> None:
        self._folder, self._splits, self._shards = folder, splits, shards
        self._files: dict[str, list[BinaryIO]] = {}
        self._written: dict[str, int] = {}

    def write(self, batch: RecordBatch, names: list[str]) -> None:
        """Writes records.

        Args:
            batch: The records.
            names: The splits that `batch.splits` are indices of.
        """
        for record, split in zip(batch.records.to_pylist(), batch.splits.tolist(), strict=True):
            name = names[split]
            files = self._files.get(name) or self._opened(name)
            number = self._written[name]
            self._written[name] = number + 1
            crc = google_crc32c.value(record)
            crc = (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF
            files[number % self._shards].write(b"".join((_header(len(record)), record, _CRC.pack(crc))))

    def close(self) -> None:
        """Closes the files."""
        for files in self._files.values():
            for file in files:
                file.close()

    def _opened(self, split: str) -> list[BinaryIO]:
        names = [file_name(split, self._splits, shard, self._shards) for shard in range(self._shards)]
        self._files[split] = [(self._folder / name).open("wb", buffering=1 << 20) for name in names]
        self._written[split] = 0
        return self._files[split]


@functools.lru_cache(maxsize=1 << 14)
def _header(length: int) -> bytes:
    """The length of a record and its checksum, as they stand before it in a file."""
    packed = struct.pack("<Q", length)
    return HEADER.pack(length, masked_crc(packed))


def file_name(split: str, splits: Splits, shard: int, shards: int) -> str:
    """The name of a shard, which the pattern of its split matches.

    Raises:
        SpecError: The pattern does not match such a name.

    >>> file_name("valid", Splits(), 0, 4), file_name("valid", Splits(valid="dev*"), 3, 4)
    ('valid-00000-of-00004.tfrecord', 'dev-00003-of-00004.tfrecord')
    """
    pattern = getattr(splits, split)
    prefix = pattern.partition("*")[0].rstrip("-_.")
    for start in dict.fromkeys((split, prefix)):
        name = f"{start}-{shard:05d}-of-{shards:05d}.tfrecord"
        if start and "/" not in name and fnmatch.fnmatchcase(name, pattern):
            return name
    raise SpecError(
        f"The files of records cannot have names that match splits.{split}.",
        expected=f"a pattern such as '{split}*'",
        received=f"'{pattern}'",
        fix=f"Remove splits.{split} from the spec, or set it to '{split}*'.",
    )
