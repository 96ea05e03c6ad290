"""A layer and its `adapt`: before, after, saved, and in a model on a dataset of record files."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfx_sequences as tfs
from tfx_sequences.components.features.embedding_tables import EmbeddingTables
from tfx_sequences.components.features.sequence_features import ContextFeatures, SequenceFeatures
from tfx_sequences.errors import UserInputError
from tfx_sequences.schemas.columns.column import CategoricalColumn, NumericColumn

X = NumericColumn(key="x", is_sequence=True, normalizer="z_score")
WORD = CategoricalColumn(key="word", is_sequence=True, vocabulary={}, embedding={"dimension": 3})
AGE = NumericColumn(key="age", normalizer="min_max")
FEATURES = {
    "x": tf.ragged.constant([[1.0, 3.0], [], [5.0, 7.0, 9.0]]),
    "word": tf.ragged.constant([["b", "a"], [], ["b", "b", "c"]]),
    "age": np.array([20.0, 40.0, 30.0]),
}


def adapted():
    layer = SequenceFeatures([X, WORD], context_columns=[AGE])
    layer.adapt([FEATURES])
    return layer


def test_an_adapted_layer_computes_what_its_columns_say():
    layer = adapted()
    steps, lengths = layer(FEATURES)
    assert layer.widths == (3, 1, 1) and layer.columns[0].vocabulary_list == ("b", "c", "a")
    np.testing.assert_array_equal(lengths, [2, 0, 3])
    z_scores = (np.array([1, 3, 5, 7, 9]) - 5) / np.sqrt(8)
    np.testing.assert_allclose(steps[0, :2, 3], z_scores[:2], rtol=1e-6)
    np.testing.assert_allclose(steps[2, :, 3], z_scores[2:], rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(steps[2, :, 4], [0.5] * 3, rtol=1e-6)
    table = layer.tables.weights_of("word_embedding")
    assert table.shape == (4, 3)
    np.testing.assert_array_equal(steps[2, :, :3], tf.gather(table.value, [0, 0, 1]))
    assert not np.any(steps[1])


def test_a_saved_model_needs_no_data(tmp_path):
    inputs = {
        "x": keras.Input((None,), name="x"),
        "word": keras.Input((None,), name="word", dtype="string"),
        "age": keras.Input((), name="age"),
        "sequence_length": keras.Input((), name="sequence_length", dtype="int64"),
    }
    layer = adapted()
    steps, _ = layer(inputs)
    model = keras.Model(inputs, keras.layers.GRU(2)(steps))
    model.save(tmp_path / "model.keras")
    values = {
        "x": tf.constant([[1.0, 3.0, 0.0]]),
        "word": tf.constant([["b", "new", ""]]),
        "age": tf.constant([40.0]),
        "sequence_length": tf.constant([2]),
    }
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(values), model(values))


def test_a_layer_that_is_not_adapted_comes_back_as_it_is():
    layer = SequenceFeatures.from_config(SequenceFeatures([X, WORD], context_columns=[AGE]).get_config())
    layer.adapt([FEATURES])
    expected, _ = adapted()(FEATURES)
    np.testing.assert_array_equal(layer(FEATURES)[0][:, :, 3:], expected[:, :, 3:])


def test_before_adapt_the_layer_says_what_is_missing():
    layer = SequenceFeatures([X])
    for use in (lambda: layer({"x": FEATURES["x"]}), lambda: layer.width):
        with pytest.raises(UserInputError, match=r"needs statistics[\s\S]*'x'[\s\S]*normalizer 'z_score'[\s\S]*adapt"):
            use()
    with pytest.raises(UserInputError, match=r"column 'age'[\s\S]*min_max"):
        SequenceFeatures([adapted().columns[1]], context_columns=[AGE])(FEATURES)


def test_adapt_is_refused_where_nothing_needs_it():
    layer = adapted()
    for complete in (layer, ContextFeatures([tfs.numeric_column("age")])):
        with pytest.raises(UserInputError, match=r"does not need adapt[\s\S]*make a new layer"):
            complete.adapt([FEATURES])


def test_tables_come_after_the_vocabulary():
    tables = EmbeddingTables(adapted().columns)
    with pytest.raises(UserInputError, match=r"before its columns are complete[\s\S]*'word'[\s\S]*its vocabulary"):
        SequenceFeatures([WORD], tables=tables)
    assert SequenceFeatures(adapted().columns, tables=tables).width == 4


def test_context_features_adapt_alone_and_steps_limits_the_batches():
    layer = ContextFeatures([AGE])
    layer.adapt([{"age": np.array([1.0, 3.0])}, {"age": np.array([99.0])}], steps=1)
    np.testing.assert_allclose(layer({"age": np.array([2.0])}), [[0.5]])
