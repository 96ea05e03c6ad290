"""Tables to records: chunks, overlaps, and the order of groups."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from tests.rows import frame_of, records_by_loop, spec_of
from tfx_sequences.components.rows import row_records
from tfx_sequences.components.rows.frames import batches_from_rows, records_from_rows
from tfx_sequences.components.rows.row_counts import RowCounts
from tfx_sequences.components.rows.row_plan import RowPlan
from tfx_sequences.components.rows.row_table import RowTables


@pytest.mark.parametrize("steps", [1, 10, 10**6])
def test_chunks_do_not_change_the_records(steps, monkeypatch):
    monkeypatch.setattr(row_records, "_STEPS", steps)
    frame, spec = frame_of(100), spec_of()
    counts = RowCounts()
    batches = list(batches_from_rows(frame, RowTables(RowPlan.of(spec)), counts))
    assert [r for batch in batches for r in batch.records.to_pylist()] == records_by_loop(frame, spec)
    assert len(batches) == {1: 7, 10: 7, 10**6: 1}[steps]


def test_each_batch_says_which_rows_are_its_steps():
    frame, spec = frame_of(100), spec_of("{group_by: [user], order_by: ts, window: {steps: 4, stride: 2}}")
    for batch in batches_from_rows(frame, RowTables(RowPlan.of(spec)), RowCounts()):
        times = np.split(frame.ts.to_numpy()[batch.rows], np.cumsum(batch.lengths)[:-1])
        for record, expected in zip(batch.records.to_pylist(), times, strict=True):
            steps = tf.train.SequenceExample.FromString(record).feature_lists.feature_list["ts"].feature
            assert [step.int64_list.value[0] for step in steps] == expected.tolist()


def test_overlapping_windows_count_rows_once():
    frame, spec = frame_of(100, users=1), spec_of("{group_by: [user], order_by: ts, window: {steps: 10, stride: 5}}")
    counts = records_from_rows(frame, spec).counts
    assert (counts.in_records, counts.records["train"], counts.steps) == (100, 19, 190)


def test_cut_rows_are_counted():
    frame, spec = (
        frame_of(100, users=1),
        spec_of("{group_by: [user], order_by: ts, window: {steps: 7, partial: drop}, session_gap: 30m, min_steps: 3}"),
    )
    counts = records_from_rows(frame, spec).counts
    assert counts.in_records == counts.steps == 7 * counts.records["train"]
    assert counts.in_records + counts.cut.total() == 100
    assert set(counts.cut) == {"in sessions of fewer than 3 rows", "outside of all windows"}


def test_a_missing_value_is_left_out():
    frame = frame_of(20, users=1)
    last = frame.ts.idxmax()
    frame.loc[last, ["country", "page"]] = None
    [record] = records_from_rows(frame, spec_of())
    parsed = tf.train.SequenceExample.FromString(record)
    assert "country" not in parsed.context.feature
    assert parsed.feature_lists.feature_list["page"].feature[-1].WhichOneof("kind") is None


@pytest.mark.parametrize(("records", "padded"), [(1, 10**6), (3, 10**6), (100, 12), (100, 1)])
def test_parts_are_bounded_and_lose_nothing(records, padded):
    tables = RowTables(RowPlan.of(spec_of()))
    [batch] = batches_from_rows(frame_of(100, users=30), tables, RowCounts())
    parts = list(batch.parts(records, padded))
    assert [r for part in parts for r in part.records.to_pylist()] == batch.records.to_pylist()
    np.testing.assert_array_equal(np.concatenate([part.rows for part in parts]), batch.rows)
    for part in parts:
        assert len(part.lengths) <= records
        assert len(part.lengths) == 1 or len(part.lengths) * part.lengths.max() <= padded
