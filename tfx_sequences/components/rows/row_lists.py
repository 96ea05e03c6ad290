"""Rows that have a list with a value for each step, such as whole records of Parquet, as a row for each step."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tfx_sequences.components.rows.row_files import RawRows


def one_row_per_step(raw: RawRows, lists: Sequence[str]) -> RawRows:
    """The rows with a row for each element of the lists; other columns have the same value in each of these.

    A missing list is missing in each step. Rows cannot be used if their lists differ in length, or have no elements.

    Args:
        raw: Rows `[N]`.
        lists: The columns with lists.

    >>> rows = RawRows(pa.table({"user": ["a", "b"], "page": [[1, 2], [3]]}), np.arange(2))
    >>> one_row_per_step(rows, ["page"]).table.to_pydict()
    {'user': ['a', 'a', 'b'], 'page': [1, 2, 3]}
    """
    columns = {name: raw.table.column(name).combine_chunks() for name in lists if name in raw.table.column_names}
    columns = {name: column for name, column in columns.items() if not pa.types.is_null(column.type)}
    if not columns:
        return raw
    count = raw.table.num_rows
    lengths, why = np.full(count, -1), np.full(count, "", object)
    for name, column in columns.items():
        there = np.asarray(column.is_valid().to_numpy(zero_copy_only=False), bool)
        if not _is_list(column.type):
            why[there & (why == "")] = f"a value of '{name}' that is not a list"
            continue
        its = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False).astype(np.int64)
        why[there & (lengths >= 0) & (its != lengths) & (why == "")] = "lists of different lengths"
        lengths = np.where(there & (lengths < 0), its, lengths)
    why[(lengths <= 0) & (why == "")] = "no steps: all lists are empty"
    good = why == ""
    broken = [(int(raw.places[row]), str(why[row]), "") for row in np.flatnonzero(~good).tolist()]
    table, lengths = raw.table.filter(pa.array(good)), lengths[good]
    rows = np.repeat(np.arange(len(lengths)), lengths)
    step = np.arange(len(rows)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    made = {}
    for name in table.column_names:
        column = table.column(name).combine_chunks()
        if name in columns and _is_list(column.type):
            own = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False).astype(np.int64)
            first = np.cumsum(own) - own
            made[name] = column.flatten().take(pa.array(first[rows] + step, mask=own[rows] == 0))
        else:
            made[name] = column.take(pa.array(rows))
    return RawRows(pa.table(made), raw.places[good][rows], [*raw.broken, *broken])


def _is_list(kind: pa.DataType) -> bool:
    return any(test(kind) for test in (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list))
