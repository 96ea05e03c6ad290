"""Rows in files: all of them come back, the rows of a group together."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from tfx_sequences.components.rows.long_groups import LongGroup
from tfx_sequences.components.rows.row_store import RowStore, group_hashes


def table_of(groups):
    return pa.table({"group.0": groups, "row": pa.array(np.arange(len(groups)))})


def whole_groups(rows):
    if isinstance(rows, LongGroup):
        return [pa.concat_tables([piece for piece, _ in rows.pieces(lambda table: None)])]
    return [rows]


@pytest.mark.parametrize("kind", [pa.int64(), pa.binary()])
@pytest.mark.parametrize("budget", [1, 2_000, 1 << 30])
def test_rows_of_a_group_stay_together(tmp_path, kind, budget):
    random = np.random.default_rng(0)
    numbers = random.integers(0, 50, 3000)
    numbers[:1000] = 7  # one large group
    groups = pa.array(numbers) if kind == pa.int64() else pa.array([f"user {n}".encode() for n in numbers], kind)
    store, whole = RowStore(tmp_path, budget), table_of(groups)
    for first in range(0, 3000, 500):
        store.add(whole.slice(first, 500))
    seen: dict = {}
    rows = []
    tables = (table for rows in store.tables() for table in whole_groups(rows))
    for number, table in enumerate(tables):
        rows += table.column("row").to_pylist()
        for group in set(table.column("group.0").to_pylist()):
            assert seen.setdefault(group, number) == number
    assert sorted(rows) == [*range(3000)] and len(seen) == 50
    assert list(tmp_path.iterdir()) == []


def test_the_hash_depends_on_every_byte_and_on_the_column():
    texts = [b"", b"\0", b"\0\0", b"ab", b"ba", b"abc", b"b", b"a" * 1000, b"a" * 999 + b"b"]
    first = group_hashes(pa.table({"group.0": pa.array(texts, pa.binary())}))
    assert len(set(first.tolist())) == len(texts)
    pairs = pa.table({"group.0": pa.array([1, 2, 1, 2]), "group.1": pa.array([1, 1, 2, 2])})
    assert len(set(group_hashes(pairs).tolist())) == 4
    sliced = pa.table({"group.0": pa.array([b"x", *texts], pa.binary()).slice(1)})
    np.testing.assert_array_equal(group_hashes(sliced), first)


def test_no_rows_are_no_tables(tmp_path):
    store = RowStore(tmp_path)
    store.add(table_of(pa.array([], pa.int64())))
    assert list(store.tables()) == []


def test_a_long_group_is_apart_and_in_pieces(tmp_path):
    store = RowStore(tmp_path, 16_000)
    numbers = np.random.default_rng(0).integers(0, 500, 20_000)
    numbers[::2] = 7
    for first in range(0, len(numbers), 100):
        store.add(table_of(pa.array(numbers[first : first + 100])))
    found = list(store.tables())
    assert max(rows.nbytes for rows in found if isinstance(rows, pa.Table)) <= 16_000
    [long] = (rows for rows in found if isinstance(rows, LongGroup))
    assert long.backwards == 0
