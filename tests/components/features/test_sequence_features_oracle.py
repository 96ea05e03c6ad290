"""`SequenceFeatures` against the layer it succeeds, `tf_keras.experimental.SequenceFeatures`.

Generated columns and features go through both, with the same weights: once as the sparse
tensor that tf_keras takes, and through ours also ragged and as padded dense. Where ours
differs on purpose, a test at the end says so.
"""

from __future__ import annotations

import functools

import hypothesis
import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from hypothesis import strategies as st

from tests import feature_columns as given
from tfx_sequences.components.features.feature_column_weights import load_sequence_features_weights
from tfx_sequences.components.features.sequence_features import SequenceFeatures
from tfx_sequences.errors import UserInputError
from tfx_sequences.schemas.columns.column import Scaling
from tfx_sequences.schemas.migration.migrated_columns import from_feature_columns

fc = tf.feature_column

CASES = {
    "numeric": 180,
    "identity": 160,
    "vocabulary_list": 160,
    "vocabulary_file": 120,
    "hash_bucket": 120,
    "several columns": 160,
    "shared embeddings": 120,
}
KEYS = ("x", "b", "z")


def test_there_are_a_thousand_cases():
    assert sum(CASES.values()) >= 1000


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    by_kind = {
        "numeric": given.NUMERIC,
        "identity": given.IDENTITY,
        "vocabulary_list": given.VOCABULARY_LIST,
        "vocabulary_file": given.vocabulary_files(tmp_path_factory.mktemp("vocabularies")),
        "hash_bucket": given.HASH_BUCKET,
    }
    # tf_keras joins numbers of int64 with nothing else.
    numbers = [number for number in given.NUMERIC if number.stored == np.float32]
    joined = [source for kind, some in by_kind.items() if kind != "numeric" for source in some] + numbers
    return {**by_kind, "several columns": joined}


def run_cases(name, strategy, test):
    """Runs the property on as many cases as announced, no fewer."""
    ran = 0

    @hypothesis.settings(max_examples=CASES[name], suppress_health_check=list(hypothesis.HealthCheck))
    @hypothesis.given(strategy)
    def counted(case):
        nonlocal ran
        ran += 1
        test(*case)

    counted()
    assert ran >= CASES[name]


@pytest.mark.parametrize("kind", ["numeric", "identity", "vocabulary_list", "vocabulary_file", "hash_bucket"])
def test_a_column_gives_the_same(kind, sources):
    choices = st.tuples(st.sampled_from(sources[kind]), st.sampled_from(sorted(given.REPRESENTATIONS)))
    run_cases(kind, choices.flatmap(lambda choice: _with_features([choice])), compare)


def test_several_columns_give_the_same(sources):
    # Layers are made for these sets of columns only: making them is what takes time.
    choices = st.integers(0, 29).map(lambda seed: _some_columns(sources["several columns"], seed))
    run_cases("several columns", choices.flatmap(_with_features), compare)


SHARED = [
    (given.IDENTITY[0], {"combiner": "mean"}),
    (given.IDENTITY[2], {"combiner": "sum", "max_norm": 0.7}),
    (given.VOCABULARY_LIST[0], {"combiner": "sqrtn"}),
    (given.HASH_BUCKET[0], {"combiner": "mean", "max_norm": 0.7}),
]


def test_shared_embeddings_give_the_same():
    choices = st.tuples(st.integers(0, len(SHARED) - 1), st.booleans())
    choices = choices.flatmap(lambda c: st.tuples(st.just(c), given.features([SHARED[c[0]][0]] * 2, is_nested=c[1])))
    run_cases("shared embeddings", choices, compare_shared)


@functools.cache
def shared_layers(choice, rank):
    """tf_keras's layer as a function of sparse values (it needs a graph of TensorFlow 1), and ours."""
    source, options = SHARED[choice]
    keys = KEYS[:2]
    with tf.Graph().as_default():
        columns = fc.shared_embeddings([source.build(key) for key in keys], given.DIMENSION, **options)
        dtype = tf.as_dtype(np.dtype(source.stored))
        sparse = {key: tf.compat.v1.sparse_placeholder(dtype, [None] * rank) for key in keys}
        output, lengths = tf_keras.experimental.SequenceFeatures(columns)(sparse, training=False)
        [table] = tf.compat.v1.global_variables()
        weights = tf.compat.v1.placeholder(tf.float32)
        gradient = tf.convert_to_tensor(tf.gradients(tf.reduce_sum(output * weights), table)[0])
        session = tf.compat.v1.Session()
        session.run([tf.compat.v1.global_variables_initializer(), tf.compat.v1.tables_initializer()])
        value = session.run(table)

    def run(values):
        given_sparse = {
            sparse[key]: tf.compat.v1.SparseTensorValue(v.indices.numpy(), v.values.numpy(), v.dense_shape.numpy())
            for key, v in values.items()
        }
        joined, counts = session.run([output, lengths], given_sparse)
        slope = session.run(gradient, {**given_sparse, weights: projection(joined)})
        return joined, counts, {table.op.name.split("/")[-1]: slope}

    own = SequenceFeatures(from_feature_columns(columns))
    load_sequence_features_weights(own, {table.name: value})
    return run, own


