"""Parquet files as batches."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from tfx_sequences.components.rows.frames import flat
from tfx_sequences.components.rows.row_files import RawRows, RowFile, opened_rows, unreadable

_ROWS_AT_A_TIME = 1 << 16


def read_parquet(file: RowFile, columns: Collection[str] | None) -> Iterator[RawRows]:
    """The rows of a Parquet file, its lists as lists, and members of structs as columns `a.b`.

    Args:
        file: The file.
        columns: The columns to read; those that the file does not have are left out. None: all.

    Raises:
        DataError: It is not a Parquet file, or it is damaged.
    """
    try:
        with opened_rows(file.path, unpacked=False) as source:
            stored = parquet.ParquetFile(source)
            names = stored.schema_arrow.names
            if columns is not None:
                outer = {name.partition(".")[0] for name in columns} | set(columns)
                names = [name for name in names if name in outer]
            at = 0
            for batch in stored.iter_batches(_ROWS_AT_A_TIME, columns=names):
                table = flat(pa.Table.from_batches([batch]))
                places = np.arange(at, at + batch.num_rows, dtype=np.int64)
                at += batch.num_rows
                yield RawRows(
                    table.select([name for name in table.column_names if columns is None or name in columns]), places
                )
    except (OSError, pa.ArrowException) as error:
        raise unreadable(file.path, error) from error
