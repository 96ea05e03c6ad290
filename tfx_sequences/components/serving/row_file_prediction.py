"""Predictions for files of rows, in bounded memory, and for the rows of a request."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from tfx_sequences.components.records.places import short_place
from tfx_sequences.components.rows.row_counts import RowCounts
from tfx_sequences.components.rows.row_files import RowFile, find_row_files
from tfx_sequences.components.rows.row_keys import RowKeys
from tfx_sequences.components.rows.row_plan import RowPlan
from tfx_sequences.components.rows.row_reading import sources_of, usable_rows
from tfx_sequences.components.rows.row_records import RecordBatch, records_of
from tfx_sequences.components.rows.row_splits import RowSplits
from tfx_sequences.components.rows.row_store import BUDGET, RowStore
from tfx_sequences.components.rows.row_table import FILE_BITS, RowTables
from tfx_sequences.components.serving.loaded_model import LoadedModel
from tfx_sequences.components.serving.predictor import Failure
from tfx_sequences.components.serving.row_answers import answered
from tfx_sequences.components.serving.row_prediction import Answered
from tfx_sequences.components.serving.window_joining import Join
from tfx_sequences.temporary_names import temporary_folder


def predict_row_files(
    model: LoadedModel,
    data: str | os.PathLike[str],
    folder: Path | None = None,
    *,
    on_failure: Callable[[Failure], None] | None = None,
    join: Join | None = None,
    counts: RowCounts | None = None,
    budget: int = BUDGET,
) -> Iterator[Answered]:
    """Predicts the records of files of rows, with the keys of their rows. Labels and ids are not read.

    Records are ordered by group and time, as far as the rows fit into the budget; otherwise by the hash of the group.

    Args:
        model: A model of a spec with `rows`.
        data: A folder or file of rows.
        folder: Where to make temporary files.
        on_failure: Called for each record that cannot be predicted and is skipped; None raises at the first.
        join: How answers for the windows of a session become one; None: each window has its own.
        counts: Gets what became of the rows.
        budget: Number of bytes of rows that may stay in memory.

    Raises:
        SpecError: The spec does not have `rows`.
        DataError: A file or too many rows cannot be used, or a record cannot be predicted.
        UserInputError: The answers cannot be joined in this way.
    """
    plan = RowPlan.of(model.spec, with_label=False)
    tables = RowTables(plan)
    files = find_row_files(data, plan.spec.splits, plan.rows.format, plan.rows.delimiter)
    batches = _batches(files, tables, counts or RowCounts(), folder, budget)
    return answered(model, batches, RowKeys(tables, lambda number: _place(files, number)), on_failure, join)


def _place(files: list[RowFile], number: int) -> str:
    return short_place(str(files[number >> FILE_BITS].path), number & ((1 << FILE_BITS) - 1))


def _batches(
    files: list[RowFile], tables: RowTables, counts: RowCounts, folder: Path | None, budget: int
) -> Iterator[RecordBatch]:
    with temporary_folder("rows", folder) as place:
        store = RowStore(Path(place), budget)
        for _, table in usable_rows(sources_of(files, tables.plan.columns), tables, counts):
            store.add(table)
        for group in store.tables():
            yield from records_of(group, tables, RowSplits.whole(tables.plan, "train"), counts)
        counts.check_sum()


def line_count(counts: RowCounts) -> str:
    """What became of rows that have no predictions, as text; empty if all have one.

    >>> from collections import Counter
    >>> line_count(RowCounts(read=5, in_records=3, rejected=Counter({"no value in 'user'": 2})))
    "2 of 5 rows are not in records: no value in 'user' (2)"
    """
    left = counts.rejected + counts.cut
    if not left:
        return ""
    reasons = ", ".join(f"{reason} ({number:,})" for reason, number in left.most_common())
    return f"{left.total():,} of {counts.read:,} rows are not in records: {reasons}"
