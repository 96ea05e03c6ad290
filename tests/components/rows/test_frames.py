"""Rows in memory to records, against pandas' groupby and protobuf."""

from __future__ import annotations

import subprocess
import sys

import pandas as pd
import polars
import pyarrow as pa
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rows import frame_of, records_by_loop, spec_of
from tfx_sequences.components.rows.frames import column_of, frames_of, records_from_rows
from tfx_sequences.errors import DataError, SpecError
from tfx_sequences.schemas.spec.spec_io import load_spec, spec_from_yaml


@pytest.mark.parametrize("gap", [None, 1800])
def test_records_are_those_of_groupby_and_protobuf(gap):
    frame = frame_of(200)
    spec = spec_of(
        f"{{group_by: [user], order_by: ts, session_gap: {gap}s}}" if gap else "{group_by: [user], order_by: ts}"
    )
    records = records_from_rows(frame, spec)
    assert list(records) == records_by_loop(frame, spec, gap)
    assert records.counts.read == records.counts.in_records == records.counts.steps == 200
    assert records.counts.backwards > 0


@settings(deadline=None, max_examples=25)
@given(st.permutations(range(40)), st.integers(1, 5))
def test_any_order_in_any_number_of_frames_gives_the_same_records(order, parts):
    frame, spec = frame_of(40, users=3), spec_of("{group_by: [user], order_by: ts, session_gap: 1h}")
    mixed = frame.iloc[list(order)]
    size = -(-len(mixed) // parts)
    frames = [mixed.iloc[first : first + size] for first in range(0, len(mixed), size)]
    assert list(records_from_rows(frames, spec)) == list(records_from_rows(frame, spec))


def as_kinds(frame):
    table = pa.Table.from_pandas(frame)
    return {
        "Arrow table": table,
        "Polars": polars.DataFrame(frame.to_dict("list")),
        "Arrow batches": table.to_batches(max_chunksize=7),
        "columns": {name: frame[name].tolist() for name in frame},
        "arrays": {name: frame[name].to_numpy() for name in frame},
        "dicts": frame.to_dict("records"),
        "a generator of dicts": (row for row in frame.to_dict("records")),
        "text": frame.astype(str),
        "categories": frame.astype({"user": "category", "page": "category"}),
        "timestamps": frame.assign(ts=pd.to_datetime(frame.ts, unit="s")),
    }


@pytest.mark.parametrize("kind", as_kinds(frame_of(3)))
def test_the_kind_of_frame_does_not_matter(kind):
    frame, spec = frame_of(30), spec_of()
    assert list(records_from_rows(as_kinds(frame)[kind], spec)) == records_by_loop(frame, spec)


def parsed(records):
    return [tf.train.SequenceExample.FromString(record) for record in records]


def test_context_and_label_come_from_the_row_that_the_spec_names():
    rows = [
        {"user": "a", "ts": t, "page": "p", "spent": 0, "country": c, "age": t, "bought": b}
        for t, c, b in [(1, "NO", "no"), (2, "DE", "yes"), (500, "SE", "maybe"), (501, "FI", "sure")]
    ]
    spec = spec_of(
        "{group_by: [user], order_by: ts, session_gap: 10, context: {country: first}, "
        "label_from: {key: bought, at: next}}"
    )
    records = records_from_rows(rows, spec)
    [record] = parsed(records)
    context = record.context.feature
    assert context["country"].bytes_list.value == [b"NO"]
    assert context["age"].int64_list.value == [2]
    assert context["bought"].bytes_list.value == [b"maybe"]
    # The second session has no next row.
    assert dict(records.counts.cut) == {"in records without a next row for their label": 2}


def test_an_as_of_label_is_that_of_merge_asof():
    frame = frame_of(300, users=4)
    spec = spec_of(
        "{group_by: [user], order_by: ts, window: {steps: 1}, label_from: {key: bought, at: as_of, after: 1h}}"
    )
    records = parsed(records_from_rows(frame, spec))
    left = frame.sort_values("ts")[["user", "ts"]].assign(until=lambda x: x.ts + 3600)
    right = frame.sort_values("ts").rename(columns={"ts": "at"})[["user", "at", "bought"]]
    expected = pd.merge_asof(left, right, left_on="until", right_on="at", by="user").sort_values(["user", "ts"])
    assert [r.context.feature["bought"].bytes_list.value[0].decode() for r in records] == expected.bought.tolist()


def test_duplicates_and_ties_are_counted_and_kept():
    row = {"user": "a", "ts": 1, "page": "p", "spent": 0.5, "country": "NO", "age": 3, "bought": "no"}
    records = records_from_rows([row, row, {**row, "page": "q"}], spec_of())
    assert (records.counts.ties, records.counts.duplicates, records.counts.in_records) == (2, 1, 3)
    [record] = parsed(records)
    pages = [step.bytes_list.value[0] for step in record.feature_lists.feature_list["page"].feature]
    assert pages == [b"p", b"p", b"q"]


def test_rows_that_cannot_be_used_are_named():
    frame = frame_of(300)
    frame = frame.astype({"age": object, "ts": object})
    frame.loc[3, "user"], frame.loc[5, "ts"], frame.loc[7, "age"] = None, None, "old"
    records = records_from_rows(frame, spec_of())
    assert records.counts.rejected == {
        "no value in 'user'": 1,
        "no time in 'ts'": 1,
        "a value of 'age' that is not int64": 1,
    }
    assert sorted(row.row for row in records.counts.first) == [3, 5, 7]
    with pytest.raises(DataError, match="3 of 300 rows cannot be used"):
        records_from_rows(frame, spec_of("{group_by: [user], order_by: ts, max_rejected: 0.001}"))


def test_a_column_that_no_row_has_is_an_error():
    with pytest.raises(DataError, match="No row has the column 'country'"):
        records_from_rows(frame_of(5).rename(columns={"country": "countri"}), spec_of())


def test_lists_and_structs_of_nested_tables():
    spec = spec_of_lists()
    rows = [
        {"u": {"id": 1}, "t": 2, "v": [1.0, 2.0], "tags": ["a", "b"], "y": 0},
        {"u": {"id": 1}, "t": 1, "v": [3.0, 4.0], "tags": [], "y": 1},
    ]
    [record] = parsed(records_from_rows(rows, spec))
    lists = record.feature_lists.feature_list
    assert [list(step.float_list.value) for step in lists["v"].feature] == [[3.0, 4.0], [1.0, 2.0]]
    assert [list(step.bytes_list.value) for step in lists["tags"].feature] == [[], [b"a", b"b"]]
    assert record.context.feature["y"].int64_list.value == [0]


def spec_of_lists():
    return spec_from_yaml(
        "name: lists\nsequence: {v: {type: numeric, shape: [2]}, tags: {type: categorical, multi_valued: true, "
        "num_oov_buckets: 1}}\nlabel: {key: y, dtype: int64}\nrows: {group_by: [u.id], order_by: t}\n"
    )


def test_groups_of_several_columns():
    rows = [{"a": a, "b": b, "v": [0.0, 1.0], "tags": [], "y": 0, "t": 1} for a in ("x", "xy") for b in ("yz", "z")]
    spec = spec_of_lists()
    spec = spec.model_copy(update={"rows": spec.rows.model_copy(update={"group_by": ("a", "b")})})
    records = records_from_rows(rows, spec)
    assert len(records) == records.counts.groups == 4


def test_records_of_examples_are_flat():
    spec = spec_of().model_copy(update={"record": "Example"})
    frame = frame_of(40)
    records = records_from_rows(frame, spec)
    assert list(records) == records_by_loop(frame, spec)


def test_no_rows_are_no_records():
    records = records_from_rows([], spec_of())
    assert len(records) == 0 and records.counts.read == 0


def test_a_spec_without_rows_is_refused():
    with pytest.raises(SpecError, match="does not say how rows become records"):
        records_from_rows([], load_spec("japanese_vowels"))


@pytest.mark.parametrize("rows", ["rows.csv", 7, [1, 2]])
def test_what_is_not_a_frame_is_refused(rows):
    with pytest.raises(DataError, match="cannot be read"):
        list(frames_of(rows))


def test_neither_tensorflow_nor_beam_is_imported():
    code = (
        "import sys, tfx_sequences as tfs; spec = tfs.SequenceSpec(name='s', sequence={'x': {'type': 'numeric'}}, "
        "label={'key': 'y'}, rows={'group_by': ('u',)}); "
        "print(len(tfs.records_from_rows([{'u': 'a', 'x': 1, 'y': 'b'}], spec)), "
        "{'tensorflow', 'apache_beam', 'tfx'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["1", "set()"]


def test_an_integer_that_arrow_cannot_hold_becomes_text():
    assert column_of([1, 10**400, None]).to_pylist() == [b"1", str(10**400).encode(), None]
