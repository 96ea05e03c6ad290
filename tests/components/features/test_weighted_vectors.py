"""Weighted ids in the layers, against `tf.nn.safe_embedding_lookup_sparse` and `tf_keras.layers.DenseFeatures`."""

import hypothesis
import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from hypothesis import strategies as st

import tfx_sequences as tfs
from tfx_sequences.components.features.feature_column_weights import load_sequence_features_weights
from tfx_sequences.components.features.sequence_features import ContextFeatures, SequenceFeatures
from tfx_sequences.errors import SpecError, UserInputError
from tfx_sequences.schemas.migration.migrated_columns import from_feature_columns

fc = tf.feature_column
TABLE = np.arange(10.0, dtype="float32").reshape(5, 2) - 3
COMBINERS = ["sum", "mean", "sqrtn"]
IDS = [[[1, 2], [0]], [], [[], [2, 2, 1], [4]]]
WEIGHTS = [[[0.5, 2.0], [3.0]], [], [[], [1.0, -1.0, 0.25], [0.0]]]


def layer_of(how, is_sequence=True, max_norm=None):
    build = tfs.sequence_categorical_column_with_identity if is_sequence else tfs.categorical_column_with_identity
    weighted = tfs.weighted_categorical_column(build("k", 5), "w")
    layer = (SequenceFeatures if is_sequence else ContextFeatures)(
        [tfs.embedding_column(weighted, 2, combiner=how, max_norm=max_norm)]
    )
    layer.build()
    layer.trainable_variables[0].assign(TABLE)
    return layer


def expected(ids, weights, how, max_norm=None):
    """`[B, T, D]`, every step a row of TensorFlow's own lookup; and the gradient of its sum of squares."""
    steps = max(map(len, ids), default=0) or 1
    cells = [row[t] if t < len(row) else [] for row in ids for t in range(steps)]
    of_cells = [row[t] if t < len(row) else [] for row in weights for t in range(steps)]
    table = tf.Variable(TABLE)
    with tf.GradientTape() as tape:
        found = tf.nn.safe_embedding_lookup_sparse(
            table,
            tf.ragged.constant(cells, dtype=tf.int64, ragged_rank=1).to_sparse(),
            tf.ragged.constant(of_cells, dtype=tf.float32, ragged_rank=1).to_sparse(),
            combiner=how,
            max_norm=max_norm,
        )
        loss = tf.reduce_sum(tf.square(found))
    gradient = tf.convert_to_tensor(tape.gradient(loss, table))
    # Rows without any value at the end are none in the sparse form.
    full = np.zeros((len(cells), 2), "float32")
    full[: len(found)] = found
    return full.reshape(len(ids), steps, 2), gradient


def forms(ids, weights):
    ragged = tf.ragged.constant(ids, dtype=tf.int64, ragged_rank=2)
    of_weights = tf.ragged.constant(weights, dtype=tf.float32, ragged_rank=2)
    yield {"k": ragged, "w": of_weights}, ragged.row_lengths()
    # A row's end is not known from sparse values, where its last step has none.
    if all(not row or row[-1] for row in ids):
        yield {"k": ragged.to_sparse(), "w": of_weights.to_sparse()}, ragged.row_lengths()