def compare_shared(choice, features):
    keys = KEYS[:2]
    run, own = shared_layers(choice[0], 3 if choice[1] else 2)
    expected, lengths, gradients = run({key: f.sparse() for key, f in zip(keys, features, strict=True)})
    compare_forms(own, features, keys, expected, lengths, gradients)


def _some_columns(sources, seed):
    random = np.random.default_rng(seed)
    count = random.integers(2, len(KEYS) + 1)
    some = [sources[i] for i in random.choice(len(sources), count, replace=False)]
    return list(zip(some, (str(name) for name in random.choice(sorted(given.REPRESENTATIONS), count)), strict=True))


def _with_features(choices):
    sources, representations = zip(*choices, strict=True)
    # Of an empty batch of numbers tf_keras makes one step, which it cannot join with none.
    least_rows = 1 if len(sources) > 1 and any(source.size for source in sources) else 0
    return st.tuples(given.features(list(sources), least_rows=least_rows), st.just(representations))


@functools.cache
def layers(columns):
    """tf_keras's layer and ours, with the same weights."""
    theirs = tf_keras.experimental.SequenceFeatures(columns)
    theirs.build(None)
    own = SequenceFeatures(from_feature_columns(columns))
    load_sequence_features_weights(own, theirs)
    return theirs, own


def compare(features, representations):
    keys = KEYS[: len(features)]
    columns = tuple(
        given.column(feature.source, representation, key)
        for feature, representation, key in zip(features, representations, keys, strict=True)
    )
    theirs, own = layers(columns)
    sparse = {key: feature.sparse() for key, feature in zip(keys, features, strict=True)}
    with tf.GradientTape() as tape:
        expected, lengths = theirs(sparse)
        expected = tf.cast(expected, tf.float32)
        loss = tf.reduce_sum(expected * projection(expected))
    gradients = {
        name: tf.convert_to_tensor(gradient)
        for name, gradient in tape.gradient(loss, {v.name: v for v in theirs.weights}).items()
    }
    compare_forms(own, features, keys, expected.numpy(), lengths.numpy(), gradients)


def compare_forms(own, features, keys, expected, lengths, gradients):
    """Ours, given the features sparse, ragged and dense, against what is expected."""
    sparse = {key: feature.sparse() for key, feature in zip(keys, features, strict=True)}
    ragged = {key: feature.ragged() for key, feature in zip(keys, features, strict=True)}
    dense = {key: feature.dense() for key, feature in zip(keys, features, strict=True)}
    steps, longest = features[0].steps, max(features[0].lengths, default=0)
    compare_output(own, sparse, None, max(steps, 1), expected, lengths, gradients)
    compare_output(own, ragged, None, max(longest, 1), expected, lengths, gradients)
    if all(value is not None for value in dense.values()):
        compare_output(own, dense, lengths, max(steps, 1), expected, lengths, gradients)


def compare_output(own, values, given_lengths, steps, expected, lengths, gradients):
    tables = {name: own.tables.weights_of(name).value for name in own.tables.names}
    with tf.GradientTape() as tape:
        output, output_lengths = own(values, sequence_length=given_lengths)
        loss = tf.reduce_sum(output * projection(output))
    np.testing.assert_array_equal(output_lengths, lengths)
    assert output.shape == (len(lengths), steps, expected.shape[-1])
    mask = np.arange(steps) < lengths[:, None]
    np.testing.assert_array_equal(output._keras_mask, mask)
    common = min(steps, expected.shape[1])
    output = output.numpy()
    real = mask[:, :common]
    np.testing.assert_allclose(output[:, :common][real], expected[:, :common][real], rtol=1e-6, atol=1e-6)
    assert not output[~mask].any()
    compare_gradients(tape.gradient(loss, tables), gradients)


def compare_gradients(found, expected):
    assert len(found) == len(expected)
    for table, gradient in found.items():
        [theirs] = [value for name, value in expected.items() if f"{table}/" in name or name == table]
        np.testing.assert_allclose(tf.convert_to_tensor(gradient), theirs, rtol=1e-5, atol=1e-6)


