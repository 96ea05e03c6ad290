"""Opens record files: local and remote alike, plain or compressed, which their content says.

The only module that knows of compression. Beam, which reads the files of a pipeline, goes by their names; so
`check_name` refuses a name that contradicts the content, where a pipeline will read the file.
"""

from __future__ import annotations

import contextlib
import os
import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

import google_crc32c

from tfx_sequences.components.records.paths import AnyPath, as_os_errors, path_of
from tfx_sequences.errors import DataError

if TYPE_CHECKING:
    import tensorflow as tf

Compression = Literal["", "GZIP", "ZLIB"]
"""As TensorFlow calls it."""

# Length and its checksum: what a TFRecord file begins with.
HEADER = struct.Struct("<QI")
_GZIP = b"\x1f\x8b"
_ZLIB = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")
# Beam unpacks files of these names, whatever is in them.
_UNPACKED_BY_BEAM = (".bz2", ".deflate", ".xz", ".zst")
_PACKED_BLOCK = 1 << 16
_BLOCK = 1 << 20
# What TensorFlow reads of a file at a time; as much as TFRecordDataset does.
_BUFFER_BYTES = 256 << 10
# zlib's own number for the largest window, and what makes it expect gzip.
_WINDOW = {"GZIP": zlib.MAX_WBITS | 16, "ZLIB": zlib.MAX_WBITS}


def is_header(data: bytes) -> bool:
    """Whether bytes begin as a plain TFRecord does: a length, and the checksum of it."""
    return len(data) >= HEADER.size and masked_crc(data[:8]) == HEADER.unpack_from(data)[1]


def masked_crc(data: bytes) -> int:
    """The checksum of TFRecord files."""
    crc = google_crc32c.value(data)
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def compression_of(path: str | os.PathLike[str]) -> Compression:
    """How a record file is compressed, from its first bytes.

    Raises:
        DataError: It cannot be read.
    """
    with opened(path_of(path)) as file:
        return compression_of_bytes(file.read(HEADER.size))


def compression_of_bytes(data: bytes) -> Compression:
    """The same for the first bytes.

    >>> import gzip
    >>> compression_of_bytes(gzip.compress(b"records")), compression_of_bytes(b"")
    ('GZIP', '')
    """
    # The length of a plain record may have the two bytes of a signature; its checksum then says what they are.
    if is_header(data):
        return ""
    if data.startswith(_GZIP):
        return "GZIP"
    return "ZLIB" if data.startswith(_ZLIB) and _begins_zlib(data) else ""


def _begins_zlib(data: bytes) -> bool:
    """The signature of zlib is two bytes that text may have too."""
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
    """Refuses a file whose name says another compression than its content has.

    Raises:
        DataError: What the name says, and what is in the file.
    """
    path = path_of(path)
    name, packed = path.name.lower(), compression_of(path)
    if name.endswith(_UNPACKED_BY_BEAM):
        raise DataError(
            f"{path} has a name by which Beam unpacks it otherwise.",
            expected="plain TFRecord, or gzip with a name that ends in .gz",
            received=f"a name that ends in {path.suffix}",
            fix="Unpack it, or pack it with gzip.",
        )
    if packed == "ZLIB":
        raise DataError(
            f"{path} is compressed with zlib, which Beam does not read.",
            expected="plain TFRecord, or gzip with a name that ends in .gz",
            received="zlib data",
            fix="Unpack it, or pack it with gzip.",
        )
    if packed and not name.endswith(".gz"):
        raise DataError(
            f"{path} is gzip but its name does not say so.",
            expected="a name that ends in .gz, by which Beam knows",
            received=path.name,
            fix=f"Rename it to {path.name}.gz.",
        )
    if name.endswith(".gz") and not packed:
        with opened(path) as file:
            data = file.read(HEADER.size)
        if is_header(data):
            raise DataError(
                f"{path} is named .gz but is not gzip.",
                expected="gzip data, as the name says",
                received="a plain TFRecord",
                fix=f"Rename it to {path.name[:-3]}, or pack it with gzip.",
            )


@contextlib.contextmanager
def opened(path: AnyPath) -> Iterator[Any]:
    """The file's bytes as they are stored.

    Raises:
        DataError: It cannot be read.
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
    """The bytes of a file, unpacked.

    Args:
        path: The file.
        compression: Of `compression_of`.
        offset: Of a plain file, the byte to begin at.

    Raises:
        DataError: The file cannot be read, or its compressed data are broken.
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
            expected=f"a whole {compression.lower()} stream",
            received=f"its end is missing after byte {file.tell()} of the packed file",
            fix="Copy or write the file again.",
        )


def record_dataset(path: str | os.PathLike[str]) -> tf.data.Dataset:
    """The records of one file, strings, as TensorFlow reads them.

    Raises:
        DataError: The file cannot be opened; what is broken in it, the dataset tells.
    """
    text = str(path_of(path))
    return stored_records(text, compression_of(text))


def stored_records(path: str | tf.Tensor, compression: Compression) -> tf.data.Dataset:
    """The records of one file that is compressed in a known way.

    It is what `tf.data.TFRecordDataset` wraps: that traces a function for each file, which takes longer
    than to read some thousand records.
    """
    import tensorflow as tf

    records = tf.raw_ops.TFRecordDataset(
        filenames=[path], compression_type=compression, buffer_size=tf.constant(_BUFFER_BYTES, tf.int64)
    )
    return tf.data.experimental.from_variant(records, tf.TensorSpec([], tf.string))


def record_datasets(files: Sequence[str]) -> Iterator[tf.data.Dataset]:
    """The records of many files, by compression: a dataset for those that are compressed alike, in their order."""
    import tensorflow as tf

    by_compression: dict[Compression, list[str]] = {"GZIP": [], "ZLIB": [], "": []}
    for file in files:
        by_compression[compression_of(file)].append(file)
    for compression, alike in by_compression.items():
        if alike:
            yield tf.data.TFRecordDataset(alike, compression_type=compression)
