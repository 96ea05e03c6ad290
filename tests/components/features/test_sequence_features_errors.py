"""Each misuse that upstream's tests know, and what ours says of it: eagerly, and in a graph."""

import re

import numpy as np
import pytest
import tensorflow as tf

import tfx_sequences as ours
from tfx_sequences.components.features.sequence_features import ContextFeatures, SequenceFeatures
from tfx_sequences.errors import SpecError, UserInputError

IDS = ours.sequence_categorical_column_with_identity("item", num_buckets=3)
ITEM = ours.embedding_column(IDS, dimension=2)
PRICE = ours.sequence_numeric_column("price")
PLACE = ours.sequence_numeric_column("place", shape=2)
WORD = ours.embedding_column(ours.sequence_categorical_column_with_hash_bucket("word", 5), dimension=2)
CONTEXT_IDS = ours.categorical_column_with_identity("item", num_buckets=3)


def ragged(rows, dtype=None):
    return tf.ragged.constant(rows, dtype)


def sparse(rows, dtype=None):
    return ragged(rows, dtype).to_sparse()


def in_graph(layer, features):
    """Calls the layer in a traced function, on features whose shapes it does not know."""

    def unknown(value):
        spec = tf.type_spec_from_value(value)
        if isinstance(spec, tf.RaggedTensorSpec):
            return tf.RaggedTensorSpec([None] * spec.shape.rank, spec.dtype, spec.ragged_rank, spec.row_splits_dtype)
        return type(spec)([None] * spec.shape.rank, spec.dtype)

    features = {key: tf.constant(v) if isinstance(v, np.ndarray) else v for key, v in features.items()}
    signature = [{key: unknown(value) for key, value in features.items()}]
    # Keras traces without AutoGraph too; that would wrap the error in one of its own.
    return tf.function(layer, input_signature=signature, autograph=False)(features)


def refused(layer, features, message, in_graphs=UserInputError):
    """Both ways of calling it say the same; `in_graphs` is the class of error of the second."""
    with pytest.raises(UserInputError, match=message):
        layer(features)
    with pytest.raises(in_graphs) as caught:
        in_graph(layer, features)
    # An assertion in a graph has its quotes escaped.
    assert re.search(message, str(caught.value).replace("\\", "")), caught.value


IN_GRAPHS = tf.errors.InvalidArgumentError


@pytest.mark.parametrize(
    "column",
    [
        ours.numeric_column("item"),
        ours.embedding_column(CONTEXT_IDS, dimension=2),
        ours.indicator_column(CONTEXT_IDS),
        ours.shared_embedding_columns([CONTEXT_IDS], dimension=2)[0],
        ours.bucketized_column(ours.numeric_column("item"), [0.0]),
    ],
)
def test_a_column_that_is_no_sequence(column):
    with pytest.raises(UserInputError, match=r"a context column, 'item'\.\n.*ContextFeatures, or create the matching"):
        SequenceFeatures([PRICE, column])


@pytest.mark.parametrize("column", [PRICE, ITEM, ours.indicator_column(IDS)])
def test_a_sequence_column_among_context_columns(column):
    with pytest.raises(UserInputError, match=f"ContextFeatures was given a sequence column, '{column.key}'"):
        ContextFeatures([column])
    with pytest.raises(UserInputError, match=f"ContextFeatures was given a sequence column, '{column.key}'"):
        SequenceFeatures([WORD], context_columns=[column])


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ([], "needs at least one column"),
        ({"price": PRICE}, r"needs a list of columns[\s\S]*dict"),
        ("price", r"needs a list of columns[\s\S]*str"),
        (3, r"needs a list of columns[\s\S]*int"),
        (["price"], r"an object that is not a column[\s\S]*builtins.str"),
        (
            [tf.feature_column.sequence_numeric_column("x")],
            r"not a column[\s\S]*SequenceNumericColumn[\s\S]*from_feature",
        ),
    ],
)
def test_what_is_no_list_of_columns(columns, message):
    for layer in (SequenceFeatures, ContextFeatures):
        with pytest.raises(UserInputError, match=message):
            layer(columns)


