import pydantic
import pytest

from tfx_sequences.schemas.columns.column import (
    CategoricalColumn,
    Embedding,
    TextColumn,
    Vocabulary,
)


def test_vocabulary_is_computed_unless_something_else_gives_ids():
    # A term that was seen once teaches the id of unknown terms, where there is one.
    assert CategoricalColumn(key="x").vocabulary == Vocabulary(frequency_threshold=2)
    assert CategoricalColumn(key="x", vocabulary={}).vocabulary == Vocabulary()
    assert CategoricalColumn(key="x", num_oov_buckets=0).vocabulary == Vocabulary()
    assert CategoricalColumn(key="x", default_value=-1).vocabulary == Vocabulary()
    for other in ({"vocabulary_list": ("a",)}, {"hash_bucket_size": 3}, {"num_buckets": 3, "dtype": "int64"}):
        assert CategoricalColumn(key="x", **other).vocabulary is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hash_bucket_size": 3, "vocabulary_list": ("a",)}, "give one of"),
        ({"num_buckets": 3}, "num_buckets needs ids"),
        ({"vocabulary_list": ()}, "empty"),
        ({"vocabulary_list": ("a", "b", "a")}, "terms twice: a"),
        ({"vocabulary_list": (1, 2)}, "dtype string"),
        ({"lowercase": True, "dtype": "int64"}, "lowercase needs dtype string"),
        ({"indicator": True, "embedding": Embedding()}, "not both"),
        ({"embeding": Embedding()}, "Did you mean 'embedding'"),
    ],
)
def test_contradictions_are_errors(options, message):
    with pytest.raises(pydantic.ValidationError, match=message):
        CategoricalColumn(key="x", **options)


def test_oov_buckets_count_only_where_a_vocabulary_is():
    assert CategoricalColumn(key="x").oov_buckets == 1
    assert CategoricalColumn(key="x", num_oov_buckets=4).oov_buckets == 4
    assert CategoricalColumn(key="x", default_value=0).oov_buckets == 0
    assert CategoricalColumn(key="x", hash_bucket_size=9).oov_buckets == 0


def test_width_is_that_of_the_representation():
    assert CategoricalColumn(key="x", indicator=True).width(7) == 7
    assert CategoricalColumn(key="x", embedding=Embedding(dimension=5)).width(7) == 5
    assert CategoricalColumn(key="x").width(3) == 4


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TextColumn(key="x", source="sequence"), "only for sequence features"),
        (lambda: TextColumn(key="x", pattern=","), "pattern and 'split: regex' must be set together"),
        (lambda: TextColumn(key="x", vocabulary_size=3), "vocabulary_size needs vocabulary_file"),
        (lambda: CategoricalColumn(key="x", default_value=-2), "greater than or equal to -1"),
        (lambda: Embedding(vectors_terms_file="t.txt", vectors_file="v.txt"), "ends in .npy"),
    ],
)
def test_contradictions_of_other_columns_are_errors(make, message):
    with pytest.raises(pydantic.ValidationError, match=message):
        make()


def test_tokens_are_steps_only_where_the_record_has_the_text():
    assert not TextColumn(key="x", is_sequence=True).has_several_ids
    assert TextColumn(key="x", is_sequence=True, source="sequence").has_several_ids
    assert TextColumn(key="x").has_several_ids


def test_bytes_are_ids_unless_a_vocabulary_is_given():
    assert TextColumn(key="x", split="bytes").are_bytes_ids
    assert TextColumn(key="x", split="bytes").vocabulary is None
    assert not TextColumn(key="x", split="bytes", hash_bucket_size=9).are_bytes_ids
