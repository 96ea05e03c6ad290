"""The builders keep to `tf.feature_column`: names, arguments and defaults."""

import inspect

import pytest
import tensorflow as tf

import tfx_sequences as tfs
from tfx_sequences.errors import SpecError
from tfx_sequences.schemas.columns import feature_columns, representations
from tfx_sequences.schemas.columns.column import BucketizedColumn, CategoricalColumn, NumericColumn, Scaling, TextColumn

# Ours alone: what TFT makes possible, text, and sequences in buckets.
OURS_ALONE = {
    "categorical_column_with_vocabulary",
    "sequence_categorical_column_with_vocabulary",
    "sequence_bucketized_column",
    "sequence_text_column",
    "text_column",
}
MODULES = (feature_columns, representations)
BUILDERS = {n for n, module in tfs._MODULES.items() if module in {m.__name__ for m in MODULES}}


@pytest.mark.parametrize("name", sorted(BUILDERS - OURS_ALONE))
def test_arguments_are_those_of_tf_feature_column(name):
    theirs = inspect.signature(
        getattr(tf.feature_column, "shared_embeddings" if name == "shared_embedding_columns" else name)
    )
    ours = inspect.signature(getattr(tfs, name))
    # A function or a checkpoint cannot be written to a spec; a vocabulary file is a text file.
    left_out = {"normalizer_fn", "ckpt_to_load_from", "tensor_name_in_ckpt", "use_safe_embedding_lookup", "file_format"}
    names = [n for n in theirs.parameters if n not in left_out]
    positional = [n for n, p in ours.parameters.items() if p.kind is not inspect.Parameter.KEYWORD_ONLY]
    assert [n for n in positional if n != "normalizer"] == names
    for parameter in names:
        default = theirs.parameters[parameter].default
        if default is not inspect.Parameter.empty and parameter != "dtype":
            assert ours.parameters[parameter].default == default, parameter


def test_every_builder_is_public():
    functions = {n for m in MODULES for n, f in vars(m).items() if getattr(f, "__module__", None) == m.__name__}
    assert {n for n in functions if inspect.isfunction(getattr(tfs, n, None))} == BUILDERS
    assert not [n for n in functions - BUILDERS if not n.startswith("_")]


def test_they_make_columns():
    assert tfs.sequence_numeric_column("x", 3) == NumericColumn(
        key="x", shape=(3,), is_sequence=True, default_value=0.0, normalizer="none"
    )
    assert tfs.numeric_column("x", normalizer=Scaling(scale=2.0)).normalizer == Scaling(scale=2.0)
    assert tfs.categorical_column_with_identity("k", 5) == CategoricalColumn(
        key="k", dtype="int64", num_buckets=5, multi_valued=True
    )
    assert tfs.sequence_categorical_column_with_hash_bucket("k", 5, dtype=tf.int64).dtype == "int64"
    assert tfs.sequence_bucketized_column(tfs.sequence_numeric_column("x"), [1, 2]) == BucketizedColumn(
        key="x", is_sequence=True, shape=(1,), boundaries=(1.0, 2.0), default_value=0.0
    )
    assert tfs.text_column("t", vocabulary_list=("a",)) == TextColumn(key="t", vocabulary_list=("a",))
    listed = tfs.sequence_categorical_column_with_vocabulary_list("k", [b"a", "b"])
    assert (listed.vocabulary_list, listed.default_value) == (("a", "b"), -1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: tfs.numeric_column("x", shape=0), "Invalid NumericColumn of 'x'"),
        (lambda: tfs.numeric_column("x", dtype="complex64"), r"'x' has a dtype[\s\S]*complex64"),
        (lambda: tfs.categorical_column_with_identity("k", 0), "Invalid CategoricalColumn of 'k'"),
        (lambda: tfs.categorical_column_with_identity("k", 3, default_value=3), "not an id"),
        (lambda: tfs.categorical_column_with_vocabulary_list("k", []), "vocabulary_list is empty"),
        (lambda: tfs.categorical_column_with_vocabulary_list("k", ["a", "a"]), "terms twice: a"),
        (
            lambda: tfs.categorical_column_with_vocabulary_list("k", ["a"], default_value=0, num_oov_buckets=1),
            "two ids",
        ),
        (lambda: tfs.categorical_column_with_hash_bucket("k", -1), "Invalid CategoricalColumn of 'k'"),
        (lambda: tfs.bucketized_column(tfs.numeric_column("x"), [2, 1]), "must rise"),
        (lambda: tfs.bucketized_column(tfs.sequence_numeric_column("x"), [1]), "a numeric_column"),
        (lambda: tfs.sequence_bucketized_column(tfs.numeric_column("x"), [1]), "a sequence_numeric_column"),
        (lambda: tfs.bucketized_column(tfs.numeric_column("x", normalizer="log1p"), [1]), "without a normalizer"),
        (lambda: tfs.text_column("t", split="words"), "split"),
        (lambda: tfs.text_column("t", spilt="bytes"), "Did you mean 'split'"),
        (lambda: tfs.text_column("t", split="regex"), "pattern and 'split: regex' must be set together"),
        (lambda: tfs.text_column("t", split="regex", pattern="a*"), "matches the empty string"),
        (lambda: tfs.text_column("t", split="regex", pattern="("), "not a regular expression"),
    ],
)
def test_mistakes_are_told(make, message):
    with pytest.raises(SpecError, match=message):
        make()