def test_a_column_given_twice():
    with pytest.raises(UserInputError, match="the column 'price' twice"):
        SequenceFeatures([PRICE, ITEM, PRICE])


def test_columns_of_unequal_length():
    layer = SequenceFeatures([PRICE, ITEM, WORD])
    rows = {"price": [[0.1, 0.2], [0.3], [0.4]], "item": [[1], [2], [0, 1, 2]], "word": [["a"], ["b"], ["a", "b", "c"]]}
    message = (
        r"Features 'item', 'price', 'word' have different numbers of steps[\s\S]*the same length"
        r"[\s\S]*rows[^\d]*0[^\d]+2[^\d]*'item':?[^\d]*1[^\d]+3[^\d]*'price':?[^\d]*2[^\d]+1"
    )
    for form in (ragged, sparse):
        given = {key: form(value) for key, value in rows.items()}
        refused(layer, given, message, IN_GRAPHS)


def test_a_length_that_is_not_the_features():
    layer = SequenceFeatures([PRICE])
    refused(
        layer,
        {"price": ragged([[0.1, 0.2], [0.3]]), "sequence_length": np.array([2, 2])},
        r"'price', 'sequence_length' have different numbers of steps",
        IN_GRAPHS,
    )
    refused(
        layer,
        {"price": np.zeros((2, 3), "float32"), "sequence_length": np.array([2, 4])},
        r"sequence_length does not match[\s\S]*2[^\d]+4[\s\S]*3",
        IN_GRAPHS,
    )


def test_dense_features_without_a_length():
    refused(SequenceFeatures([PRICE]), {"price": np.zeros((2, 3), "float32")}, r"without their lengths[\s\S]*'price'")


@pytest.mark.parametrize(
    ("rows", "wrong"), [([[0, 1], [3, -1]], r"3[^\d]+-1[\s\S]*1[^\d]+1"), ([[0, 9]], r"9[\s\S]*in rows[^\d]*0")]
)
@pytest.mark.parametrize("column", [ITEM, ours.indicator_column(IDS)])
def test_ids_out_of_range(column, rows, wrong):
    message = r"'item' has ids that are out of range[\s\S]*\[0, 3\)[\s\S]*" + wrong
    layer = SequenceFeatures([column])
    for form in (ragged, sparse):
        refused(layer, {"item": form(rows)}, message, IN_GRAPHS)
    dense = {"item": np.array(rows), "sequence_length": np.array([2] * len(rows))}
    refused(layer, dense, message, IN_GRAPHS)


def test_ids_out_of_range_in_the_context():
    layer = ContextFeatures([ours.embedding_column(CONTEXT_IDS, dimension=2)])
    refused(layer, {"item": np.array([[1], [3]])}, r"\[0, 3\)[\s\S]*3[\s\S]*1", IN_GRAPHS)


def test_unknown_terms_where_they_are_refused():
    column = ours.sequence_categorical_column_with_vocabulary_list("word", ["a", "b"], default_value=None)
    layer = SequenceFeatures([ours.indicator_column(column)])
    refused(
        layer, {"word": ragged([["a"], ["z"]])}, r"'word' has unknown terms[\s\S]*z", tf.errors.InvalidArgumentError
    )


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        (PRICE, np.array([1.0, 2.0], "float32"), r"'price' has a wrong rank[\s\S]*\[B, T, \.\.\.\]"),
        (PRICE, np.float32(1.0), r"'price' has a wrong rank"),
        (PRICE, np.zeros((2, 3, 4), "float32"), r"'price' has a wrong rank[\s\S]*one number per step, \[B, T\]"),
        (PLACE, np.zeros((2, 3), "float32"), r"'place' has a wrong rank[\s\S]*\[B, T, 2\]"),
        (PLACE, np.zeros((2, 3, 3), "float32"), r"'place' has a wrong rank[\s\S]*\[B, T, 2\]"),
        (PLACE, np.zeros((2, 3, 1, 1, 1), "float32"), r"'place' has a wrong rank[\s\S]*\[B, T, 2\]"),
        (ITEM, np.zeros((2, 3, 1, 1), "int64"), r"'item' has a wrong rank[\s\S]*\[B, T, V\]"),
        (ITEM, np.array([1, 2]), r"'item' has a wrong rank"),
    ],
)
def test_a_wrong_rank_or_shape(column, value, message):
    layer = SequenceFeatures([column])
    with pytest.raises(UserInputError, match=message):
        layer({column.key: value, "sequence_length": np.array([1, 1])})
    with pytest.raises(UserInputError, match=message):
        tf.function(layer, autograph=False)({column.key: tf.constant(value), "sequence_length": tf.constant([1, 1])})


