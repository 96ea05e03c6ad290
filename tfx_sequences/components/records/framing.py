"""The framing of TFRecord files: payloads out, and errors that say where a file is broken.

A TFRecord file is a row of `length (8 bytes), checksum (4), payload, checksum (4)`, plain or within gzip. Which of
both is told by the name's `.gz` alone, as in Beam. No TensorFlow.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any, BinaryIO

import google_crc32c

from tfx_sequences.errors import DataError

_OTHER_COMPRESSION = (".bz2", ".deflate", ".lzma", ".xz", ".zst", ".zstd")
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

_BLOCK = 1 << 20
_GZIP_BLOCK = 1 << 16
_HEADER = struct.Struct("<QI")
_CRC = struct.Struct("<I")
_FRAME = _HEADER.size + _CRC.size


def check_framing(path: str | os.PathLike[str]) -> int:
    """Walks through one TFRecord file, plain or gzip, and counts its records.

    Every checksum is compared; memory is bounded by the largest record and a few MB.

    Args:
        path: The file; gzip if its name ends in `.gz`.

    Returns:
        Number of records; 0 for an empty file.

    Raises:
        DataError: The file is no TFRecord, is cut off or corrupt (with the byte
            offset and the record's index), or its compression contradicts its name.
    """
    return sum(1 for _ in read_records(path))


def read_records(path: str | os.PathLike[str], offset: int = 0, first: int = 0) -> Iterator[bytes]:
    """The payloads of one TFRecord file, in order; checked and with errors as in `check_framing`.

    Args:
        path: The file.
        offset: Of a plain file, the byte where a record begins; what stands before it is not read.
        first: The index of that record.
    """
    path = Path(path)
    blocks = _blocks(path, offset)
    # `start` is the offset of data[0] in the (unpacked) file
    data, position, start, index = b"", 0, offset, first

    def fill(size: int) -> bool:
        """Drops what is read and reads on until `size` bytes are at hand."""
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

    crc32c, header, crc = google_crc32c.value, _HEADER.unpack_from, _CRC.unpack_from
    while True:
        if len(data) - position < _HEADER.size and not fill(_HEADER.size):
            if not data:
                return
            raise _truncated(path, start, index) if index > first else _no_tfrecord(path, data)
        length, length_crc = header(data, position)
        if _masked(crc32c(data[position : position + 8])) != length_crc:
            if index == first:
                raise _no_tfrecord(path, data)
            raise _corrupt(path, start + position, index, "length")
        if len(data) - position < length + _FRAME and not fill(length + _FRAME):
            raise _truncated(path, start, index)
        end = position + _HEADER.size + length
        payload = data[position + _HEADER.size : end]
        if _masked(crc32c(payload)) != crc(data, end)[0]:
            raise _corrupt(path, start + position, index, "payload")
        yield payload
        position = end + _CRC.size
        index += 1


def record_ranges(path: str | os.PathLike[str], most: int) -> list[tuple[int, int, int | None]]:
    """Where a plain file can be read in parts of at most `most` records; a gzip file is one part.

    Only the lengths of the records are read, so this is quick; what is broken, the reading of a part tells.

    Returns:
        By part the byte and the index of its first record, and its number of records (None: to the end).
    """
    if Path(path).name.lower().endswith(".gz"):
        return [(0, 0, None)]
    size, position, index, parts = os.path.getsize(path), 0, 0, []
    with open(path, "rb") as file:
        while position < size:
            if index % most == 0:
                parts.append((position, index))
            file.seek(position)
            header = file.read(_HEADER.size)
            if len(header) < _HEADER.size:
                break
            position += _FRAME + _HEADER.unpack(header)[0]
            index += 1
    ends = [first for _, first in parts[1:]]
    return [(at, first, end and end - first) for (at, first), end in zip_longest(parts, ends)]


def framed(record: bytes) -> bytes:
    """A record as it stands in a TFRecord file.

    >>> len(framed(b"abc"))
    19
    """
    length = struct.pack("<Q", len(record))
    crc = google_crc32c.value
    return b"".join([length, _CRC.pack(_masked(crc(length))), record, _CRC.pack(_masked(crc(record)))])


def _masked(crc: int) -> int:
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def _blocks(path: Path, offset: int) -> Iterator[bytes]:
    """The file's bytes, unpacked if its name says gzip; of a plain one from `offset` on."""
    if path.name.lower().endswith(_OTHER_COMPRESSION):
        raise DataError(
            f"{path} is compressed in a way that cannot be read.",
            expected="plain TFRecord, or gzip with a name that ends in .gz",
            received=f"a name that ends in {path.suffix}",
            fix="Unpack it, or pack it with gzip.",
        )
    try:
        with open(path, "rb") as file:
            if path.name.lower().endswith(".gz"):
                yield from _unpacked(file, path)
            else:
                file.seek(offset)
                while block := file.read(_BLOCK):
                    yield block
    except OSError as error:
        raise DataError(
            f"{path} cannot be read: {error.strerror or error}",
            expected="a TFRecord file",
            fix="Check the file and its permissions.",
        ) from error


def _unpacked(file: BinaryIO, path: Path) -> Iterator[bytes]:
    member: Any = None  # a gzip file may hold several members, one after another
    first = True
    while packed := file.read(_GZIP_BLOCK):
        if first and not packed.startswith(b"\x1f\x8b"):
            raise _no_gzip(path, packed)
        first = False
        while packed:
            if member is None:
                packed = packed.lstrip(b"\0")  # padding that gzip allows between members
                if not packed:
                    break
                member = zlib.decompressobj(zlib.MAX_WBITS | 16)
            try:
                block = member.decompress(packed)
            except zlib.error as error:
                raise DataError(
                    f"{path} is corrupt.",
                    expected="intact gzip data",
                    received=f"'{error}' before byte {file.tell()} of the packed file",
                    fix="Copy or write the file again.",
                ) from error
            packed = member.unused_data
            if member.eof:
                member = None
            if block:
                yield block
    if member is not None:
        raise DataError(
            f"{path} is cut off.",
            expected="a whole gzip stream",
            received=f"its end is missing after byte {file.tell()} of the packed file",
            fix="Copy or write the file again.",
        )


def _is_header(data: bytes) -> bool:
    return len(data) >= _HEADER.size and _masked(google_crc32c.value(data[:8])) == _HEADER.unpack_from(data)[1]


def _looks_like(data: bytes) -> str:
    for signature, name in _SIGNATURES.items():
        if data.startswith(signature):
            return f"what looks like {name}"
    text = data[:40].decode("utf-8", errors="ignore")
    if text and text.replace("\n", "").replace("\t", "").replace("\r", "").isprintable():
        return f"text: {text!r}"
    return f"bytes that begin with {data[:8].hex(' ')}"


def _no_gzip(path: Path, data: bytes) -> DataError:
    plain = _is_header(data)
    return DataError(
        f"{path} is named .gz but is not gzip.",
        expected="gzip data, as the name says",
        received="a plain TFRecord" if plain else _looks_like(data),
        fix=f"Rename it to {path.name[:-3]}, or pack it with gzip." if plain else "Write the file again.",
    )


def _no_tfrecord(path: Path, data: bytes) -> DataError:
    if data.startswith(b"\x1f\x8b") and not path.name.lower().endswith(".gz"):
        return DataError(
            f"{path} is gzip but its name does not say so.",
            expected="a name that ends in .gz, by which readers know",
            received=path.name,
            fix=f"Rename it to {path.name}.gz.",
        )
    return DataError(
        f"{path} is not a TFRecord file.",
        expected="TFRecord, plain or gzip: a length and its checksum at byte 0",
        received=_looks_like(data),
        fix="Write the records with tf.io.TFRecordWriter, or let `splits` in the spec leave this file out.",
    )


def _truncated(path: Path, offset: int, index: int) -> DataError:
    return DataError(
        f"{path} is cut off.",
        expected="whole records to the end of the file",
        received=f"record {index}, at byte {_of(path, offset)}, is incomplete; {index} records before it are whole",
        fix="Copy or write the file again.",
    )


def _corrupt(path: Path, offset: int, index: int, part: str) -> DataError:
    return DataError(
        f"{path} is corrupt.",
        expected="a checksum that fits",
        received=f"the checksum of the {part} of record {index}, at byte {_of(path, offset)}, does not fit",
        fix="Copy or write the file again.",
    )


def _of(path: Path, offset: int) -> str:
    return f"{offset} of the unpacked file" if path.name.lower().endswith(".gz") else f"{offset}"
