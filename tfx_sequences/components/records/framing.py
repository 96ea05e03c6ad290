"""The framing of TFRecord files: reads payloads, and reports where a file is corrupt.

A TFRecord file is a sequence of `length (8 bytes), checksum (4), payload, checksum (4)`, uncompressed or compressed.
Local files are read without TensorFlow.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from itertools import zip_longest

from tfx_sequences.components.records.elwc import is_example_list, stored_record
from tfx_sequences.components.records.opening import (
    HEADER,
    compression_of,
    holds_example_lists,
    masked_crc,
    opened,
    unpacked_blocks,
)
from tfx_sequences.components.records.paths import AnyPath, path_of
from tfx_sequences.errors import DataError

_SIGNATURES = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\x28\xb5\x2f\xfd": "Zstandard",
    b"\xfd7zXZ": "xz",
    b"\x78\x01": "zlib",
    b"\x78\x9c": "zlib",
    b"\x78\xda": "zlib",
    b"PK\x03\x04": "a zip archive",
    b"PAR1": "Parquet",
    b"ARROW1": "Arrow",
    b"Obj\x01": "Avro",
    b"\x89HDF": "HDF5",
}

_CRC = struct.Struct("<I")
_FRAME = HEADER.size + _CRC.size


def check_framing(path: str | os.PathLike[str]) -> int:
    """Walks through one TFRecord file and counts its records.

    Every checksum is compared; memory is bounded by the largest record and a few MB.

    Args:
        path: The file, uncompressed or compressed, local or remote.

    Returns:
        Number of records; 0 for an empty file.

    Raises:
        DataError: The file is not a TFRecord file, or is truncated or corrupt (with the byte
            offset and the record's index).
    """
    return sum(1 for _ in read_records(path))


def read_records(path: str | os.PathLike[str], offset: int = 0, first: int = 0, items_key: str = "") -> Iterator[bytes]:
    """The payloads of one TFRecord file, in order, with the checks and errors of `check_framing`.

    An ExampleListWithContext comes as the SequenceExample that it stands for.

    Args:
        path: The file.
        offset: For an uncompressed file, the byte where a record starts; earlier bytes are not read.
        first: The index of that record.
        items_key: See `as_sequence_example`.
    """
    path = path_of(path)
    compression = compression_of(path)
    blocks = unpacked_blocks(path, compression, offset)
    # `start` is the offset of data[0] in the (unpacked) file
    data, position, start, index = b"", 0, offset, first
    # All records of a file are of one kind: the first one that has features tells which. Those before it matter only
    # where items without features are counted.
    holds_lists: bool | None = (holds_example_lists(path) or None) if items_key else None

    def fill(size: int) -> bool:
        """Drops consumed bytes, and reads until `size` bytes are available."""
        nonlocal data, position, start
        parts, have = [data[position:]], len(data) - position
        for block in blocks:
            parts.append(block)
            have += len(block)
            if have >= size:
                break
        start += position
        data, position = b"".join(parts), 0
        return have >= size

    def where(byte: int) -> str:
        return f"{byte} of the uncompressed data" if compression else str(byte)

    header, crc = HEADER.unpack_from, _CRC.unpack_from
    while True:
        if len(data) - position < HEADER.size and not fill(HEADER.size):
            if not data:
                return
            raise _truncated(path, where(start), index) if index > first else _no_tfrecord(path, data)
        length, length_crc = header(data, position)
        if masked_crc(data[position : position + 8]) != length_crc:
            if index == first:
                raise _no_tfrecord(path, data)
            raise _corrupt(path, where(start + position), index, "length")
        if len(data) - position < length + _FRAME and not fill(length + _FRAME):
            raise _truncated(path, where(start), index)
        end = position + HEADER.size + length
        payload = data[position + HEADER.size : end]
        if masked_crc(payload) != crc(data, end)[0]:
            raise _corrupt(path, where(start + position), index, "payload")
        if holds_lists is None:
            holds_lists = is_example_list(payload)
        yield stored_record(payload, items_key) if holds_lists else payload
        position = end + _CRC.size
        index += 1


def check_last_length(path: str | os.PathLike[str]) -> None:
    """Rejects a file whose last record claims to be longer than the file, with the right checksum of that length.

    TensorFlow's reader reserves the length, and ends the process without enough memory; other damage it reports.

    Raises:
        DataError: There is such a record.
    """
    path = path_of(path)
    compression = compression_of(path)
    header, missing, start, index, end = b"", 0, 0, -1, 0
    for block in unpacked_blocks(path, compression):
        at = 0
        while at < len(block):
            if missing:
                at, missing = at + missing, max(0, at + missing - len(block))
                continue
            if len(header) == HEADER.size:
                header = b""
            before = len(header)
            header += block[at : at + HEADER.size - before]
            at += len(header) - before
            if len(header) == HEADER.size:
                missing, start, index = HEADER.unpack(header)[0] + _CRC.size, end + at - HEADER.size, index + 1
        end += len(block)
    if missing and masked_crc(header[:8]) == HEADER.unpack(header)[1]:
        raise _truncated(path, f"{start} of the uncompressed data" if compression else str(start), index)


def record_ranges(path: str | os.PathLike[str], most: int) -> list[tuple[int, int, int | None]]:
    """Splits an uncompressed file into parts of at most `most` records; a compressed file is one part.

    It reads only the lengths of the records, so it is fast; corruption is reported when a part is read.

    Returns:
        For each part, the byte and index of its first record, and its number of records (None: up to the end).
    """
    if compression_of(path):
        return [(0, 0, None)]
    position, index, parts = 0, 0, []
    with opened(path_of(path)) as file:
        file.seek(0, os.SEEK_END)
        size = file.tell()
        while position < size:
            if index % most == 0:
                parts.append((position, index))
            file.seek(position)
            header = file.read(HEADER.size)
            if len(header) < HEADER.size:
                break
            position += _FRAME + HEADER.unpack(header)[0]
            index += 1
    ends = [first for _, first in parts[1:]]
    return [(at, first, end and end - first) for (at, first), end in zip_longest(parts, ends)]


def framed(record: bytes) -> bytes:
    """A record with its framing in a TFRecord file.

    >>> len(framed(b"abc"))
    19
    """
    length = struct.pack("<Q", len(record))
    return b"".join([length, _CRC.pack(masked_crc(length)), record, _CRC.pack(masked_crc(record))])


def _looks_like(data: bytes) -> str:
    for signature, name in _SIGNATURES.items():
        if data.startswith(signature):
            return f"data that looks like {name}"
    text = data[:40].decode("utf-8", errors="ignore")
    if text and text.replace("\n", "").replace("\t", "").replace("\r", "").isprintable():
        return f"text: {text!r}"
    return f"bytes that start with {data[:8].hex(' ')}"


def _no_tfrecord(path: AnyPath, data: bytes) -> DataError:
    return DataError(
        f"{path} is not a TFRecord file.",
        expected="a TFRecord file, uncompressed or gzip, with a length and its checksum at byte 0",
        received=_looks_like(data),
        fix="Write the records with tf.io.TFRecordWriter, or change `splits` in the spec to exclude this file.",
    )


def _truncated(path: AnyPath, where: str, index: int) -> DataError:
    return DataError(
        f"{path} is truncated.",
        expected="complete records up to the end of the file",
        received=f"record {index}, at byte {where}, is incomplete; the {index} records before it are complete",
        fix="Copy or write the file again.",
    )


def _corrupt(path: AnyPath, where: str, index: int, part: str) -> DataError:
    return DataError(
        f"{path} is corrupt.",
        expected="a matching checksum",
        received=f"the checksum of the {part} of record {index}, at byte {where}, does not match",
        fix="Copy or write the file again.",
    )
