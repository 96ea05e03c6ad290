import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.components.input.rows import parser_of, record
from tfx_sequences.components.input.row_store import RowStore, arranged


def store_of(first, count):
    numbers = np.arange(first, first + count)
    return RowStore(numbers, tf.constant([record(0, i) for i in numbers]))


@settings(max_examples=20)
@given(st.lists(st.integers(1, 6), min_size=1, max_size=4), st.data())
def test_records_are_put_where_they_are_wanted(sizes, data):
    starts = np.cumsum([0, *sizes])
    stores = [store_of(int(a), n) for a, n in zip(starts, sizes, strict=False)]
    wanted = data.draw(st.lists(st.sampled_from(range(sum(sizes))), unique=True))
    size = len(wanted) + data.draw(st.integers(0, 3))
    positions = data.draw(st.permutations(range(size)))[: len(wanted)]
    records = arranged(stores, np.array(wanted, np.int64), np.array(positions, np.int64), size).numpy()
    expected = dict(zip(positions, wanted, strict=True))
    assert records[:size].tolist() == [record(0, expected[i]) if i in expected else b"" for i in range(size)]
    # Some of them on, beside new ones.
    kept = sorted(range(size), key=lambda i: expected.get(i, -1))[size - len(wanted) :]
    later = RowStore(np.sort(wanted).astype(np.int64), tf.gather(tf.constant(records), [*kept, size]))
    again = arranged([later, store_of(100, 2)], np.array([*wanted, 101]), np.arange(len(wanted) + 1), len(wanted) + 1)
    assert again.numpy().tolist()[:-1] == [record(0, i) for i in [*wanted, 101]]


def test_the_parser_measures_and_parses():
    good = [record(0, i) for i in range(5)]
    parser = parser_of()
    assert parser.lengths(tf.constant(good)).numpy().tolist() == [0, 1, 2, 3, 0]
    assert [n.decode() for n in parser.parse(tf.constant(good))["name"].numpy()] == [f"0:{i}" for i in range(5)]


@pytest.mark.parametrize("bad", [[], [0], [3, 4], [6], list(range(7))])
def test_records_that_cannot_be_parsed_are_found(bad):
    records = [b"\xff" if i in bad else record(0, i) for i in range(7)]
    assert np.flatnonzero(~parser_of().can_parse(tf.constant(records))).tolist() == bad
