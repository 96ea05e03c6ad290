import numpy as np
import pytest
import tensorflow as tf

from tfx_sequences.components.features.column_ids import ColumnIds, check_dtype
from tfx_sequences.errors import UserInputError
from tfx_sequences.schemas.columns.column import BucketizedColumn, CategoricalColumn, NumericColumn, TextColumn


def rows(count):
    return lambda: tf.range(count)


def test_identities_keep_their_value_or_take_the_default():
    ids = ColumnIds(CategoricalColumn(key="k", dtype="int64", num_buckets=3))
    np.testing.assert_array_equal(ids(tf.constant([0, 2, 7])), [0, 2, 7])
    with_default = ColumnIds(CategoricalColumn(key="k", dtype="int64", num_buckets=3, default_value=1))
    np.testing.assert_array_equal(with_default(tf.constant([0, -1, 7])), [0, 1, 1])
    assert not ids.may_miss and not with_default.may_miss


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"default_value": -1}, [1, -1]),
        ({"default_value": 0}, [1, 0]),
        ({"num_oov_buckets": 1}, [1, 2]),
        ({"num_oov_buckets": 0}, [1, -1]),
    ],
)
def test_terms_are_looked_up(options, expected):
    ids = ColumnIds(CategoricalColumn(key="k", vocabulary_list=("a", "b"), **options))
    np.testing.assert_array_equal(ids(tf.constant(["b", "x"])), expected)


def test_numbers_are_terms_too_and_a_missing_one_is_the_empty_term():
    ids = ColumnIds(CategoricalColumn(key="k", dtype="int64", vocabulary_list=(7, -5)))
    np.testing.assert_array_equal(ids(tf.constant([-5, 7, 1], tf.int64)), [1, 0, 2])
    terms = ids.terms(tf.constant([-(2**63), 7], tf.int64))
    assert terms.numpy().tolist() == [b"", b"7"]


def test_case_is_folded_where_declared():
    ids = ColumnIds(CategoricalColumn(key="k", vocabulary_list=("ä",), lowercase=True))
    np.testing.assert_array_equal(ids(tf.constant(["Ä", "ä"])), [0, 0])


def test_hashes_are_those_of_tensorflow():
    ids = ColumnIds(CategoricalColumn(key="k", hash_bucket_size=100))
    np.testing.assert_array_equal(
        ids(tf.constant(["a", "b"])), tf.strings.to_hash_bucket_fast(tf.constant(["a", "b"]), 100)
    )


def test_bytes_are_their_own_ids():
    ids = ColumnIds(TextColumn(key="t", split="bytes"))
    tokens = ids.tokens(tf.constant(["aé", ""]))
    assert ids(tokens.values).numpy().tolist() == list("aé".encode())
    assert tokens.row_lengths().numpy().tolist() == [3, 0]


def test_buckets_hold_their_lower_boundary():
    ids = ColumnIds(BucketizedColumn(key="k", boundaries=(0, 10)))
    numbers = tf.constant([[[-1.0], [0.0], [9.9], [10.0]]])
    np.testing.assert_array_equal(ids.buckets(numbers, None)[0, :, 0], [0, 1, 1, 2])
    missing = ids.buckets(numbers, tf.constant([[[True], [False], [True], [True]]]))
    np.testing.assert_array_equal(missing[0, :, 0], [0, -1, 1, 2])


def test_elements_have_buckets_of_their_own():
    ids = ColumnIds(BucketizedColumn(key="k", shape=(2,), boundaries=(0,)))
    np.testing.assert_array_equal(ids.buckets(tf.constant([[[-1.0, -1.0], [1.0, 1.0]]]), None), [[[0, 2], [1, 3]]])


def test_out_of_range_is_an_error_with_values_and_rows():
    ids = ColumnIds(CategoricalColumn(key="k", dtype="int64", num_buckets=3))
    values = tf.constant([0, 3, -2], tf.int64)
    with pytest.raises(
        UserInputError, match=r"'k' has ids that are out of range[\s\S]*ids in \[0, 3\)[\s\S]*3, -2; in rows 1, 2"
    ):
        ids.check(ids(values), values, rows(3), 3)


def test_unknown_terms_are_an_error_where_nothing_stands_for_them():
    ids = ColumnIds(CategoricalColumn(key="k", vocabulary_list=("a",), num_oov_buckets=0))
    values = tf.constant(["a", "zebra"])
    with pytest.raises(UserInputError, match=r"'k' has unknown terms[\s\S]*'zebra'; in rows 1[\s\S]*num_oov_buckets"):
        ids.check(ids(values), values, rows(2), 1)


def test_in_a_graph_the_check_is_an_assertion_with_the_same_words():
    ids = ColumnIds(CategoricalColumn(key="k", dtype="int64", num_buckets=3))

    @tf.function
    def checked(values):
        ids.check(ids(values), values, rows(3), 3)
        return values

    checked(tf.constant([0, 1, 2], tf.int64))
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"has ids that are out of range.*\[5\] \[in rows\] \[2\]"):
        checked(tf.constant([0, 1, 5], tf.int64))


@pytest.mark.parametrize(
    ("column", "dtype"),
    [
        (NumericColumn(key="k"), tf.string),
        (BucketizedColumn(key="k", boundaries=(1,)), tf.string),
        (CategoricalColumn(key="k"), tf.int64),
        (CategoricalColumn(key="k", dtype="int64", num_buckets=3), tf.float32),
        (CategoricalColumn(key="k", dtype="int64", num_buckets=3), tf.string),
        (TextColumn(key="k"), tf.int64),
    ],
)
def test_a_wrong_dtype_is_named(column, dtype):
    with pytest.raises(UserInputError, match=rf"'k' has a wrong dtype[\s\S]*received: {dtype.name}"):
        check_dtype(column, dtype)


def test_a_column_does_only_what_it_is_for():
    ids = ColumnIds(CategoricalColumn(key="k", hash_bucket_size=3))
    with pytest.raises(TypeError, match="not a text column"):
        ids.tokens(tf.constant(["a"]))
    with pytest.raises(TypeError, match="not a bucketized column"):
        ids.buckets(tf.constant([[[1.0]]]), None)
