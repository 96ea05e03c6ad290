"""A spec of columns: with and without a label."""

import pytest

from tfx_sequences.errors import SpecError
from tfx_sequences.schemas.columns.feature_columns import (
    numeric_column,
    sequence_categorical_column_with_vocabulary_list,
    sequence_numeric_column,
)
from tfx_sequences.schemas.columns.representations import (
    embedding_column,
    indicator_column,
    weighted_categorical_column,
)
from tfx_sequences.schemas.features.raw_features import raw_features
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec
from tfx_sequences.schemas.spec.unlabelled_spec import UnlabelledSpec, spec_of_columns

X = sequence_numeric_column("x")


def test_only_this_spec_may_lack_a_label():
    assert UnlabelledSpec(name="s", sequence=[X]).heads == {}
    with pytest.raises(ValueError, match="needs a `label`"):
        SequenceSpec(name="s", sequence=[X])
    with pytest.raises(ValueError, match="has label and labels"):
        UnlabelledSpec(name="s", sequence=[X], label={"key": "y"}, labels={"a": {"key": "z"}})


def test_a_feature_with_two_representations_is_read_once():
    word = sequence_categorical_column_with_vocabulary_list("word", ["a"])
    spec = spec_of_columns([embedding_column(word, 2), indicator_column(word), numeric_column("age")])
    assert [feature.tensor_name for feature in raw_features(spec)] == ["age", "sequence.word"]


def test_weights_of_one_of_two_representations_are_read():
    word = sequence_categorical_column_with_vocabulary_list("word", ["a"], multi_valued=True)
    weighted = embedding_column(weighted_categorical_column(word, "weight"), 2)
    for columns in ([weighted, indicator_column(word)], [indicator_column(word), weighted]):
        names = [feature.tensor_name for feature in raw_features(spec_of_columns(columns))]
        assert names == ["sequence.weight", "sequence.word"]


def test_a_label_is_a_key_or_its_fields():
    assert spec_of_columns(X, "kind").label.key == "kind"
    assert spec_of_columns(X, {"key": "y", "per_step": True}).label.per_step
    with pytest.raises(SpecError, match="also a sequence feature"):
        spec_of_columns(X, {"key": "x", "per_step": True})


@pytest.mark.parametrize(("columns", "message"), [([], "needs a sequence column"), ([3], "not a column")])
def test_mistakes_are_named(columns, message):
    with pytest.raises(SpecError, match=message):
        spec_of_columns(columns)
