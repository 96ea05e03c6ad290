import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.components.rows import parser_of, record, rows_of
from tfx_sequences.components.row_store import RowStore, gather


def store_of(first, count):
    numbers = np.arange(first, first + count)
    return RowStore(numbers, tf.constant([record(0, i) for i in numbers]))


@settings(max_examples=20)
@given(st.lists(st.integers(1, 6), min_size=1, max_size=4), st.data())
def test_rows_are_kept_joined_and_gathered_by_number(sizes, data):
    starts = np.cumsum([0, *sizes])
    joined = RowStore.concat([store_of(int(a), n) for a, n in zip(starts, sizes, strict=False)])
    assert rows_of(joined) == [f"0:{i}" for i in range(sum(sizes))]
    some = data.draw(st.lists(st.sampled_from(range(sum(sizes))), unique=True))
    kept = joined.keep(np.array(some, np.int64))
    assert rows_of(kept) == [f"0:{i}" for i in sorted(some)]
    later = RowStore.concat([kept, store_of(100, 2)])
    wanted = data.draw(st.permutations([*some, 100, 101]))
    given_out = gather(tf.constant(later.numbers), later.records, tf.constant(wanted, tf.int64))
    assert given_out.numpy().tolist() == [record(0, i) for i in wanted]


def test_one_part_is_not_copied():
    store = store_of(0, 3)
    assert RowStore.concat([store]) is store


def test_the_parser_measures_and_parses():
    good = [record(0, i) for i in range(5)]
    parser = parser_of()
    assert parser.lengths(tf.constant(good)).numpy().tolist() == [0, 1, 2, 3, 0]
    assert [n.decode() for n in parser.parse(tf.constant(good))["name"].numpy()] == [f"0:{i}" for i in range(5)]


@pytest.mark.parametrize("bad", [[], [0], [3, 4], [6], list(range(7))])
def test_records_that_cannot_be_parsed_are_found(bad):
    records = [b"\xff" if i in bad else record(0, i) for i in range(7)]
    assert np.flatnonzero(~parser_of().can_parse(tf.constant(records))).tolist() == bad
