"""Columns of combinations: their fields, their names, and what is refused."""

import pydantic
import pytest
import tensorflow as tf

import tfx_sequences as tfs
from tfx_sequences.errors import SpecError
from tfx_sequences.schemas.columns.column_base import FurtherFeature
from tfx_sequences.schemas.columns.crossed_columns import CrossedColumn, crossed_column, sequence_crossed_column


def test_names_are_those_of_tf_feature_column():
    theirs = tf.feature_column.crossed_column(["item", "hour"], 9)
    ours = crossed_column(["item", "hour"], 9)
    embedded = tfs.embedding_column(ours, dimension=2)
    assert embedded.name == tf.feature_column.embedding_column(theirs, 2).name == "hour_X_item_embedding"
    assert tfs.indicator_column(ours).name == tf.feature_column.indicator_column(theirs).name


def test_the_first_key_is_the_columns_own_and_the_others_are_further_features():
    column = CrossedColumn(
        keys=("item", "hour"), dtypes={"hour": "int64"}, hash_bucket_size=9, is_sequence=True, multi_valued=True
    )
    assert column.key == "item"
    assert column.further_features == (FurtherFeature("hour", True, "int64", several=True),)
    assert (column.dtype_of("item"), column.dtype_of("hour")) == ("string", "int64")


def test_records_have_several_values_unless_said_otherwise_and_steps_one():
    assert crossed_column(["a", "b"], 9).has_several_ids
    assert not sequence_crossed_column(["a", "b"], 9).has_several_ids


def test_ids_depend_on_the_order_of_the_keys_and_on_the_hash():
    given = [(("a", "b"), 9, None), (("b", "a"), 9, None), (("a", "b"), 8, None), (("a", "b"), 9, 7)]
    sources = {crossed_column(*arguments).id_source for arguments in given}
    assert len(sources) == 4
    assert crossed_column(["a", "b"], 9).id_source == sequence_crossed_column(["a", "b"], 9).id_source


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"keys": ("a",)}, "at least 2"),
        ({"keys": ("a", "a")}, "keys contains a feature twice"),
        ({"dtypes": {"c": "int64"}}, "dtypes contains 'c', which is not one of the keys"),
        ({"indicator": True, "embedding": {"dimension": 2}}, "either indicator or embedding"),
        ({"hash_bucket_size": 0}, "greater than 0"),
    ],
)
def test_contradictions_are_refused(fields, message):
    with pytest.raises(pydantic.ValidationError, match=message):
        CrossedColumn(**{"keys": ("a", "b"), "hash_bucket_size": 9, **fields})


def test_the_functions_raise_errors_of_specs():
    with pytest.raises(SpecError, match="Invalid CrossedColumn"):
        crossed_column(["a", "b"], hash_bucket_size=0)
