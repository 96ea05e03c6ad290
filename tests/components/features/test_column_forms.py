import numpy as np
import pytest
import tensorflow as tf

from tfx_sequences.components.features.column_forms import column_form, feature_value
from tfx_sequences.components.features.column_ids import ColumnIds
from tfx_sequences.errors import UserInputError
from tfx_sequences.schemas.columns.column import CategoricalColumn, TextColumn


def test_tokens_are_the_steps_of_a_text():
    column = TextColumn(key="t", is_sequence=True, split="characters", hash_bucket_size=5)
    form = column_form(column, ColumnIds(column), tf.constant(["ab", "", "abc"]))
    np.testing.assert_array_equal(form.lengths(), [2, 0, 3])
    with pytest.raises(UserInputError, match=r"'t' has a wrong rank[\s\S]*a string per row"):
        column_form(column, ColumnIds(column), tf.ragged.constant([["ab"]]))


def test_weights_have_the_form_of_what_they_weigh():
    column = CategoricalColumn(key="k", is_sequence=True, weighted_by="w", hash_bucket_size=5)
    terms = tf.ragged.constant([["a"]])
    assert len(column_form(column, ColumnIds(column), terms, tf.ragged.constant([[1.0]])).others) == 1
    with pytest.raises(UserInputError, match="'k' and 'w', which belong together, come in different forms"):
        column_form(column, ColumnIds(column), terms, tf.constant([[1.0]]))


def test_the_name_of_the_parse_specs_comes_first():
    assert feature_value({"x": 1, "sequence.x": 2}, "x", is_sequence=True) == 2
    assert feature_value({"x": 1, "sequence.x": 2}, "x", is_sequence=False) == 1
    with pytest.raises(UserInputError, match=r"not given the feature 'sped'[\s\S]*Did you mean 'speed'"):
        feature_value({"speed": 1}, "sped", is_sequence=False)
