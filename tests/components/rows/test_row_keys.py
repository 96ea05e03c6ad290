"""Keys of rows in plain values."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pytest

from tests.rows import frame_of, spec_of
from tfx_sequences.components.rows.frames import batches_from_rows
from tfx_sequences.components.rows.row_counts import RowCounts
from tfx_sequences.components.rows.row_keys import RowKeys, time_text
from tfx_sequences.components.rows.row_plan import RowPlan
from tfx_sequences.components.rows.row_table import RowTables


def keyed(frame, rows):
    tables = RowTables(RowPlan.of(spec_of(rows)))
    [batch] = batches_from_rows(frame, tables, RowCounts())
    return batch, RowKeys(tables)


def test_groups_and_times_are_those_of_the_rows():
    frame = frame_of(60, users=4).assign(ts=lambda its: pd.to_datetime(its.ts, unit="s"))
    batch, keys = keyed(frame, "{group_by: [user, age], order_by: ts}")
    starts = np.cumsum(batch.lengths) - batch.lengths
    expected = frame.iloc[batch.rows]
    groups = [{"user": row.user, "age": row.age} for row in expected.iloc[starts].itertuples()]
    assert keys.groups(batch) == groups
    assert keys.times(batch) == [time.isoformat() + "Z" for time in expected.ts]


def test_without_a_time_rows_have_their_number():
    batch, keys = keyed(frame_of(20), "{group_by: [user]}")
    assert keys.times(batch) == batch.rows.tolist()


@pytest.mark.parametrize("microseconds", [0, 1, 1000, 1_000_000, -1, 1_714_558_920_123_456])
def test_times_have_the_digits_that_they_need(microseconds):
    text = time_text(microseconds * 1000)
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    found = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    assert found == epoch + datetime.timedelta(microseconds=microseconds)
    assert time_text(1).endswith("00.000000001Z")
