"""Lists with a value for each step, against pandas' `explode`."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from tests.components.rows.test_ingestion import records_in, together
from tests.rows import frame_of, records_by_loop, spec_of
from tfx_sequences.components.rows.frames import records_from_rows
from tfx_sequences.components.rows.ingestion import ingest
from tfx_sequences.components.rows.row_files import RawRows
from tfx_sequences.components.rows.row_lists import one_row_per_step
from tfx_sequences.errors import SpecError

STEPS = ["page", "spent", "ts"]


def whole_records(frame):
    """A row for each user, with lists of steps in the order of time, and the last value of other columns."""
    ordered = frame.sort_values("ts")
    last = dict.fromkeys(("country", "age", "bought"), "last")
    return ordered.groupby("user", as_index=False).agg({**dict.fromkeys(STEPS, list), **last})


@pytest.mark.parametrize("kind", ["parquet", "jsonl", "frame"])
def test_whole_records_are_the_records_of_their_steps(tmp_path, kind):
    frame = frame_of(400, users=60)
    spec = spec_of("{group_by: [user], lists: [page, spent, ts]}")
    whole, expected = whole_records(frame), sorted(records_by_loop(frame, spec))
    if kind == "frame":
        found = records_from_rows(whole, spec)
        assert found.counts.read == found.counts.in_records == 400
        assert sorted(found) == expected
        return
    path = tmp_path / f"rows.{kind}"
    whole.to_parquet(path) if kind == "parquet" else whole.to_json(path, orient="records", lines=True)
    counts = ingest(spec, path, tmp_path / "out")
    assert together(records_in(tmp_path / "out")) == expected and counts.read == 400


def test_rows_of_several_steps_are_those_of_explode():
    frame = pd.DataFrame(
        {"user": ["a", "b", "a"], "x": [[1, 2], [3], [4, 5, 6]], "y": [["p", "q"], None, ["r", "s", "t"]]}
    )
    found = one_row_per_step(RawRows(pa.Table.from_pandas(frame), np.arange(7, 10)), ["x", "y", "z"])
    assert found.places.tolist() == [7, 7, 8, 9, 9, 9] and not found.broken
    expected = frame.drop(columns="y").explode("x")
    assert found.table.column("x").to_pylist() == expected.x.tolist()
    assert found.table.column("user").to_pylist() == expected.user.tolist()
    assert found.table.column("y").to_pylist() == ["p", "q", None, "r", "s", "t"]
    vectors = one_row_per_step(RawRows(pa.table({"x": [[[1, 2], [3, 4]]]}), np.arange(1)), ["x"])
    assert vectors.table.column("x").to_pylist() == [[1, 2], [3, 4]]


def test_rows_without_steps_of_their_own_are_rejected():
    table = pa.table({"x": [[1], [], [1, 2], None, [5]], "y": [["p"], [], ["q"], None, None]})
    found = one_row_per_step(RawRows(table, np.arange(5), [(9, "why", "text")]), ["x", "y"])
    assert found.table.to_pydict() == {"x": [1, 5], "y": ["p", None]}
    empty = "no steps: all lists are empty"
    assert found.broken == [(9, "why", "text"), (1, empty, ""), (2, "lists of different lengths", ""), (3, empty, "")]
    found = one_row_per_step(RawRows(pa.table({"x": ["1", None]}), np.arange(2)), ["x"])
    assert [reason for _, reason, _ in found.broken] == ["a value of 'x' that is not a list", empty]


def test_a_group_is_not_a_list():
    with pytest.raises(SpecError, match="'user' is in group_by"):
        spec_of("{group_by: [user], lists: [user]}")
