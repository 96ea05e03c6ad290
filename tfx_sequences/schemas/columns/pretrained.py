"""Pretrained vectors: read from a file and ordered by a column's ids."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tfx_sequences.errors import SpecError, shortened
from tfx_sequences.schemas.columns.column import Embedding
from tfx_sequences.schemas.columns.local_files import read_bytes
from tfx_sequences.schemas.columns.vocabularies import read_lines

if TYPE_CHECKING:
    import numpy as np


@dataclasses.dataclass(frozen=True)
class PretrainedVectors:
    """Vectors by id, and the terms without a vector.

    Attributes:
        vectors: float32 `[num_ids, D]`; zero for ids without a vector in the file.
        covered: bool `[num_ids]`, True for ids whose term is in the file.
        not_covered: The terms that are not in the file, in id order.
        table: Name of the embedding table.
    """

    vectors: np.ndarray
    covered: np.ndarray
    not_covered: tuple[str, ...]
    table: str

    def report(self) -> str:
        """One line that describes how much of the vocabulary the file covers."""
        terms = int(self.covered.sum()) + len(self.not_covered)
        line = f"Embedding '{self.table}': pretrained vectors for {int(self.covered.sum())} of {terms} terms"
        return f"{line}; none for {shortened(self.not_covered, 5)}" if self.not_covered else line


def pretrained_vectors(
    embedding: Embedding, terms: Sequence[str] | None, num_ids: int, *, table: str = "embedding"
) -> PretrainedVectors:
    """Reads `embedding.vectors_file` and puts its vectors in the order of the ids.

    Args:
        embedding: Names the file; `dimension` must equal the dimension of its vectors.
        terms: The vocabulary, in id order; None: ids are the rows of a `.npy` file.
        num_ids: Number of ids; those after the terms (OOV buckets) have no vector.
        table: Name of the table in messages.

    Raises:
        SpecError: The file cannot be read, a line is malformed, or its vectors have
            a different dimension.
    """
    import numpy as np

    file = str(embedding.vectors_file)
    if file.endswith(".npy"):
        rows, row_terms = _array(embedding, table)
        if row_terms is None and terms is not None:
            row_terms = list(terms)
        if row_terms is not None and len(row_terms) != len(rows):
            raise SpecError(
                f"The vectors of '{table}' do not match its terms.",
                expected=f"{len(row_terms)} rows, one per term",
                received=f"{len(rows)} rows in {file}",
                fix="Name the terms of the rows with vectors_terms_file.",
            )
    else:
        rows, row_terms = _text(embedding, table, None if terms is None else frozenset(terms))
    _check_dimension(rows, embedding, table)
    vectors = np.zeros((num_ids, rows.shape[1]), np.float32)
    covered = np.zeros(num_ids, bool)
    names = [str(i) for i in range(num_ids)] if terms is None else list(terms)
    row_of = {str(i): i for i in range(len(rows))} if row_terms is None else {t: i for i, t in enumerate(row_terms)}
    missing = []
    for index, name in enumerate(names):
        row = row_of.get(name)
        if row is None:
            missing.append(name)
        else:
            vectors[index], covered[index] = rows[row], True
    if not covered.any():
        raise SpecError(
            f"The vectors file of '{table}' contains none of its {len(names)} terms.",
            expected=f"vectors for terms such as {shortened(names, 3)}",
            received=f"terms such as {shortened(list(row_of), 3)} in {file}",
            fix="Check the file, and the case of its terms.",
        )
    return PretrainedVectors(vectors, covered, tuple(missing), table)


def _array(embedding: Embedding, table: str) -> tuple[Any, list[str] | None]:
    import numpy as np

    file = str(embedding.vectors_file)
    try:
        rows = np.load(io.BytesIO(_read(file, table)), allow_pickle=False)
    except ValueError as error:
        raise _unreadable(file, table, error) from error
    if rows.ndim != 2 or rows.dtype.kind not in "fiu":
        raise SpecError(
            f"The vectors of '{table}' are not a table of numbers.",
            expected="an array [terms, dimension] of numbers",
            received=f"shape {rows.shape} and dtype {rows.dtype} in {file}",
        )
    if not embedding.vectors_terms_file:
        return rows, None
    return rows, read_lines(embedding.vectors_terms_file, "vectors_terms_file", table)


def _text(embedding: Embedding, table: str, wanted: frozenset[str] | None) -> tuple[Any, list[str]]:
    """Vectors of the wanted terms; the file may contain millions of others."""
    import numpy as np

    file = str(embedding.vectors_file)
    terms: list[str] = []
    rows: list[Any] = []
    width: int | None = None
    for number, line in enumerate(io.BytesIO(_read(file, table)), start=1):
        words = line.rstrip(b"\r\n").rstrip(b" ").split(b" ")
        if words == [b""] or (number == 1 and _is_header(words)):
            continue
        # A term may contain spaces (in some published files): numbers are counted from the end.
        width = len(words) - 1 if width is None else width
        if len(words) <= width or width == 0:
            raise _malformed(file, table, number, f"{len(words) - 1} numbers, others have {width}")
        term = b" ".join(words[:-width]).decode("utf-8", errors="replace")
        if wanted is not None and term not in wanted:
            continue
        try:
            rows.append(np.array(words[-width:], np.bytes_).astype(np.float32))
        except ValueError as error:
            raise _malformed(file, table, number, str(error)) from error
        terms.append(term)
    if width is None:
        raise _unreadable(file, table, "it is empty")
    return np.stack(rows) if rows else np.zeros((0, width), np.float32), terms


def _is_header(words: list[bytes]) -> bool:
    return len(words) == 2 and all(word.isdigit() for word in words)


def _check_dimension(rows: Any, embedding: Embedding, table: str) -> None:
    if embedding.dimension is not None and embedding.dimension != rows.shape[1]:
        raise SpecError(
            f"The vectors of '{table}' have a different dimension than the embedding.",
            expected=f"dimension {embedding.dimension}",
            received=f"{rows.shape[1]} numbers per term in {embedding.vectors_file}",
            fix=f"Write 'dimension: {rows.shape[1]}', or use other vectors.",
        )


def _read(file: str, table: str) -> bytes:
    try:
        return read_bytes(file)
    except OSError as error:
        raise _unreadable(file, table, error) from error


def _unreadable(file: str, table: str, why: object) -> SpecError:
    return SpecError(
        f"The vectors of '{table}' cannot be read: {why}",
        expected="text lines 'term x1 x2 ...' or an array in a .npy file",
        received=file,
        fix="Correct vectors_file.",
    )


def _malformed(file: str, table: str, number: int, why: str) -> SpecError:
    return SpecError(
        f"The vectors of '{table}' have a malformed line {number}: {why}",
        expected="a term and its numbers, separated by single spaces",
        received=file,
        fix="Correct the line.",
    )
