"""Long groups: pieces sorted among each other, and the records of all their rows at once."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rows import spec_of
from tfx_sequences.components.rows.long_groups import LongGroup
from tfx_sequences.components.rows.row_counts import RowCounts
from tfx_sequences.components.rows.row_plan import RowPlan
from tfx_sequences.components.rows.row_records import records_of
from tfx_sequences.components.rows.row_splits import RowSplits
from tfx_sequences.components.rows.row_table import RowTables

RULES = st.fixed_dictionaries(
    {},
    optional={
        "session_gap": st.integers(0, 3),
        "min_steps": st.integers(1, 4),
        "window": st.fixed_dictionaries(
            {"steps": st.integers(1, 5)},
            optional={
                "stride": st.integers(1, 7),
                "partial": st.sampled_from(["keep", "drop"]),
                "train": st.sampled_from(["windows", "whole"]),
            },
        ),
        "label_from": st.sampled_from(
            [{"key": "bought", "at": at} for at in ("first", "last", "next")]
            + [{"key": "bought", "at": "as_of", "after": after} for after in (0, 2, 9)]
        ),
        "context": st.just({"country": "first"}),
    },
)


def frame_at(times):
    random, count = np.random.default_rng(len(times)), len(times)
    return pd.DataFrame(
        {
            "user": "u",
            "ts": times,
            "page": random.choice(["home", "cart"], count),
            "spent": np.arange(count, dtype=np.float32) // 2,
            "country": [f"c{n}" for n in range(count)],
            "age": 30,
            "bought": [f"b{n}" for n in range(count)],
        }
    )


def made(rows, tables, splits):
    counts = RowCounts()
    batches = list(records_of(rows, tables, splits, counts))
    records = [record for batch in batches for record in batch.records.to_pylist()]
    places = [
        list(itertools.chain.from_iterable(part.tolist() for part in parts))
        for parts in zip(*((batch.splits, batch.lengths, batch.rows, batch.begins) for batch in batches), strict=True)
    ]
    return records, places, counts


def in_pieces(folder, table, piece, batch=3):
    group = LongGroup(folder, piece)
    for first in range(0, table.num_rows, batch):
        assert group.taken(table.slice(first, batch)).all()
    return group


@settings(deadline=None, max_examples=300)
@given(st.lists(st.integers(0, 30), min_size=1, max_size=40), RULES, st.integers(1, 12), st.booleans(), st.booleans())
def test_the_records_and_counts_are_those_of_all_rows_at_once(tmp_path_factory, times, rules, piece, divided, ordered):
    ordered |= "session_gap" in rules or rules.get("label_from", {}).get("at") == "as_of"
    spec = spec_of(
        {"group_by": ["user"], **rules} | ({"order_by": "ts"} if ordered else {}),
        "splits: {time: ts, valid_from: 10, test_from: 20}" if divided else "",
    )
    plan = RowPlan.of(spec)
    tables, splits = RowTables(plan), RowSplits.of(plan) if divided else RowSplits.whole(plan, "train")
    table, why, _ = tables.converted(pa.Table.from_pandas(frame_at(times)), np.arange(len(times)))
    assert (why < 0).all()
    records, places, counts = made(table, tables, splits)
    group = in_pieces(tmp_path_factory.mktemp("rows"), table, piece)
    assert made(group, tables, splits) == (records, places, counts)


def test_pieces_are_bounded_whatever_the_times(tmp_path):
    random = np.random.default_rng(0)
    for times in (random.integers(0, 10**9, 5000), (random.lognormal(0, 5, 5000) * 1e6).astype(int)):
        table = pa.table({"group.0": np.zeros(5000, int), "time": times, "row": np.arange(5000)})
        group = in_pieces(tmp_path, table, 200, batch=500)
        pieces = [piece for piece, _ in group.pieces(lambda table: None)]
        assert max(piece.num_rows for piece in pieces) <= 400
        latest = -1
        for piece in pieces:
            assert piece.column("time").to_numpy().min() > latest
            latest = piece.column("time").to_numpy().max()
        assert group.backwards == (np.diff(times) < 0).sum()


def test_another_group_with_the_same_hash_is_not_taken(tmp_path):
    group = LongGroup(tmp_path, 10)
    table = pa.table({"group.0": [1, 1, 2, 1], "group.1": pa.array([b"a", b"a", b"a", b"b"]), "row": range(4)})
    assert group.taken(table).tolist() == [True, True, False, False]
    [(piece, more)] = group.pieces(lambda table: None)
    assert piece.column("row").to_pylist() == [0, 1] and not more


@pytest.mark.parametrize("steps", [100, None])
def test_records_are_made_before_the_whole_group_is_read(tmp_path, steps):
    """A generator that is asked for the first records leaves later pieces in their files."""
    rules = {"group_by": ["user"], "order_by": "ts"} | ({"window": {"steps": steps}} if steps else {})
    plan = RowPlan.of(spec_of(rules))
    tables = RowTables(plan)
    table, _, _ = tables.converted(pa.Table.from_pandas(frame_at(np.arange(5000))), np.arange(5000))
    group = in_pieces(tmp_path, table, 500, batch=1000)
    batches = records_of(group, tables, RowSplits.whole(plan, "train"), RowCounts())
    first = next(batches)
    left = [path for path in tmp_path.rglob("*-*") if path.is_file()]
    assert (len(first.records), len(left)) == ((4, 10) if steps else (1, 1))
