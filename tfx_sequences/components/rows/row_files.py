"""Files of rows: which there are, what split and format they have, and how they are opened."""

from __future__ import annotations

import dataclasses
import fnmatch
import io
import os
from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa

from tfx_sequences.components.records.paths import AnyPath, RemotePath, path_of
from tfx_sequences.errors import DataError, shortened
from tfx_sequences.schemas.spec.rows import RowFormat
from tfx_sequences.schemas.spec.splits import USUAL_PATTERNS, Splits

_FORMATS: dict[str, RowFormat] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
}
_PACKED = (".gz", ".bz2", ".zst")
_SIGNATURES = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\x28\xb5\x2f\xfd": "zstd"}


@dataclasses.dataclass(frozen=True)
class RowFile:
    """A file of rows.

    Attributes:
        path: Where it is.
        format: Its format.
        split: The split of its rows; rows of `train` are divided if other splits do not have files.
        delimiter: Between the values of CSV.
    """

    path: AnyPath
    format: RowFormat
    split: str = "train"
    delimiter: str = ","

    @property
    def size(self) -> int:
        """Number of bytes, as it is stored."""
        with self.path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            return int(file.tell())


@dataclasses.dataclass(frozen=True)
class RawRows:
    """Some rows of a file, as they are.

    Attributes:
        table: Rows `[N]`.
        places: int64 `[N]`: the number of each row in the file, from 0 on.
        broken: Rows that do not parse: number, reason and text.
    """

    table: pa.Table
    places: np.ndarray
    broken: list[tuple[int, str, str]] = dataclasses.field(default_factory=list)


def find_row_files(
    data: str | os.PathLike[str], splits: Splits, format: RowFormat | None = None, delimiter: str | None = None
) -> list[RowFile]:
    """The files of rows below a folder, or a single file, sorted by path.

    A file whose name matches `splits.valid` or `splits.test` (or their usual names) has rows of that split, if other
    files are left for `train`.

    Args:
        data: A folder or a file, on this machine or any file system that TensorFlow supports.
        splits: The patterns.
        format: The format of all files; None: known from their names.
        delimiter: Between the values of CSV; None: known from the names.

    Raises:
        DataError: No file can hold rows, or they are not in files.
    """
    if format == "bigquery":
        raise DataError(
            "Rows of BigQuery are not read on this machine.",
            expected="files of rows; with rows.format: bigquery, 'tfx-sequences compile'",
            received=f"rows.format: bigquery, and {data}",
            fix="Compile the pipeline, which reads them with Beam, or export them to Parquet and remove rows.format.",
        )
    source = path_of(data).expanduser()
    paths: Iterable[AnyPath] = [source] if source.is_file() else source.glob("**/*") if source.is_dir() else []
    found = []
    for path in sorted(paths):
        known = format or format_of(path.name)
        hidden = path != source and any(p.startswith((".", "_")) for p in path.relative_to(source).parts)
        if known is not None and not hidden and path.is_file():
            tab = ".tsv" in path.name.lower()
            found.append(RowFile(path, known, _split_of(path.name, splits), delimiter or ("\t" if tab else ",")))
    if not found:
        received = "neither a file nor a folder"
        if source.is_dir():
            names = sorted(path.name for path in source.iterdir())
            received = f"a folder with {shortened(names)}" if names else "an empty folder"
        elif source.is_file():
            received = f"a file called '{source.name}'"
        raise DataError(
            f"No file of rows was found in {data}.",
            expected=f"files whose names end in {', '.join(_FORMATS)}, or any files with rows.format in the spec",
            received=received,
            fix="Check the path, or set rows.format in the spec.",
        )
    if all(file.split != "train" for file in found):
        found = [dataclasses.replace(file, split="train") for file in found]
    return found


def format_of(name: str) -> RowFormat | None:
    """The format by the name of a file; None if it is not known.

    >>> format_of("a.csv.gz"), format_of("b.PQ"), format_of("c.tfrecord.gz")
    ('csv', 'parquet', None)
    """
    stem = name.lower()
    for packed in _PACKED:
        stem = stem.removesuffix(packed)
    return _FORMATS.get(os.path.splitext(stem)[1])


def _split_of(name: str, splits: Splits) -> str:
    for split in ("valid", "test"):
        pattern = getattr(splits, split)
        patterns = USUAL_PATTERNS[split] if pattern == getattr(Splits(), split) else (pattern,)
        if any(fnmatch.fnmatchcase(name, usual) for usual in patterns):
            return split
    return "train"


def opened_rows(path: AnyPath, *, unpacked: bool = True) -> pa.NativeFile:
    """A file for Arrow, decompressed by what its first bytes say.

    Args:
        path: Where it is.
        unpacked: False leaves it as it is stored.
    """
    with path.open("rb") as file:
        start = file.read(4)
    stored = pa.PythonFile(_Readable(path.open("rb")), "r") if isinstance(path, RemotePath) else pa.OSFile(str(path))
    for signature, name in _SIGNATURES.items() if unpacked else ():
        if start.startswith(signature):
            return pa.CompressedInputStream(stored, name)
    return stored


class _Readable(io.RawIOBase):
    """A file of TensorFlow with the methods that Arrow calls."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> bytes:
        return bytes(self._file.read(-1 if size is None else size))

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._file.seek(offset, whence)
        return self.tell()

    def tell(self) -> int:
        return int(self._file.tell())


def unreadable(path: AnyPath, error: Exception) -> DataError:
    """The error for a file that Arrow cannot read at all."""
    return DataError(
        f"{path} cannot be read: {' '.join(str(error).split())[:300]}",
        expected="a complete file of its format",
        fix="Copy or write the file again, or set rows.format in the spec if its name is misleading.",
    )
