"""Rows on an engine: the records are those that `ingest` writes without Beam, byte for byte."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.components.rows.test_ingestion import records_in
from tests.components.stages.ingested import ingest_rows
from tests.rows import WINDOWS, frame_of, spec_of
from tfx_sequences.components.rows.ingestion import ingest


def assert_records_of_rows(options: Sequence[str], folder: Path, rows: int = 3000) -> None:
    """Runs SequenceRowsGen with these options on a CSV and a Parquet file in `folder`."""
    frame, spec = frame_of(rows, users=100), spec_of(WINDOWS)
    (folder / "rows").mkdir()
    frame[::2].to_csv(folder / "rows" / "a.csv", index=False)
    frame[1::2].to_parquet(folder / "rows" / "b.parquet")
    ingest(spec, folder / "rows", folder / "out")
    found = ingest_rows(folder / "rows", spec, folder / "examples", options)
    assert {name: sorted(its) for name, its in found.items()} == records_in(folder / "out")