@functools.cache
def _projection():
    return np.random.default_rng(0).uniform(-1, 1, (8, 16, 64)).astype("float32")


def projection(output):
    """Fixed weights of the output's shape, so that each element's gradient is its own."""
    batch, steps, depth = output.shape
    return _projection()[:batch, :steps, :depth]


@pytest.mark.parametrize("name", ["SimpleRNN", "LSTM", "GRU"])
@pytest.mark.parametrize("return_sequences", [False, True])
def test_the_network_on_top_gives_the_same(name, return_sequences):
    columns = [
        given.column(given.IDENTITY[0], "mean", "item"),
        fc.sequence_numeric_column("price"),
    ]
    theirs = tf_keras.experimental.SequenceFeatures(columns)
    rnn = getattr(tf_keras.layers, name)(4, return_sequences=return_sequences, return_state=True)
    features = {
        "item": tf.sparse.from_dense([[1, 2, 3, 4], [0, 0, 0, 0], [4, 0, 0, 0], [2, 2, 0, 0]]),
        "price": tf.sparse.from_dense([[0.1, 0.2, -0.3, 4], [0, 0, 0, 0], [-0.4, 0, 0, 0], [0.5, 0.6, 0, 0]]),
    }
    with tf.GradientTape() as tape:
        sequence_input, sequence_length = theirs(features)
        expected = rnn(sequence_input, mask=tf.sequence_mask(sequence_length, sequence_input.shape[1]))
        loss = tf.reduce_sum(tf.square(expected[0]))
    expected_gradients = tape.gradient(loss, [*theirs.weights, *rnn.weights])

    own = SequenceFeatures(from_feature_columns(columns))
    own_rnn = getattr(keras.layers, name)(4, return_sequences=return_sequences, return_state=True)
    load_sequence_features_weights(own, theirs)
    own_rnn.build((None, None, own.width))
    own_rnn.set_weights(rnn.get_weights())
    with tf.GradientTape() as tape:
        found = own_rnn(own(features)[0])  # the mask travels along
        loss = tf.reduce_sum(tf.square(found[0]))
    variables = [own.tables.weights_of("item_embedding").value, *(v.value for v in own_rnn.weights)]
    gradients = tape.gradient(loss, variables)

    assert len(found) == len(expected)
    for ours, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, other, rtol=1e-6, atol=1e-6)
    for ours, other in zip(gradients, expected_gradients, strict=True):
        np.testing.assert_allclose(tf.convert_to_tensor(ours), tf.convert_to_tensor(other), rtol=1e-5, atol=1e-6)


# Where ours differs on purpose.


def both(columns):
    return layers(tuple(columns))


def test_difference_padding_is_zero_where_tf_keras_has_the_default_value():
    theirs, own = both([fc.sequence_numeric_column("x", default_value=9.0)])
    x = {"x": tf.sparse.from_dense([[1.0, 2.0], [3.0, 0.0]])}
    np.testing.assert_array_equal(theirs(x)[0][..., 0], [[1, 2], [3, 9]])
    np.testing.assert_array_equal(own(x)[0][..., 0], [[1, 2], [3, 0]])


def test_difference_there_is_always_a_step():
    theirs, own = both([fc.sequence_numeric_column("x")])
    x = {"x": tf.SparseTensor(np.zeros([0, 2], np.int64), np.zeros([0], np.float32), [2, 0])}
    assert theirs(x)[0].shape == (2, 0, 1)
    assert own(x)[0].shape == (2, 1, 1)
    np.testing.assert_array_equal(own(x)[1], [0, 0])


def test_difference_an_empty_batch_of_several_columns_is_taken():
    theirs, own = both([fc.sequence_numeric_column("x"), given.column(given.IDENTITY[0], "mean", "b")])
    x = {
        "x": tf.SparseTensor(np.zeros([0, 2], np.int64), np.zeros([0], np.float32), [0, 0]),
        "b": tf.SparseTensor(np.zeros([0, 2], np.int64), np.zeros([0], np.int64), [0, 0]),
    }
    with pytest.raises(tf.errors.InvalidArgumentError, match="ConcatOp"):
        theirs(x)
    assert own(x)[0].shape == (0, 1, 4)
    assert own(x)[1].shape == (0,)


def test_difference_whole_numbers_come_as_float32():
    theirs, own = both([fc.sequence_numeric_column("x", default_value=0, dtype=tf.int64)])
    x = {"x": tf.sparse.from_dense(np.array([[1, 2]]))}
    assert theirs(x)[0].dtype == tf.int64
    assert own(x)[0].dtype == tf.float32


