"""Rows and records are divided by the same rule, and nothing is in two splits."""

from __future__ import annotations

import collections

import pytest
import tensorflow as tf

from tests.rows import frame_of, spec_of
from tfx_sequences.components.records.hold_back import HoldBack
from tfx_sequences.components.rows.frames import frames_of
from tfx_sequences.components.rows.row_counts import RowCounts
from tfx_sequences.components.rows.row_plan import RowPlan
from tfx_sequences.components.rows.row_records import records_of
from tfx_sequences.components.rows.row_splits import RowSplits
from tfx_sequences.components.rows.row_table import RowTables
from tfx_sequences.errors import DataError

BY_TIME = "splits: {time: ts, valid_from: 1700100000, test_from: 1700150000}"


def divided(frame, spec):
    """Parsed records by split."""
    plan = RowPlan.of(spec)
    tables, splits, counts = RowTables(plan), RowSplits.of(plan), RowCounts()
    [raw] = frames_of(frame)
    table, why, _ = tables.converted(raw, frame.index.to_numpy())
    assert (why < 0).all()
    found = collections.defaultdict(list)
    for batch in records_of(table, tables, splits, counts):
        for record, split in zip(batch.records.to_pylist(), batch.splits, strict=True):
            found[splits.names[split]].append(tf.train.SequenceExample.FromString(record))
    assert {name: len(records) for name, records in found.items()} == counts.records
    return found


@pytest.mark.parametrize("key", ["user", "age"])
def test_a_group_is_in_the_split_that_the_ingestion_of_records_takes(key):
    frame = frame_of(600, users=80)
    spec = spec_of("{group_by: [user], order_by: ts, session_gap: 30m}", f"splits: {{group: {key}}}")
    rule = HoldBack.of(spec.splits, ("train",))
    found = divided(frame, spec)
    assert set(found) == {"train", "valid", "test"}
    for name, records in found.items():
        assert {rule.names[rule.index(record)] for record in records} == {name}


def test_without_a_group_of_the_splits_the_rows_of_a_group_stay_together():
    frame = frame_of(600, users=80)
    plain = divided(frame, spec_of("{group_by: [user], order_by: ts, window: {steps: 3, stride: 1}}"))
    users = {name: {r.context.feature["user"].bytes_list.value[0] for r in records} for name, records in plain.items()}
    assert sum(map(len, users.values())) == frame.user.nunique()
    # As if splits.group were the only column of group_by.
    named = divided(frame, spec_of(more="splits: {group: user}"))
    for name, records in named.items():
        assert {r.context.feature["user"].bytes_list.value[0] for r in records} == users[name]


def test_no_step_of_a_test_window_is_in_training():
    frame = frame_of(300, users=4)
    found = divided(frame, spec_of("{group_by: [user], order_by: ts, window: {steps: 5, stride: 1}}", BY_TIME))
    times = {
        name: [step.int64_list.value[0] for r in records for step in r.feature_lists.feature_list["ts"].feature]
        for name, records in found.items()
    }
    assert max(times["train"]) < 1700100000 <= min(times["valid"])
    assert max(times["valid"]) < 1700150000 <= min(times["test"])
    assert {*times["train"], *times["valid"], *times["test"]} == set(frame.ts)


def test_times_as_text_are_compared_as_times():
    import pandas as pd

    frame = frame_of(300, users=4)
    dated = frame.assign(ts=pd.to_datetime(frame.ts, unit="s").dt.strftime("%Y-%m-%dT%H:%M:%SZ"))
    text = "splits: {time: ts, valid_from: '2023-11-16T02:00:00Z', test_from: '2023-11-16T15:53:20'}"
    cut = spec_of(more=BY_TIME), spec_of(more=text)
    assert divided(frame, cut[0]) == divided(dated, cut[1])


def test_times_of_another_kind_are_an_error():
    with pytest.raises(DataError, match="cannot be compared with '2023-01-01'"):
        divided(frame_of(9), spec_of(more="splits: {time: ts, valid_from: 2023-01-01, test_from: 2024-01-01}"))


def test_a_group_that_a_record_does_not_have_is_an_error():
    frame = frame_of(20).assign(country=None)
    with pytest.raises(DataError, match="does not have the group 'country'"):
        divided(frame, spec_of(more="splits: {group: country}"))
