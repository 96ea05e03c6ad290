"""Columns of terms and of text: how a value becomes an id is said once, and only once."""

import pydantic
import pytest

from tfx_sequences.schemas.columns.column import CategoricalColumn, TextColumn, Vocabulary


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: CategoricalColumn(key="x", vocabulary_list=("a",), hash_bucket_size=3), "give one of"),
        (lambda: CategoricalColumn(key="x", vocabulary_list=()), "is empty"),
        (lambda: CategoricalColumn(key="x", vocabulary_list=("a", "b", "a")), "terms twice: a"),
        (lambda: CategoricalColumn(key="x", vocabulary_list=(1, 2)), "values of dtype string"),
        (lambda: CategoricalColumn(key="x", vocabulary_size=3), "needs vocabulary_file"),
        (lambda: CategoricalColumn(key="x", indicator=True, embedding={"dimension": 2}), "not both"),
        (lambda: CategoricalColumn(key="x", num_buckets=3), "add 'dtype: int64'"),
        (lambda: CategoricalColumn(key="x", dtype="int64", num_buckets=3, default_value=3), r"not an id in \[0, 3\)"),
        (lambda: CategoricalColumn(key="x", dtype="int64", lowercase=True), "lowercase needs dtype string"),
        (lambda: TextColumn(key="x", split="regex"), "must be set together"),
        (lambda: TextColumn(key="x", pattern=","), "must be set together"),
        (lambda: TextColumn(key="x", split="regex", pattern="("), "not a regular expression"),
        (lambda: TextColumn(key="x", split="regex", pattern="a*"), "matches the empty string"),
        (lambda: TextColumn(key="x", source="sequence"), "only for sequence features"),
    ],
)
def test_contradictions_are_refused(build, words):
    with pytest.raises(pydantic.ValidationError, match=words):
        build()


@pytest.mark.parametrize(
    ("column", "oov", "refuses"),
    [
        (CategoricalColumn(key="x", vocabulary_list=("a",)), 1, False),
        (CategoricalColumn(key="x", vocabulary_list=("a",), num_oov_buckets=0), 0, True),
        (CategoricalColumn(key="x", vocabulary_list=("a",), num_oov_buckets=0, default_value=-1), 0, False),
        (CategoricalColumn(key="x", hash_bucket_size=9), 0, False),
        (CategoricalColumn(key="x", dtype="int64", num_buckets=9), 0, True),
        (TextColumn(key="x", split="bytes"), 0, False),
    ],
)
def test_what_becomes_of_unknown_values(column, oov, refuses):
    assert (column.oov_buckets, column.refuses_unknown) == (oov, refuses)


def test_a_vocabulary_that_nobody_declared_learns_the_id_of_unknown_terms():
    assert CategoricalColumn(key="x").vocabulary == Vocabulary(frequency_threshold=2)
    assert CategoricalColumn(key="x", num_oov_buckets=0).vocabulary == Vocabulary()
    assert CategoricalColumn(key="x", hash_bucket_size=3).vocabulary is None


def test_only_text_whose_tokens_are_the_steps_has_one_id_per_step():
    assert not TextColumn(key="x", is_sequence=True).has_several_ids
    assert TextColumn(key="x", is_sequence=True, source="sequence").has_several_ids
    assert TextColumn(key="x").has_several_ids
