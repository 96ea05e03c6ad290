"""Files of rows, or rows in memory, to folders of records: read, check, divide, sort, cut, write."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from tfx_sequences.components.records.hold_back import empty_split
from tfx_sequences.components.rows.csv_rows import line_of, read_csv
from tfx_sequences.components.rows.frames import Frames, frames_of
from tfx_sequences.components.rows.json_rows import read_json_lines
from tfx_sequences.components.rows.parquet_rows import read_parquet
from tfx_sequences.components.rows.record_writer import RecordWriter, file_name
from tfx_sequences.components.rows.row_counts import NAMED, RejectedRow, RowCounts
from tfx_sequences.components.rows.row_files import RawRows, RowFile, find_row_files
from tfx_sequences.components.rows.row_plan import RowPlan
from tfx_sequences.components.rows.row_records import records_of
from tfx_sequences.components.rows.row_splits import RowSplits
from tfx_sequences.components.rows.row_store import BUDGET, RowStore
from tfx_sequences.components.rows.row_table import FILE_BITS, RowTables
from tfx_sequences.errors import UserInputError
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec
from tfx_sequences.whole_files import folder_written_whole

Source = tuple[str, RowFile | None, Iterator[RawRows]]


def ingest(
    spec: SequenceSpec,
    data: str | os.PathLike[str],
    output: Path,
    *,
    shards: int = 1,
    rejected: Path | None = None,
    budget: int = BUDGET,
) -> RowCounts:
    """Reads files of rows and writes records, by split.

    Memory is bounded by the budget, and by the largest group. While it works, `output`'s folder holds about as many
    bytes as the rows have in memory.

    Args:
        spec: A spec with `rows`.
        data: A folder or file of rows, on any file system that TensorFlow supports.
        output: A folder that does not exist, or is empty. It appears when all records are written.
        shards: Number of files of each split.
        rejected: A folder for the rows that cannot be used; it gets `rejected.jsonl`, also if they are too many.
        budget: Number of bytes of rows that may stay in memory.

    Returns:
        What became of the rows.

    Raises:
        DataError: More rows than `rows.max_rejected` cannot be used, a file cannot be read, a column is missing, or a
            split would be empty. Nothing is written to `output`.
        SpecError: The spec does not have `rows`.
    """
    plan = RowPlan.of(spec)
    files = find_row_files(data, spec.splits, plan.rows.format, plan.rows.delimiter)
    sources = ((file.split, file, read_rows(file, plan.columns)) for file in files)
    with_files = {file.split for file in files}
    return _ingested(plan, sources, with_files, output, shards, rejected, budget)


def write_records(rows: Frames, spec: SequenceSpec, folder: str | os.PathLike[str], *, shards: int = 1) -> RowCounts:
    """Writes the records of rows in memory to a folder, divided into splits.

    Args:
        rows: See `records_from_rows`. An iterable of frames is read frame by frame, in bounded memory.
        spec: A spec with `rows`.
        folder: A folder that does not exist, or is empty.
        shards: Number of files of each split.

    Returns:
        What became of the rows.

    Raises:
        DataError: More rows than `rows.max_rejected` cannot be used, a column is missing, or a split would be empty.
        SpecError: The spec does not have `rows`.
    """

    def batches() -> Iterator[RawRows]:
        at = 0
        for table in frames_of(rows):
            yield RawRows(table, np.arange(at, at + table.num_rows, dtype=np.int64))
            at += table.num_rows

    return _ingested(RowPlan.of(spec), [("train", None, batches())], {"train"}, Path(folder), shards)


def read_rows(file: RowFile, columns: Collection[str] | None) -> Iterator[RawRows]:
    """The rows of a file, by its format.

    Args:
        file: The file.
        columns: The columns to read; None: all.

    Raises:
        DataError: The file cannot be read.
    """
    readers: dict[str, Callable[..., Iterator[RawRows]]] = {
        "csv": read_csv,
        "jsonl": read_json_lines,
        "parquet": read_parquet,
    }
    return readers[file.format](file, columns)


def _ingested(
    plan: RowPlan,
    sources: Iterable[Source],
    with_files: set[str],
    output: Path,
    shards: int,
    rejected: Path | None = None,
    budget: int = BUDGET,
) -> RowCounts:
    _check_output(output)
    tables, counts = RowTables(plan), RowCounts()
    divided = RowSplits.of(plan, with_files)
    splits = {name: divided if name == "train" else RowSplits.whole(plan, name) for name in sorted(with_files)}
    for name in {*divided.names, *with_files}:
        file_name(name, plan.spec.splits, 0, shards)
    output.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        spilled = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=".rows-", dir=output.parent)))
        stores = {name: RowStore(spilled, budget // len(splits)) for name in splits}
        log = stack.enter_context(_rejected_file(rejected))
        for number, (split, file, batches) in enumerate(sources):
            name = str(file.path) if file else ""
            for raw in batches:
                stores[split].add(_converted(raw, number, name, file, tables, counts, log))
            counts.files += 1
        if counts.read:
            tables.check_found()
        counts.check_rejected(plan.rows.max_rejected)
        building = stack.enter_context(folder_written_whole(output))
        writer = RecordWriter(building, plan.spec.splits, shards)
        stack.callback(writer.close)
        for split, store in stores.items():
            for table in store.tables():
                for batch in records_of(table, tables, splits[split], counts):
                    writer.write(batch, splits[split].names)
        counts.check_sum()
        for name in dict.fromkeys([*divided.names, *with_files]):
            if not counts.records[name]:
                raise empty_split(name, divided.held_back, {n: counts.records[n] for n in divided.names})
    return counts


def _converted(
    raw: RawRows,
    number: int,
    name: str,
    file: RowFile | None,
    tables: RowTables,
    counts: RowCounts,
    log: TextIO | None,
) -> Any:
    """The usable rows; the others are counted, and written aside."""

    def reject(place: int, reason: str, values: Any) -> None:
        line = None
        if file is not None and len(counts.first) < NAMED:
            line = {"csv": lambda: line_of(file, place), "jsonl": lambda: place + 1}.get(file.format, lambda: None)()
        row = RejectedRow(name, place, reason, line=line)
        counts.reject(row)
        if log is not None:
            stored = {**dataclasses.asdict(row), "values": values}
            log.write(json.dumps(stored, default=_as_json, ensure_ascii=False) + "\n")

    for place, reason, text in raw.broken:
        reject(place, reason, text)
    table, why, reasons = tables.converted(raw.table, (number << FILE_BITS) | raw.places)
    for index in np.flatnonzero(why >= 0).tolist():
        values = raw.table.slice(index, 1).to_pylist() if log is not None else []
        reject(int(raw.places[index]), reasons[why[index]], values[0] if values else None)
    counts.read += len(raw.places) + len(raw.broken)
    return table


def _as_json(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


@contextlib.contextmanager
def _rejected_file(folder: Path | None) -> Iterator[TextIO | None]:
    if folder is None:
        yield None
        return
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "rejected.jsonl").open("w", encoding="utf-8") as file:
        yield file


def _check_output(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserInputError(
            f"The output {folder} is not empty.",
            expected="a folder that does not exist, or is empty",
            received="a folder with files" if folder.is_dir() else "a file",
            fix="Choose another folder, or remove it.",
        )
