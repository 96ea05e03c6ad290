"""The functions that make vectors of ids keep to the names of `tf.feature_column` and refuse columns without ids."""

import pytest
import tensorflow as tf

import tfx_sequences as tfs
from tfx_sequences.errors import SpecError


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: tfs.embedding_column(tfs.numeric_column("x"), 3), r"without ids[\s\S]*bucketized_column"),
        (lambda: tfs.indicator_column(tfs.numeric_column("x")), "without ids"),
        (lambda: tfs.embedding_column(tfs.categorical_column_with_identity("k", 3), 0), "Invalid Embedding"),
        (lambda: tfs.embedding_column(tfs.categorical_column_with_identity("k", 3), 2, combiner="max"), "combiner"),
        (
            lambda: tfs.embedding_column(tfs.categorical_column_with_identity("k", 3), 2, initializer="nope"),
            "initializer",
        ),
        (
            lambda: tfs.weighted_categorical_column(tfs.text_column("t"), "w"),
            "weighted_categorical_column was given a column without terms to weight",
        ),
    ],
)
def test_mistakes_are_errors(make, message):
    with pytest.raises(SpecError, match=message):
        make()


def test_a_representation_replaces_the_other():
    column = tfs.categorical_column_with_identity("k", 3)
    assert tfs.embedding_column(tfs.indicator_column(column), 2) == tfs.embedding_column(column, 2)
    assert tfs.indicator_column(tfs.embedding_column(column, 2)) == tfs.indicator_column(column)


def test_names_are_those_of_the_twins():
    numeric = tfs.sequence_numeric_column("x")
    item = tfs.sequence_categorical_column_with_identity("k", 3)
    assert numeric.name == tf.feature_column.sequence_numeric_column("x").name
    theirs = tf.feature_column.sequence_categorical_column_with_identity("k", 3)
    assert tfs.embedding_column(item, 2).name == tf.feature_column.embedding_column(theirs, 2).name
    assert tfs.indicator_column(item).name == tf.feature_column.indicator_column(theirs).name
    bucketized = tf.feature_column.bucketized_column(tf.feature_column.numeric_column("x"), [1.0])
    assert tfs.bucketized_column(tfs.numeric_column("x"), [1.0]).name == bucketized.name


def test_a_shared_table_has_the_keys_in_alphabetical_order_or_the_name_that_is_given():
    columns = [tfs.categorical_column_with_identity(key, 9) for key in ("seen", "item")]
    for name, table in ((None, "item_seen_shared_embedding"), ("items", "items")):
        shared = tfs.shared_embedding_columns(columns, 4, shared_embedding_collection_name=name)
        assert [column.key for column in shared] == ["seen", "item"]
        assert {column.table for column in shared} == {table}


def test_a_weighted_column_has_several_values_each_with_a_weight():
    weighted = tfs.weighted_categorical_column(tfs.categorical_column_with_identity("k", 3), "w", dtype=tf.int64)
    assert (weighted.multi_valued, weighted.weighted_by, weighted.weight_dtype) == (True, "w", "int64")
