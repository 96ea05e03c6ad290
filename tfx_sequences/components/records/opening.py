"""Opens record files, local or remote; determines their compression from their content.

This is the only module that handles compression. Beam, which reads the files in a pipeline, relies on their names. So
`check_name` rejects a name that contradicts the content, if a pipeline will read the file.
"""

from __future__ import annotations

import contextlib
import os
import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

import google_crc32c

from tfx_sequences.components.records.elwc import is_example_list, stored_record
from tfx_sequences.components.records.paths import AnyPath, as_os_errors, path_of
from tfx_sequences.errors import DataError

if TYPE_CHECKING:
    import tensorflow as tf

Compression = Literal["", "GZIP", "ZLIB"]
"""A compression, by TensorFlow's name."""

# The first bytes of a TFRecord file: a length and its checksum.
HEADER = struct.Struct("<QI")
# Size of the checksum after a record.
_CHECKSUM = 4
_GZIP = b"\x1f\x8b"
_ZLIB = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")
# Beam decompresses files with these names, whatever their content.
_UNPACKED_BY_BEAM = (".bz2", ".deflate", ".xz", ".zst")
_PACKED_BLOCK = 1 << 16
_BLOCK = 1 << 20
# Number of bytes that TensorFlow reads at a time, as in TFRecordDataset.
_BUFFER_BYTES = 256 << 10
# zlib's constant for the largest window, and the flag for gzip.
_WINDOW = {"GZIP": zlib.MAX_WBITS | 16, "ZLIB": zlib.MAX_WBITS}


def is_header(data: bytes) -> bool:
    """Whether bytes start like an uncompressed TFRecord file: with a length and its checksum."""
    return len(data) >= HEADER.size and masked_crc(data[:8]) == HEADER.unpack_from(data)[1]


def masked_crc(data: bytes) -> int:
    """The checksum of TFRecord files."""
    crc = google_crc32c.value(data)
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def compression_of(path: str | os.PathLike[str]) -> Compression:
    """The compression of a record file, determined from its first bytes.

    Raises:
        DataError: The file cannot be read.
    """
    with opened(path_of(path)) as file:
        return compression_of_bytes(file.read(HEADER.size))


def compression_of_bytes(data: bytes) -> Compression:
    """The compression, from a file's first bytes.

    >>> import gzip
    >>> compression_of_bytes(gzip.compress(b"records")), compression_of_bytes(b"")
    ('GZIP', '')
    """
    # The length of an uncompressed record may equal a signature's two bytes; its checksum tells them apart.
    if is_header(data):
        return ""
    if data.startswith(_GZIP):
        return "GZIP"
    return "ZLIB" if data.startswith(_ZLIB) and _begins_zlib(data) else ""


def _begins_zlib(data: bytes) -> bool:
    """Whether the data is zlib: its two-byte signature can also occur in text."""
    try:
        zlib.decompressobj().decompress(data)
    except zlib.error:
        return False
    return True


def is_plain_text(data: bytes) -> bool:
    """Whether the first bytes of a file are text, and not those of a record file, compressed or not.

    >>> is_plain_text(b"id,label"), is_plain_text(b""), is_plain_text(bytes(12))
    (True, False, False)
    """
    if not data or is_header(data) or compression_of_bytes(data):
        return False
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        # The last character may be cut.
        if error.start < len(data) - 3:
            return False
        text = data[: error.start].decode("utf-8")
    return all(character.isprintable() or character in "\t\r\n\f" for character in text)


def check_name(path: str | os.PathLike[str]) -> None:
    """Rejects a file whose name implies another compression than its content.

    Raises:
        DataError: The name and the content disagree.
    """
    path = path_of(path)
    name, packed = path.name.lower(), compression_of(path)
    if name.endswith(_UNPACKED_BY_BEAM):
        raise DataError(
            f"{path} has a suffix that makes Beam decompress it in another way.",
            expected="an uncompressed TFRecord file, or a gzip file with a name that ends in .gz",
            received=f"a name that ends in {path.suffix}",
            fix="Decompress it, or compress it with gzip.",
        )
    if packed == "ZLIB":
        raise DataError(
            f"{path} is compressed with zlib, which Beam does not read.",
            expected="an uncompressed TFRecord file, or a gzip file with a name that ends in .gz",
            received="zlib data",
            fix="Decompress it, or compress it with gzip.",
        )
    if packed and not name.endswith(".gz"):
        raise DataError(
            f"{path} is a gzip file, but its name does not end in .gz.",
            expected="a name that ends in .gz, because Beam relies on it",
            received=path.name,
            fix=f"Rename it to {path.name}.gz.",
        )
    if name.endswith(".gz") and not packed:
        with opened(path) as file:
            data = file.read(HEADER.size)
        if is_header(data):
            raise DataError(
                f"{path} has a name that ends in .gz, but is not a gzip file.",
                expected="gzip data, as the name implies",
                received="an uncompressed TFRecord file",
                fix=f"Rename it to {path.name[:-3]}, or compress it with gzip.",
            )


