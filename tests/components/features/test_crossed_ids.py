"""Crossed features in layers, against `tf.sparse.cross_hashed` and `tf_keras.layers.DenseFeatures`."""

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import tfx_sequences as tfs
from tfx_sequences.components.features.feature_column_weights import load_sequence_features_weights
from tfx_sequences.components.features.sequence_features import ContextFeatures, SequenceFeatures
from tfx_sequences.errors import UserInputError
from tfx_sequences.schemas.columns.column import CrossedColumn
from tfx_sequences.schemas.migration.migrated_columns import from_feature_columns

fc = tf.feature_column
BUCKETS = 50
ITEMS = [[["a"], ["b"], []], [], [["c"]]]
HOURS = [[[3], [4], [5]], [], [[-7]]]


def hashed(items, hours, hash_key=None):
    """The ids of a step, in the order of TensorFlow's."""
    sparse = [tf.sparse.from_dense([items]) if items else None, tf.sparse.from_dense([[h + 10 for h in hours]])]
    if sparse[0] is None:
        return []
    sparse[1] = tf.SparseTensor(sparse[1].indices, sparse[1].values - 10, sparse[1].dense_shape)
    options = {} if hash_key is None else {"hash_key": hash_key}
    return tf.sparse.cross_hashed(sparse, BUCKETS, **options).values.numpy().tolist()


def counts(items, hours, hash_key=None):
    longest = max(map(len, items))
    found = np.zeros((len(items), longest, BUCKETS))
    for row, steps in enumerate(items):
        for step, terms in enumerate(steps):
            for id_ in hashed(terms, hours[row][step], hash_key):
                found[row, step, id_] += 1
    return found


def ragged(rows, dtype):
    return tf.ragged.constant(rows, dtype=dtype, ragged_rank=2)


@pytest.mark.parametrize("hash_key", [None, 7])
def test_ids_of_steps_are_those_of_tensorflow(hash_key):
    column = tfs.indicator_column(tfs.sequence_crossed_column(["item", "hour"], BUCKETS, hash_key))
    layer = SequenceFeatures([column])
    features = {"item": ragged(ITEMS, tf.string), "hour": ragged(HOURS, tf.int64)}
    output, lengths = layer(features)
    np.testing.assert_array_equal(output, counts(ITEMS, HOURS, hash_key))
    np.testing.assert_array_equal(lengths, [3, 0, 1])
    in_graph, _ = tf.function(lambda given: layer(given))(features)
    np.testing.assert_array_equal(in_graph, output)


def test_padded_steps_are_not_looked_at():
    items, hours = [[["a"], ["b"]], [], [["c"]]], [[[3], [4]], [], [[2]]]
    layer = SequenceFeatures([tfs.indicator_column(tfs.sequence_crossed_column(["item", "hour"], BUCKETS))])
    dense = {
        "item": np.array([["a", "b", "junk"], ["junk"] * 3, ["c", "junk", ""]], object),
        "hour": np.array([[3, 4, 9], [9, 9, 9], [2, 9, 9]]),
        "sequence_length": np.array([2, 0, 1]),
    }
    output, _ = layer(dense)
    np.testing.assert_array_equal(output[:, :2], counts(items, hours))
    assert not output[:, 2:].numpy().any()


def test_several_values_of_a_step_are_all_combined():
    items, hours = [[["a", "b"], ["c"]]], [[[1, 2], [3]]]
    column = tfs.indicator_column(tfs.sequence_crossed_column(["item", "hour"], BUCKETS, multi_valued=True))
    features = {"item": ragged(items, tf.string), "hour": ragged(hours, tf.int64)}
    expected = counts(items, hours)
    assert expected[0, 0].sum() == 4
    np.testing.assert_array_equal(SequenceFeatures([column])(features)[0], expected)
    sparse = {key: value.to_sparse() for key, value in features.items()}
    np.testing.assert_array_equal(SequenceFeatures([column])(sparse)[0], expected)


@pytest.mark.parametrize("representation", ["indicator", "mean", "sqrtn"])
def test_features_of_the_record_are_as_in_dense_features(representation):
    crossed = fc.crossed_column(["b", "a"], BUCKETS)
    theirs = fc.indicator_column(crossed)
    if representation != "indicator":
        theirs = fc.embedding_column(crossed, 3, combiner=representation)
    upstream = tf_keras.layers.DenseFeatures([theirs])
    upstream.build(None)
    own = ContextFeatures(from_feature_columns([theirs]))
    load_sequence_features_weights(own, upstream)
    a = tf.ragged.constant([["x", "y"], [], ["z"]])
    b = tf.ragged.constant([[1], [2], [3, 4]], dtype=tf.int64)
    expected = upstream({"a": a.to_sparse(), "b": b.to_sparse()})
    np.testing.assert_allclose(own({"a": a, "b": b}), expected, rtol=1e-6)
    np.testing.assert_allclose(own({"a": a.to_sparse(), "b": b.to_sparse()}), expected, rtol=1e-6)
    dense = {"a": tf.constant([["x"], [""], ["z"]]), "b": tf.constant([[1], [2], [3]], tf.int64)}
    np.testing.assert_allclose(own(dense), upstream(dense), rtol=1e-6)


def test_gradients_go_to_the_rows_that_are_looked_up():
    column = tfs.embedding_column(tfs.sequence_crossed_column(["item", "hour"], BUCKETS), 2)
    layer = SequenceFeatures([column])
    layer.build()
    table = layer.trainable_variables[0].value
    with tf.GradientTape() as tape:
        output, _ = layer({"item": ragged(ITEMS, tf.string), "hour": ragged(HOURS, tf.int64)})
        loss = tf.reduce_sum(output)
    gradient = tf.convert_to_tensor(tape.gradient(loss, table)).numpy()
    np.testing.assert_array_equal(gradient[:, 0], counts(ITEMS, HOURS).sum((0, 1)))


def test_features_of_other_lengths_are_refused():
    layer = SequenceFeatures([tfs.indicator_column(tfs.sequence_crossed_column(["item", "hour"], BUCKETS))])
    with pytest.raises(UserInputError, match="different numbers of steps"):
        layer({"item": ragged(ITEMS, tf.string), "hour": ragged([[[3]], [], [[1]]], tf.int64)})


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"keys": ("a",)}, "at least 2 items"),
        ({"keys": ("a", "a")}, "keys contains a feature twice"),
        ({"keys": ("a", "b"), "dtypes": {"c": "int64"}}, "'c', which is not one of the keys"),
        ({"keys": ("a", "b"), "align": {"to": "t"}, "timestamps": "x", "is_sequence": True}, "does not suit"),
    ],
)
def test_what_cannot_be_declared(fields, told):
    with pytest.raises(ValueError, match=told):
        CrossedColumn(hash_bucket_size=9, **fields)