def test_steps_of_too_many_numbers():
    layer = SequenceFeatures([PRICE, PLACE])
    place = [[[1.0, 2.0]], [[3.0, 4.0, 5.0]]]
    for form in (ragged, sparse):
        given = {"price": form([[1.0], [2.0]]), "place": form(place)}
        refused(layer, given, r"'place' has steps with too many values[\s\S]*2 per step", IN_GRAPHS)


@pytest.mark.parametrize("features", [[1.0, 2.0], np.zeros((2, 3)), None, "price"])
def test_features_that_are_no_dict(features):
    for layer in (SequenceFeatures([PRICE]), ContextFeatures([ours.numeric_column("price")])):
        with pytest.raises(UserInputError, match=r"not given a dict of features[\s\S]*'price'"):
            layer(features)


def test_a_missing_feature():
    refused(
        SequenceFeatures([PRICE, ITEM]),
        {"prices": ragged([[1.0]]), "item": ragged([[1]])},
        r"not given the feature 'price'[\s\S]*'item', 'prices'[\s\S]*Did you mean 'prices'",
    )
    refused(ContextFeatures([ours.numeric_column("age")]), {"ages": np.zeros(2)}, r"'age'[\s\S]*Did you mean 'ages'")


@pytest.mark.parametrize(
    ("column", "rows", "message"),
    [
        (PRICE, [["1.0"]], r"'price' has a wrong dtype[\s\S]*numbers[\s\S]*string[\s\S]*Convert"),
        (PLACE, [[["1.0", "2"]]], r"'place' has a wrong dtype[\s\S]*numbers[\s\S]*string"),
        (ITEM, [["1"]], r"'item' has a wrong dtype[\s\S]*integers \(ids\)[\s\S]*string"),
        (ITEM, [[1.0]], r"'item' has a wrong dtype[\s\S]*integers \(ids\)[\s\S]*float32"),
        (WORD, [[1]], r"'word' has a wrong dtype[\s\S]*strings[\s\S]*int32"),
    ],
)
def test_strings_for_numbers_and_the_other_way_round(column, rows, message):
    for form in (ragged, sparse):
        refused(SequenceFeatures([column]), {column.key: form(rows)}, message)


def test_features_of_different_batches():
    rows = {"price": ragged([[0.1], [0.2]]), "item": ragged([[1], [2], [0]])}
    message = r"have different numbers of rows[\s\S]*'item', 'price'[^\d]*3[^\d]+2"
    refused(SequenceFeatures([PRICE, ITEM]), rows, message, IN_GRAPHS)
    layer = ContextFeatures([ours.numeric_column("price"), ours.numeric_column("age")])
    values = {"price": np.zeros(2, "float32"), "age": np.zeros(3, "float32")}
    message = r"have different numbers of rows[\s\S]*'age', 'price'[^\d]*3[^\d]+2"
    refused(layer, values, message, IN_GRAPHS)