@contextlib.contextmanager
def opened(path: AnyPath) -> Iterator[Any]:
    """Opens a file for its stored bytes.

    Raises:
        DataError: The file cannot be read.
    """
    try:
        with as_os_errors(path), path.open("rb") as file:
            yield file
    except OSError as error:
        raise DataError(
            f"{path} cannot be read: {error.strerror or error}",
            expected="a TFRecord file",
            fix="Check the file and its permissions.",
        ) from error


def unpacked_blocks(path: AnyPath, compression: Compression, offset: int = 0) -> Iterator[bytes]:
    """The uncompressed bytes of a file.

    Args:
        path: The file.
        compression: The compression, from `compression_of`.
        offset: For an uncompressed file, the byte to start at.

    Raises:
        DataError: The file cannot be read, or its compressed data is corrupt.
    """
    with opened(path) as file:
        if compression:
            yield from _unpacked(file, path, compression)
            return
        file.seek(offset)
        while block := file.read(_BLOCK):
            yield block


def _unpacked(file: Any, path: AnyPath, compression: Compression) -> Iterator[bytes]:
    member: Any = None  # a gzip file may hold several members, one after another
    while packed := file.read(_PACKED_BLOCK):
        while packed:
            if member is None:
                packed = packed.lstrip(b"\0")  # padding that gzip allows between members
                if not packed:
                    break
                member = zlib.decompressobj(_WINDOW[compression])
            try:
                block = member.decompress(packed)
            except zlib.error as error:
                raise DataError(
                    f"{path} is corrupt.",
                    expected=f"intact {compression.lower()} data",
                    received=f"'{error}' before byte {file.tell()} of the compressed file",
                    fix="Copy or write the file again.",
                ) from error
            packed = member.unused_data
            if member.eof:
                member = None
            if block:
                yield block
    if member is not None:
        raise DataError(
            f"{path} is truncated.",
            expected=f"a complete {compression.lower()} stream",
            received=f"its end is missing after byte {file.tell()} of the compressed file",
            fix="Copy or write the file again.",
        )


def record_dataset(path: str | os.PathLike[str], items_key: str = "") -> tf.data.Dataset:
    """A dataset of the records of one file, strings; an ExampleListWithContext comes as a SequenceExample.

    Args:
        path: The file.
        items_key: See `as_sequence_example`.

    Raises:
        DataError: The file cannot be opened; the dataset itself reports corruption.
    """
    import tensorflow as tf

    text = str(path_of(path))
    records = stored_records(text, compression_of(text))
    if not holds_example_lists(text):
        return records

    def convert(record: bytes) -> bytes:
        return stored_record(record, items_key)

    def converted(record: tf.Tensor) -> tf.Tensor:
        return tf.ensure_shape(tf.numpy_function(convert, [record], tf.string), [])

    return records.map(converted)


def holds_example_lists(path: str | os.PathLike[str]) -> bool:
    """Whether the first record of a file that has features is an ExampleListWithContext.

    Raises:
        DataError: The file cannot be read.
    """
    path, data = path_of(path), b""
    for block in unpacked_blocks(path, compression_of(path)):
        data += block
        while len(data) >= HEADER.size:
            if not is_header(data):
                return False
            end = HEADER.size + HEADER.unpack_from(data)[0]
            if len(data) < end + _CHECKSUM:
                break
            found = is_example_list(data[HEADER.size : end])
            if found is not None:
                return found
            data = data[end + _CHECKSUM :]
    return False


def stored_records(path: str | tf.Tensor, compression: Compression) -> tf.data.Dataset:
    """A dataset of the records of one file with a known compression.

    It uses the raw op of `tf.data.TFRecordDataset`, because that class traces a function for each file, which takes
    longer than reading a few thousand records.
    """
    import tensorflow as tf

    records = tf.raw_ops.TFRecordDataset(
        filenames=[path], compression_type=compression, buffer_size=tf.constant(_BUFFER_BYTES, tf.int64)
    )
    return tf.data.experimental.from_variant(records, tf.TensorSpec([], tf.string))


def record_datasets(files: Sequence[str]) -> Iterator[tf.data.Dataset]:
    """The records of many files: one dataset for all files with the same compression, in their order."""
    import tensorflow as tf

    by_compression: dict[Compression, list[str]] = {"GZIP": [], "ZLIB": [], "": []}
    for file in files:
        by_compression[compression_of(file)].append(file)
    for compression, alike in by_compression.items():
        if alike:
            yield tf.data.TFRecordDataset(alike, compression_type=compression)
