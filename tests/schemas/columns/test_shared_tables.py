import pytest

from tfx_sequences.errors import SpecError
from tfx_sequences.schemas.columns.column import (
    BucketizedColumn,
    CategoricalColumn,
    Embedding,
    NumericColumn,
    TextColumn,
)
from tfx_sequences.schemas.columns.shared_tables import columns_by_table, names_by_table


def column(key="k", table="t", dimension=4, **options):
    embedding = Embedding(table=table, dimension=dimension)
    return CategoricalColumn(**{"key": key, "embedding": embedding, "vocabulary_list": ("a", "b"), **options})


def test_only_embedded_columns_have_a_table():
    columns = [NumericColumn(key="x"), CategoricalColumn(key="i", indicator=True), column(), column("l")]
    assert {table: [c.key for c in users] for table, users in columns_by_table(columns).items()} == {"t": ["k", "l"]}


def test_an_unshared_table_has_the_columns_name():
    assert list(columns_by_table([CategoricalColumn(key="k"), BucketizedColumn(key="b", boundaries=(1.0,))])) == [
        "k_embedding"
    ]


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"vocabulary_list": ("a", "c")}, r"not their ids[\s\S]*vocabulary_list: \('a', 'b'\) and \('a', 'c'\)"),
        ({"num_oov_buckets": 2}, "num_oov_buckets: 1 and 2"),
        ({"lowercase": True}, "lowercase: False and True"),
        ({"dimension": 5}, r"not its dimension[\s\S]*dimension: 4, as 'k' has it[\s\S]*dimension: 5"),
    ],
)
def test_columns_of_one_table_agree(other, message):
    with pytest.raises(SpecError, match=message):
        columns_by_table([column(), column("l", **other)])


def test_what_acts_on_a_lookup_may_differ():
    summed = Embedding(table="t", dimension=4, combiner="sum", max_norm=1.0)
    text = TextColumn(key="t", vocabulary_list=("a", "b"), embedding=summed)
    assert len(columns_by_table([column(), column("l", embedding=summed, default_value=0)])["t"]) == 2
    # Tokens and terms of one vocabulary may share vectors, for their ids are the same.
    with pytest.raises(SpecError, match="not their ids"):
        columns_by_table([column(), text.model_copy(update={"lowercase": True})])


def test_one_key_in_context_and_sequence_shares_nothing():
    context = CategoricalColumn(key="k", hash_bucket_size=3)
    steps = CategoricalColumn(key="k", hash_bucket_size=5, is_sequence=True)
    assert columns_by_table([context, steps]) == {"context.k_embedding": [context], "k_embedding": [steps]}
    assert list(columns_by_table([context])) == ["k_embedding"]


def test_two_views_of_one_key_in_a_spec_share_nothing():
    one = CategoricalColumn(key="k", hash_bucket_size=3, is_sequence=True)
    other = CategoricalColumn(key="k", hash_bucket_size=5, is_sequence=True)
    assert names_by_table({"sequence.a": one, "sequence.b": other}) == {
        "sequence.a_embedding": ["sequence.a"],
        "sequence.b_embedding": ["sequence.b"],
    }
