"""Parquet files as batches."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.rows import frame_of
from tfx_sequences.components.rows import parquet_rows
from tfx_sequences.components.rows.parquet_rows import read_parquet
from tfx_sequences.components.rows.row_files import RowFile
from tfx_sequences.errors import DataError


def test_batches_have_all_rows_of_the_columns_that_are_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet_rows, "_ROWS_AT_A_TIME", 30)
    frame, path = frame_of(100), tmp_path / "a.parquet"
    frame.to_parquet(path, compression="zstd")
    found = [*read_parquet(RowFile(path, "parquet"), ["user", "ts", "nothing"])]
    assert [n for some in found for n in some.places] == [*range(100)]
    read = pd.concat([some.table.to_pandas() for some in found], ignore_index=True)
    pd.testing.assert_frame_equal(read, frame[["user", "ts"]])


def test_structs_and_lists(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"a": [{"b": 1, "c": [2.0]}], "d": [["x", "y"]]}), path)
    [some] = read_parquet(RowFile(path, "parquet"), ["a.c", "d"])
    assert some.table.to_pydict() == {"a.c": [[2.0]], "d": [["x", "y"]]}


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"PAR1 and no more"])
def test_what_is_not_parquet_is_refused(tmp_path, content):
    path = tmp_path / "a.parquet"
    path.write_bytes(content)
    with pytest.raises(DataError, match="cannot be read"):
        next(read_parquet(RowFile(path, "parquet"), ["a"]))
