"""The files of a prepared store, and what says whether a store is still the right one.

    header.json           spec and transform it was made of, columns, parts
    lengths.npy           [N] int32, steps of each record, part after part
    part-00000-of-00007   the columns of some thousand records, one after another:
                          little-endian values; strings as int32 sizes, then bytes

A part is no sequence of records but of columns: reading it costs no parsing, and
any rows of it make a batch.
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
    """Its transformed name."""
    kind: Literal["context", "sequence"]
    """One value per record, or one per step."""
    dtype: str
    """Of the feature: `int64`, `float32` or `string`; of bytes that are numbers, the type of these."""
    stored: str
    """Of the values in the parts: the smallest integer type that holds them all, or `string`."""
    shape: Sizes = ()
    """Of one value."""

    @property
    def value_bytes(self) -> int:
        """Bytes of one value; not for strings."""
        return np.dtype(self.stored).itemsize * math.prod(self.shape)


class StoredPart(Declared):
    """One file of the store."""

    name: str
    records: int
    steps: int
    sizes: Annotated[tuple[int, ...], AsTuple]
    """Bytes of each column, in the header's order."""
    crc32c: int
    """Of the whole file."""


class StoreHeader(Declared):
    """What `header.json` says."""

    format_version: int = FORMAT_VERSION
    spec_fingerprint: str
    """Of the sections of the spec that decide the transformed records."""
    transform_digest: str
    """Of the transform graph, see `folder_digest`."""
    seed: int
    """Of the order in which the records were dealt to parts."""
    columns: Annotated[tuple[StoredColumn, ...], AsTuple]
    parts: Annotated[tuple[StoredPart, ...], AsTuple]
    lengths_crc32c: int

    @property
    def records(self) -> int:
        """Number of records."""
        return sum(part.records for part in self.parts)


@dataclasses.dataclass(frozen=True)
class StoreIdentity:
    """What a store must have been made of to be read: fingerprint of the spec, digest of the transform graph."""

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
        DataError: There is no whole store, or it cannot be read.
        UserInputError: It is stale: made of another spec or transform graph.
    """
    path = folder / HEADER
    if not path.is_file():
        raise DataError(
            f"{folder} is no prepared store.",
            expected=f"a folder with {HEADER}",
            received="no such folder" if not folder.exists() else "a folder without it",
            fix="Write the store first, with write_prepared_store.",
        )
    try:
        header = StoreHeader.model_validate_json(path.read_bytes())
    except pydantic.ValidationError as error:
        raise DataError(
            f"{path} cannot be read.",
            expected=f"the header of a prepared store, format version {FORMAT_VERSION}",
            received=str(error.errors(include_url=False)[0]["msg"]),
            fix="Write the store anew.",
        ) from None
    if header.format_version != FORMAT_VERSION:
        raise DataError(
            f"{folder} has another format.",
            expected=f"format version {FORMAT_VERSION}",
            received=str(header.format_version),
            fix="Write the store anew with this version of the package.",
        )
    for what, wanted, found in (
        ("features, label, weight or id of the spec", identity.spec_fingerprint, header.spec_fingerprint),
        ("transform graph", identity.transform_digest, header.transform_digest),
    ):
        if wanted != found:
            raise UserInputError(
                f"The prepared store {folder} is stale: it was made with another {what}.",
                expected=wanted,
                received=found,
                fix="Write the store anew from the records that the present Transform has written.",
            )
    return header


def damaged(file: Path, received: str) -> DataError:
    """The error for a file of the store that is not as it was written."""
    return DataError(
        f"{file} is damaged.",
        expected="the file as it was written",
        received=received,
        fix="Remove the store and write it anew.",
    )