def test_context_of_a_different_batch():
    layer = SequenceFeatures([PRICE], context_columns=[ours.numeric_column("age")])
    for rows in (3, 1):  # one row would be repeated for all
        values = {"price": ragged([[0.1], [0.2]]), "age": np.zeros(rows, "float32")}
        message = rf"have different numbers of rows[\s\S]*'price', 'age'[^\d]*2[^\d]+{rows}"
        refused(layer, values, message, IN_GRAPHS)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.float32(3), r"'price' has a wrong rank[\s\S]*\[B, \.\.\.\]"),
        (np.zeros((2, 2), "float32"), r"'price' has a wrong rank"),
    ],
)
def test_a_context_feature_of_wrong_rank(value, message):
    with pytest.raises(UserInputError, match=message):
        ContextFeatures([ours.numeric_column("price")])({"price": value})


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: ours.sequence_numeric_column("x", shape=[1.0]), r"'x': shape.*integer"),
        (lambda: ours.sequence_numeric_column("x", shape=[0]), r"'x': shape.*greater than 0"),
        (lambda: ours.sequence_numeric_column("x", dtype=tf.string), "'x'"),
        (lambda: ours.sequence_numeric_column("x", normalizer=abs), r"'x': normalizer"),
        (lambda: ours.sequence_numeric_column("x", default_value="a"), r"'x'"),
        (lambda: ours.sequence_categorical_column_with_identity("x", 0), r"'x': num_buckets.*greater than 0"),
        (
            lambda: ours.sequence_categorical_column_with_identity("x", 3, default_value=3),
            r"'x': default_value 3 is not an id in \[0, 3\)",
        ),
        (lambda: ours.sequence_categorical_column_with_hash_bucket("x", 0), r"'x': hash_bucket_size"),
        (lambda: ours.sequence_categorical_column_with_hash_bucket("x", 4, dtype=tf.float32), r"'x': dtype"),
        (
            lambda: ours.sequence_categorical_column_with_vocabulary_list("x", []),
            r"'x': .* is empty",
        ),
        (lambda: ours.sequence_categorical_column_with_vocabulary_list("x", ["a", "a"]), r"'x': .*twice: a"),
        (
            lambda: ours.sequence_categorical_column_with_vocabulary_list("x", ["a"], dtype=tf.int64),
            r"'x': vocabulary_list must contain values of dtype int64",
        ),
        (
            lambda: ours.sequence_categorical_column_with_vocabulary_list("x", ["a"], 0, 2),
            r"'x' has a dtype",  # the arguments are upstream's: third comes dtype
        ),
        (
            lambda: ours.sequence_categorical_column_with_vocabulary_list(
                "x", ["a"], default_value=0, num_oov_buckets=2
            ),
            r"'x' assigns two ids to unknown terms",
        ),
        (
            lambda: SequenceFeatures([ours.sequence_categorical_column_with_vocabulary_file("x", "/no/such/file")]),
            r"'x' cannot be read[\s\S]*/no/such/file",
        ),
        (lambda: ours.embedding_column(IDS, dimension=0), "Invalid Embedding: dimension.*greater than 0"),
        (lambda: ours.embedding_column(IDS, dimension=2, combiner="max"), "combiner"),
        (lambda: ours.embedding_column(IDS, dimension=2, max_norm=-1.0), "max_norm"),
        (lambda: ours.embedding_column(IDS, dimension=2, initializer="zero"), "initializer"),
        (lambda: ours.embedding_column(PRICE, dimension=2), r"embedding_column was given a column without ids"),
        (lambda: ours.indicator_column(PRICE), r"indicator_column was given a column without ids"),
        (lambda: ours.bucketized_column(CONTEXT_IDS, [0]), "Only numbers without a normalizer can be bucketized"),
        (lambda: ours.bucketized_column(ours.numeric_column("x"), [1, 0]), r"'x': boundaries must rise"),
        (lambda: ours.bucketized_column(ours.numeric_column("x"), []), r"'x': boundaries"),
    ],
)
def test_columns_that_cannot_be(build, message):
    with pytest.raises(SpecError, match=message):
        build()
