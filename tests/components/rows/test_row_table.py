"""Raw rows to the table that records are made of."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from tests.rows import frame_of, spec_of
from tfx_sequences.components.rows.row_plan import RowPlan
from tfx_sequences.components.rows.row_table import RowTables
from tfx_sequences.errors import DataError


def converted(frame, spec=None):
    raw = pa.Table.from_pandas(frame)
    tables = RowTables(RowPlan.of(spec or spec_of()))
    return tables, *tables.converted(raw, np.arange(raw.num_rows))


def test_the_first_reason_counts():
    frame = frame_of(4).astype(object)
    frame.loc[1, ["user", "age"]] = None, "old"
    frame.loc[2, ["ts", "age"]] = "soon", "old"
    frame = frame.astype({"ts": str, "age": str})
    _, table, why, reasons = converted(frame)
    assert [reasons[n] if n >= 0 else "" for n in why] == ["", "no value in 'user'", "no time in 'ts'", ""]
    assert table.num_rows == 2 and table.column("row").to_pylist() == [0, 3]


def test_an_empty_text_is_not_a_group():
    frame = frame_of(3)
    frame.loc[0, "user"] = ""
    _, table, _, reasons = converted(frame)
    assert (table.num_rows, reasons) == (2, ["no value in 'user'"])


@pytest.mark.parametrize("key", ["user", "ts"])
def test_rows_without_a_column_that_they_must_have(key):
    _, table, _, reasons = converted(frame_of(3).drop(columns=key))
    assert (table.num_rows, reasons) == (0, [f"no column '{key}'"])


def test_other_columns_may_be_missing_in_some_batches_but_not_in_all():
    frame = frame_of(3)
    tables, table, _, _ = converted(frame.drop(columns="page"))
    assert table.column("value.sequence.page").null_count == 3
    with pytest.raises(DataError, match="No row has the column 'page'"):
        tables.check_found()
    tables.converted(pa.Table.from_pandas(frame), np.arange(3))
    tables.check_found()


def test_the_first_batch_decides_what_times_are():
    tables, table, _, _ = converted(frame_of(3).assign(ts=["2024-01-01", "2024-01-02", "7"]))
    assert tables.kind == "time" and table.num_rows == 2
    declared = spec_of("{group_by: [user], order_by: ts, columns: {ts: int64}}")
    tables, table, _, _ = converted(frame_of(3).assign(ts=["2024-01-01", "2024-01-02", "7"]), declared)
    assert tables.kind == "int64" and table.num_rows == 1


def test_each_step_of_an_example_needs_its_terms():
    frame = frame_of(3)
    frame.loc[0, "page"] = None
    _, table, _, reasons = converted(frame, spec_of().model_copy(update={"record": "Example"}))
    assert (table.num_rows, reasons) == (2, ["no value of 'page', which each step of a tf.Example needs"])