def test_difference_a_negative_id_is_an_error_where_tf_keras_gives_it_zeros():
    theirs, own = both([given.column(given.IDENTITY[0], "mean", "x")])
    x = {"x": tf.SparseTensor([[0, 0], [0, 1]], [2, -1], [1, 2])}
    assert not theirs(x)[0][0, 1].numpy().any()
    with pytest.raises(UserInputError, match=r"'x' has ids that are out of range[\s\S]*\[0, 5\)[\s\S]*values -1"):
        own(x)


def test_difference_an_indicator_of_ids_out_of_range_is_an_error_where_tf_keras_gives_zeros():
    theirs, own = both([given.column(given.IDENTITY[0], "indicator", "x")])
    x = {"x": tf.SparseTensor([[0, 0], [0, 1]], [2, 5], [1, 2])}
    assert not theirs(x)[0][0, 1].numpy().any()
    with pytest.raises(UserInputError, match=r"'x' has ids that are out of range[\s\S]*values 5"):
        own(x)


def test_difference_an_incomplete_array_is_completed_where_tf_keras_fails():
    theirs, own = both([fc.sequence_numeric_column("x", shape=2)])
    x = {"x": tf.sparse.from_dense([[1.0, 2.0, 3.0], [4.0, 5.0, 0.0]])}
    with pytest.raises(tf.errors.InvalidArgumentError, match="reshape"):
        theirs(x)
    np.testing.assert_array_equal(own(x)[0], [[[1, 2], [3, 0]], [[4, 5], [0, 0]]])
    np.testing.assert_array_equal(own(x)[1], [2, 1])


def test_difference_several_numbers_per_step_are_an_error_where_tf_keras_makes_steps_of_them():
    theirs, own = both([fc.sequence_numeric_column("x")])
    x = {"x": tf.SparseTensor([[0, 0, 0], [0, 0, 1], [0, 1, 0]], [20.0, 3.0, 5.0], [1, 2, 2])}
    np.testing.assert_array_equal(theirs(x)[0][..., 0], [[20, 3, 5, 0]])
    np.testing.assert_array_equal(theirs(x)[1], [2])
    with pytest.raises(UserInputError, match=r"'x' has steps with too many values"):
        own(x)


def test_difference_sparse_features_may_have_different_numbers_of_steps():
    theirs, own = both([fc.sequence_numeric_column("x"), fc.sequence_numeric_column("y")])
    x = {"x": tf.SparseTensor([[0, 0]], [1.0], [1, 1]), "y": tf.SparseTensor([[0, 0]], [2.0], [1, 3])}
    with pytest.raises(tf.errors.InvalidArgumentError, match="ConcatOp"):
        theirs(x)
    np.testing.assert_array_equal(own(x)[0], [[[1, 2], [0, 0], [0, 0]]])


def test_difference_dense_terms_are_all_values_where_tf_keras_drops_empty_ones():
    source = given.VOCABULARY_LIST[2]
    theirs, own = both([given.column(source, "indicator", "x")])
    dense, ragged = tf.constant([["a", ""]]), tf.ragged.constant([["a", ""]])
    np.testing.assert_array_equal(theirs({"x": dense})[1], [1])
    kept, lengths = own({"x": dense}, sequence_length=tf.constant([2]))
    np.testing.assert_array_equal(lengths, [2])
    assert kept[0, 1].numpy().sum() == 1
    np.testing.assert_array_equal(kept, own({"x": ragged})[0])
    np.testing.assert_array_equal(kept, theirs({"x": ragged.to_sparse()})[0])


def test_difference_shared_embeddings_work_outside_graphs_of_tensorflow_1():
    with pytest.raises(RuntimeError, match="not supported when eager"):
        fc.shared_embeddings([given.IDENTITY[0].build("x"), given.IDENTITY[0].build("y")], 2)


def test_the_default_of_steps_is_filled_in_behind_the_normalizer_by_both():
    columns = [fc.sequence_numeric_column("x", default_value=9.0, normalizer_fn=_halved)]
    own = SequenceFeatures(from_feature_columns(columns, normalizers={"x": Scaling(offset=1.0, scale=0.5)}))
    x = {"x": tf.SparseTensor([[0, 0], [0, 2]], [3.0, 5.0], [1, 3])}
    expected, _ = tf_keras.experimental.SequenceFeatures(columns)(x)
    np.testing.assert_array_equal(expected[..., 0], [[1, 9, 2]])
    np.testing.assert_array_equal(own(x)[0], expected)


def _halved(sparse):
    return sparse.with_values((sparse.values - 1.0) * 0.5)
