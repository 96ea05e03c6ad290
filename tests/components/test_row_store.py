import dataclasses

import numpy as np
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.components.rows import parser_of, plain, record, rows_of
from tfx_sequences.components.row_store import RowStore


def store_of(first, count):
    numbers = np.arange(first, first + count)
    return RowStore(parser_of(), numbers, parser_of()(tf.constant([record(0, i) for i in numbers])))


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
    features = parser_of().gather(tf.constant(later.numbers), later.components, tf.constant(wanted, tf.int64))
    assert [name.decode() for name in features["name"].numpy()] == [f"0:{i}" for i in wanted]
    expected = parser_of().features(parser_of()(tf.constant([record(0, i) for i in wanted])))
    assert plain(features) == plain(expected)


def test_one_part_is_not_copied():
    store = store_of(0, 3)
    assert RowStore.concat([store]) is store
    assert dataclasses.replace(store, numbers=store.numbers + 1).components is store.components