def compare(how, ids, weights, max_norm=None):
    layer = layer_of(how, max_norm=max_norm)
    vectors, slope = expected(ids, weights, how, max_norm)
    table = layer.trainable_variables[0].value
    for features, lengths in forms(ids, weights):
        with tf.GradientTape() as tape:
            output, found_lengths = layer(features)
            loss = tf.reduce_sum(tf.square(output))
        np.testing.assert_array_equal(found_lengths, lengths)
        np.testing.assert_allclose(output, vectors, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(tf.convert_to_tensor(tape.gradient(loss, table)), slope, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("max_norm", [None, 1.5])
@pytest.mark.parametrize("how", COMBINERS)
def test_vectors_are_weighed_as_tensorflow_does(how, max_norm):
    compare(how, IDS, WEIGHTS, max_norm)


@hypothesis.settings(max_examples=40, deadline=None)
@hypothesis.given(
    st.sampled_from(COMBINERS),
    st.lists(
        st.lists(
            st.lists(st.tuples(st.integers(0, 4), st.sampled_from([-1.0, 0.0, 0.5, 1.0, 3.0])), max_size=3), max_size=3
        ),
        min_size=1,
        max_size=3,
    ),
)
def test_any_ids_and_weights_are_weighed_as_tensorflow_does(how, rows):
    compare(
        how,
        [[[i for i, _ in step] for step in row] for row in rows],
        [[[w for _, w in step] for step in row] for row in rows],
    )


@pytest.mark.parametrize("how", COMBINERS)
def test_padding_changes_neither_vectors_nor_gradients(how):
    """Dense ids, -1 after the last of a step, whose padding holds NaN as weights."""
    column = layer_of(how).columns[0].model_copy(update={"default_value": -1})
    layer = SequenceFeatures([column])
    layer.build()
    layer.trainable_variables[0].assign(TABLE)
    vectors, slope = expected(IDS, WEIGHTS, how)
    ids = tf.ragged.constant(IDS, dtype=tf.int64, ragged_rank=2).to_tensor(-1, shape=[3, 5, 4])
    weights = tf.ragged.constant(WEIGHTS, dtype=tf.float32, ragged_rank=2).to_tensor(np.nan, shape=[3, 5, 4])
    table = layer.trainable_variables[0].value
    with tf.GradientTape() as tape:
        output, _ = layer({"k": ids, "w": weights, "sequence_length": np.array([2, 0, 3])})
        loss = tf.reduce_sum(tf.square(output))
    np.testing.assert_allclose(output[:, :3], vectors, rtol=1e-6)
    assert not output[:, 3:].numpy().any()
    np.testing.assert_allclose(tf.convert_to_tensor(tape.gradient(loss, table)), slope, rtol=1e-5)


@pytest.mark.parametrize("how", [*COMBINERS, "indicator"])
def test_weights_of_records_are_as_in_dense_features(how):
    theirs = fc.weighted_categorical_column(fc.categorical_column_with_identity("k", 5), "w")
    dense = fc.indicator_column(theirs) if how == "indicator" else fc.embedding_column(theirs, 2, combiner=how)
    upstream = tf_keras.layers.DenseFeatures([dense])
    upstream.build(None)
    own = ContextFeatures(from_feature_columns([dense]))
    load_sequence_features_weights(own, upstream)
    ids = tf.ragged.constant([[1, 2, 1], [], [4]], dtype=tf.int64)
    weights = tf.ragged.constant([[0.5, 2.0, 1.0], [], [-1.0]], dtype=tf.float32)
    vectors = upstream({"k": ids.to_sparse(), "w": weights.to_sparse()})
    np.testing.assert_allclose(own({"k": ids, "w": weights}), vectors, rtol=1e-6)
    np.testing.assert_allclose(own({"k": ids.to_sparse(), "w": weights.to_sparse()}), vectors, rtol=1e-6)


def test_an_indicator_adds_the_weights_of_steps_up():
    weighted = tfs.weighted_categorical_column(tfs.sequence_categorical_column_with_identity("k", 5), "w")
    layer = SequenceFeatures([tfs.indicator_column(weighted)])
    counts = np.zeros((3, 3, 5), "float32")
    for b, row in enumerate(IDS):
        for t, step in enumerate(row):
            for i, weight in zip(step, WEIGHTS[b][t], strict=True):
                counts[b, t, i] += weight
    for features, _ in forms(IDS, WEIGHTS):
        np.testing.assert_allclose(layer(features)[0], counts)


def test_weights_must_be_as_many_as_values():
    layer = layer_of("mean")
    wrong = tf.ragged.constant([[[0.5], [3.0]], [], [[], [1.0, 1.0, 1.0], [0.0]]], dtype=tf.float32, ragged_rank=2)
    with pytest.raises(UserInputError, match="weights in 'w' differs from"):
        layer({"k": next(forms(IDS, WEIGHTS))[0]["k"], "w": wrong})
    with pytest.raises(UserInputError, match="come in different forms"):
        layer({"k": next(forms(IDS, WEIGHTS))[0]["k"], "w": wrong.to_tensor(), "sequence_length": [2, 0, 3]})
    with pytest.raises(UserInputError, match="not given the feature 'w'"):
        layer({"k": next(forms(IDS, WEIGHTS))[0]["k"]})


def test_only_terms_have_weights():
    with pytest.raises(SpecError, match="without terms to weight"):
        tfs.weighted_categorical_column(tfs.bucketized_column(tfs.numeric_column("x"), [0.0]), "w")


def test_a_layer_with_weights_can_be_saved(tmp_path):
    import keras

    layer = layer_of("mean")
    inputs = {
        "k": keras.Input((None, None), dtype="int64", name="k"),
        "w": keras.Input((None, None), name="w"),
        "sequence_length": keras.Input((), dtype="int64", name="sequence_length"),
    }
    model = keras.Model(inputs, layer(inputs)[0])
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    given = {"k": np.array([[[1, 2]]]), "w": np.array([[[1.0, 3.0]]], "float32"), "sequence_length": np.array([1])}
    np.testing.assert_allclose(loaded(given), [[(TABLE[1] + 3 * TABLE[2]) / 4]])
