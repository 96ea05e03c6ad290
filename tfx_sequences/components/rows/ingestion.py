"""Files of rows, or rows in memory, to folders of records: read, check, divide, sort, cut, write."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from tfx_sequences.components.records.hold_back import empty_split
from tfx_sequences.components.rows.frames import Frames, frames_of
from tfx_sequences.components.rows.record_writer import RecordWriter, file_name
from tfx_sequences.components.rows.row_counts import RowCounts
from tfx_sequences.components.rows.row_files import RawRows, find_row_files
from tfx_sequences.components.rows.row_plan import RowPlan
from tfx_sequences.components.rows.row_reading import Source, rejected_file, sources_of, usable_rows
from tfx_sequences.components.rows.row_records import records_of
from tfx_sequences.components.rows.row_splits import RowSplits
from tfx_sequences.components.rows.row_store import BUDGET, RowStore
from tfx_sequences.components.rows.row_table import RowTables
from tfx_sequences.errors import UserInputError
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec
from tfx_sequences.temporary_names import temporary_folder
from tfx_sequences.whole_files import folder_written_whole, named_in_errors


def ingest(
    spec: SequenceSpec,
    data: str | os.PathLike[str],
    output: Path,
    *,
    shards: int = 1,
    rejected: Path | None = None,
    budget: int = BUDGET,
    progress: Callable[[RowCounts], None] | None = None,
) -> RowCounts:
    """Reads files of rows and writes records, by split.

    Memory is bounded by the budget, and by the longest record. While it works, `output`'s folder holds about as many
    bytes as the rows have in memory.

    Args:
        spec: A spec with `rows`.
        data: A folder or file of rows, on any file system that TensorFlow supports.
        output: A folder that does not exist, or is empty. It appears when all records are written.
        shards: Number of files of each split.
        rejected: A folder for the rows that cannot be used; it gets `rejected.jsonl`, also if they are too many.
        budget: Number of bytes of rows that may stay in memory.
        progress: Called now and then with what became of the rows so far.

    Returns:
        What became of the rows.

    Raises:
        DataError: More rows than `rows.max_rejected` cannot be used, a file cannot be read, a column is missing, or a
            split would be empty. Nothing is written to `output`.
        SpecError: The spec does not have `rows`.
    """
    plan = RowPlan.of(spec)
    files = find_row_files(data, spec.splits, plan.rows.format, plan.rows.delimiter)
    with_files = {file.split for file in files}
    return _ingested(plan, sources_of(files, plan.columns), with_files, output, shards, rejected, budget, progress)


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


def _ingested(
    plan: RowPlan,
    sources: Iterable[Source],
    with_files: set[str],
    output: Path,
    shards: int,
    rejected: Path | None = None,
    budget: int = BUDGET,
    progress: Callable[[RowCounts], None] | None = None,
) -> RowCounts:
    _check_output(output)
    tell = progress or (lambda counts: None)
    tables, counts = RowTables(plan), RowCounts()
    divided = RowSplits.of(plan, with_files)
    splits = {name: divided if name == "train" else RowSplits.whole(plan, name) for name in sorted(with_files)}
    for name in {*divided.names, *with_files}:
        file_name(name, plan.spec.splits, 0, shards)
    output.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        stack.enter_context(named_in_errors(output.parent))
        spilled = stack.enter_context(temporary_folder("rows", output.parent))
        stores = {name: RowStore(spilled, budget // len(splits)) for name in splits}
        log = stack.enter_context(rejected_file(rejected))
        for split, table in usable_rows(sources, tables, counts, log):
            stores[split].add(table)
            tell(counts)
        building = stack.enter_context(folder_written_whole(output))
        writer = RecordWriter(building, plan.spec.splits, shards)
        stack.callback(writer.close)
        for split, store in stores.items():
            for group in store.tables():
                for batch in records_of(group, tables, splits[split], counts):
                    writer.write(batch, splits[split].names)
                    tell(counts)
        counts.check_sum()
        for name in dict.fromkeys([*divided.names, *with_files]):
            if not counts.records[name]:
                raise empty_split(name, divided.held_back, {n: counts.records[n] for n in divided.names})
    return counts


def _check_output(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserInputError(
            f"The output {folder} is not empty.",
            expected="a folder that does not exist, or is empty",
            received="a folder with files" if folder.is_dir() else "a file",
            fix="Choose another folder, or remove it.",
        )
