"""A run that begins with rows: they become records in the output folder, once."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from tfx_sequences.code_digest import code_digest
from tfx_sequences.components.records.files import list_record_files
from tfx_sequences.components.records.paths import AnyPath, path_of
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec
from tfx_sequences.schemas.spec.spec_io import TRANSFORM_SECTIONS, spec_to_json

if TYPE_CHECKING:
    from tfx_sequences.components.rows.row_counts import RowCounts
    from tfx_sequences.components.rows.row_files import RowFile

_SECTIONS = (*TRANSFORM_SECTIONS, "rows", "splits")
_INGESTION = "tfx_sequences.components.rows.ingestion"


def has_rows(spec: SequenceSpec, data: str | os.PathLike[str]) -> bool:
    """Whether the data are rows: the spec has `rows`, and there are no record files."""
    source = path_of(data).expanduser()
    if spec.rows is None or not source.exists():
        return False
    return "tfrecord" not in source.name.lower() if source.is_file() else not list_record_files(source)


def records_of_rows(spec: SequenceSpec, data: str | os.PathLike[str], folder: Path) -> tuple[AnyPath, RowCounts | None]:
    """The folder of the records that a run reads.

    Rows are read again only if they, what the spec says of records, or our code changed.

    Args:
        spec: The spec.
        data: A folder of records, or a folder or file of rows.
        folder: Where to write records of rows; each set of them gets a folder below it.

    Returns:
        The folder, and what became of the rows; None if nothing was read.

    Raises:
        DataError: The rows cannot be used; nothing is written.
    """
    rows = spec.rows
    if rows is None or not has_rows(spec, data):
        return path_of(data), None
    from tfx_sequences.components.rows.ingestion import ingest
    from tfx_sequences.components.rows.row_files import find_row_files

    files = find_row_files(data, spec.splits, rows.format, rows.delimiter)
    said = json.dumps([spec_to_json(spec, _SECTIONS), [_identity(file) for file in files], code_digest(_INGESTION)])
    target = folder / hashlib.sha256(said.encode()).hexdigest()[:16]
    if target.is_dir():
        return target, None
    return target, ingest(spec, data, target)


def _identity(file: RowFile) -> tuple[str, int, int]:
    """What tells that a file has not changed: its path, size and time."""
    changed = file.path.stat().st_mtime_ns if isinstance(file.path, Path) else 0
    return str(file.path), file.size, changed
