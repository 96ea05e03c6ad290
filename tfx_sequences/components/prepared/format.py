"""The files of a prepared store, and the check that a store is up to date.

    header.json           spec and transform it was made from, columns, parts
    lengths.npy           [N] int32, steps of each record, part after part
    part-00000-of-00007   the columns of some thousand records, one after another:
                          little-endian values; strings as int32 sizes, then bytes

A part is a sequence of columns, not of records: reading it needs no parsing, and any of
its rows can form a batch.
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import pydantic

from tfx_sequences.errors import DataError, UserInputError
from tfx_sequences.schemas.columns.base import AsTuple, Declared, Sizes

HEADER, LENGTHS = "header.json", "lengths.npy"
FORMAT_VERSION = 1


class StoredColumn(Declared):
    """One transformed feature."""

    name: str
    """The feature's transformed name."""
    kind: Literal["context", "sequence"]
    """One value per record, or one per step."""
    dtype: str
    """Type of the feature: `int64`, `float32` or `string`; or the type of the numbers that its bytes hold."""
    stored: str
    """Type of the values in the parts: the smallest integer type that holds them all, a float type, or `string`."""
    shape: Sizes = ()
    """Shape of one value."""

    @property
    def value_bytes(self) -> int:
        """Number of bytes of one value; not for strings."""
        return np.dtype(self.stored).itemsize * math.prod(self.shape)


class StoredPart(Declared):
    """One file of the store."""

    name: str
    records: int
    steps: int
    sizes: Annotated[tuple[int, ...], AsTuple]
    """Number of bytes of each column, in the header's order."""
    crc32c: int
    """Checksum of the whole file."""


class StoreHeader(Declared):
    """The contents of `header.json`."""

    format_version: int = FORMAT_VERSION
    spec_fingerprint: str
    """Fingerprint of the spec's sections that determine the transformed records."""
    transform_digest: str
    """Digest of the transform graph, see `folder_digest`."""
    seed: int
    """Seed of the random assignment of records to parts."""
    columns: Annotated[tuple[StoredColumn, ...], AsTuple]
    parts: Annotated[tuple[StoredPart, ...], AsTuple]
    lengths_crc32c: int

    @property
    def records(self) -> int:
        """Number of records."""
        return sum(part.records for part in self.parts)


@dataclasses.dataclass(frozen=True)
class StoreIdentity:
    """What a store must have been made from: the fingerprint of the spec and the digest of the transform graph."""

    spec_fingerprint: str
    transform_digest: str


def folder_digest(folder: str | Path) -> str:
    """A hash of the names and contents of all files below `folder`, such as a transform graph's."""
    digest = hashlib.sha256()
    root = Path(folder)
    for file in sorted(f for f in root.rglob("*") if f.is_file()):
        digest.update(file.relative_to(root).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def read_header(folder: Path, identity: StoreIdentity) -> StoreHeader:
    """The header, if the store is the one that `identity` describes.

    Raises:
        DataError: There is no complete store, or it cannot be read.
        UserInputError: The store is stale: it was made from another spec or transform graph.
    """
    path = folder / HEADER
    if not path.is_file():
        raise DataError(
            f"{folder} is not a prepared store.",
            expected=f"a folder with {HEADER}",
            received="no such folder" if not folder.exists() else "a folder without this file",
            fix="Write the store first, with write_prepared_store.",
        )
    try:
        header = StoreHeader.model_validate_json(path.read_bytes())
    except pydantic.ValidationError as error:
        raise DataError(
            f"{path} cannot be read.",
            expected=f"the header of a prepared store, format version {FORMAT_VERSION}",
            received=str(error.errors(include_url=False)[0]["msg"]),
            fix="Write the store again.",
        ) from None
    if header.format_version != FORMAT_VERSION:
        raise DataError(
            f"{folder} has another format.",
            expected=f"format version {FORMAT_VERSION}",
            received=str(header.format_version),
            fix="Write the store again with this version of the package.",
        )
    for what, wanted, found in (
        ("features, label, weight or id of the spec", identity.spec_fingerprint, header.spec_fingerprint),
        ("transform graph", identity.transform_digest, header.transform_digest),
    ):
        if wanted != found:
            raise UserInputError(
                f"The prepared store {folder} is stale: it was made from another {what}.",
                expected=wanted,
                received=found,
                fix="Write the store again from the records that the current Transform wrote.",
            )
    return header


def damaged(file: Path, received: str) -> DataError:
    """The error for a file of the store that has changed since it was written."""
    return DataError(
        f"{file} is damaged.",
        expected="the file as it was written",
        received=received,
        fix="Remove the store and write it again.",
    )
