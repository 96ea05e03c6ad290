import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import tfx_sequences as ours
from tfx_sequences.components.features.feature_column_weights import load_sequence_features_weights
from tfx_sequences.components.features.sequence_features import ContextFeatures, SequenceFeatures
from tfx_sequences.errors import UserInputError
from tfx_sequences.schemas.migration.migrated_columns import from_feature_columns

fc = tf.feature_column
SEEN = fc.embedding_column(fc.sequence_categorical_column_with_identity("seen", 9), 4)
WORD = fc.embedding_column(fc.sequence_categorical_column_with_hash_bucket("a word/é", 5), 2)
PRICE = fc.sequence_numeric_column("price")
TARGET = fc.embedding_column(fc.categorical_column_with_identity("target", 9), 3)
AGE = fc.bucketized_column(fc.numeric_column("age"), [18.0, 65.0])
STEPS = {
    "seen": tf.sparse.from_dense([[1, 8], [2, 0]]),
    "a word/é": tf.sparse.from_dense([["x", "y"], ["z", ""]]),
    "price": tf.sparse.from_dense([[0.5, 1.5], [2.5, 0.0]]),
}
RECORDS = {"target": tf.constant([[3], [4]]), "age": tf.constant([[17.0], [65.0]])}


def built(columns=(SEEN, WORD, PRICE)):
    layer = tf_keras.experimental.SequenceFeatures(list(columns))
    layer(STEPS)
    return layer


def own(columns=(SEEN, WORD, PRICE), **options):
    return SequenceFeatures(from_feature_columns(list(columns)), **options)


def values_of(layer):
    return {name: layer.tables.weights_of(name).numpy() for name in layer.tables.names}


def test_of_a_layer_for_sequences():
    theirs, layer = built(), own()
    load_sequence_features_weights(layer, theirs)
    np.testing.assert_array_equal(layer(STEPS)[0], theirs(STEPS)[0])


def test_of_a_layer_for_context():
    theirs = tf_keras.layers.DenseFeatures([TARGET, AGE])
    expected = theirs(RECORDS)
    layer = ContextFeatures(from_feature_columns([TARGET, AGE]))
    load_sequence_features_weights(layer, theirs)
    np.testing.assert_array_equal(layer(RECORDS), expected)


def test_of_both_layers_for_one_that_has_both():
    steps, context = built(), tf_keras.layers.DenseFeatures([TARGET, AGE])
    expected = context(RECORDS)
    layer = own(context_columns=from_feature_columns([TARGET, AGE]))
    with pytest.raises(UserInputError, match=r"no weights for 'target_embedding'[\s\S]*in a list"):
        load_sequence_features_weights(layer, steps)
    load_sequence_features_weights(layer, [steps, context])
    joined, _ = layer({**STEPS, **RECORDS})
    np.testing.assert_array_equal(joined[:, 0, 7:], expected)
    np.testing.assert_array_equal(joined[:, :1, :7], steps(STEPS)[0][:, :1])


def test_of_layers_whose_columns_are_called_alike():
    of_record = fc.embedding_column(fc.categorical_column_with_identity("seen", 9), 3)
    steps, context = built([SEEN]), tf_keras.layers.DenseFeatures([of_record])
    features = {**STEPS, "seen": tf.constant([[3], [4]])}
    expected = context(features)
    layer = own([SEEN], context_columns=[from_feature_columns(of_record)])
    message = r"'seen_embedding' was given twice[\s\S]*'seen_embedding', 'context.seen_embedding'"
    with pytest.raises(UserInputError, match=message):
        load_sequence_features_weights(layer, [steps, context])
    arrays = {"seen_embedding": steps.weights[0], "context.seen_embedding": context.weights[0]}
    load_sequence_features_weights(layer, arrays)
    joined, _ = layer({"sequence.seen": STEPS["seen"], "seen": features["seen"]})
    np.testing.assert_array_equal(joined[:, 0, 4:], expected)
    np.testing.assert_array_equal(joined[:, 0, :4], steps(STEPS)[0][:, 0])


def test_of_a_layer_inside_a_model_that_was_saved_and_loaded(tmp_path):
    inputs = {"seen": tf_keras.Input([None], dtype="int64", sparse=True, name="seen")}
    steps, length = tf_keras.experimental.SequenceFeatures([SEEN], name="steps")(inputs)
    outputs = tf_keras.layers.GRU(3, name="gru")(steps, mask=tf.sequence_mask(length))
    model = tf_keras.Model(inputs, outputs)
    model.save_weights(tmp_path / "weights")
    again = tf_keras.Model(inputs, outputs)
    again.load_weights(tmp_path / "weights")
    layer = own([SEEN])
    load_sequence_features_weights(layer, again.get_layer("steps"))
    np.testing.assert_array_equal(layer(STEPS)[0], model.get_layer("steps")(STEPS)[0])
    with pytest.raises(UserInputError, match=r"'gru/gru_cell/kernel:0'[\s\S]*pass its layers"):
        load_sequence_features_weights(layer, again)


def test_of_variables_and_of_arrays_by_any_of_their_names():
    theirs, expected = built(), {}
    arrays = {variable.name: variable.numpy() for variable in theirs.weights}
    assert "sequence_features" in next(iter(arrays))
    short = dict(zip(["seen_embedding", "a word/é_embedding"], map(_of(arrays), ["seen", "word"]), strict=True))
    checkpoint = {f"rnn/sequence_input_layer/{name.split('/', 1)[1][:-2]}": value for name, value in arrays.items()}
    for weights in (theirs, theirs.weights, arrays, short, checkpoint, [theirs.weights[0], {**_rest(theirs)}]):
        layer = own()
        load_sequence_features_weights(layer, weights)
        expected = expected or values_of(layer)
        for name, value in values_of(layer).items():
            np.testing.assert_array_equal(value, expected[name])


def _of(arrays):
    return lambda part: next(value for name, value in arrays.items() if part in name)


def _rest(theirs):
    return {variable.name: variable.numpy() for variable in theirs.weights[1:]}


def test_of_one_of_ours():
    first, second = own(), own()
    first(STEPS)
    load_sequence_features_weights(second, first)
    np.testing.assert_array_equal(second(STEPS)[0], first(STEPS)[0])


def test_of_a_checkpoint_of_tensorflow(tmp_path):
    theirs = built()
    values = {variable.name[:-2]: variable.numpy() for variable in theirs.weights}
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        for name, value in values.items():
            tf.compat.v1.get_variable(name, initializer=value)
        tf.compat.v1.get_variable("logits/kernel", initializer=1.0)
        session.run(tf.compat.v1.global_variables_initializer())
        prefix = tf.compat.v1.train.Saver().save(session, str(tmp_path / "model"))
    reader = tf.train.load_checkpoint(prefix)
    names = [name for name in reader.get_variable_to_shape_map() if name.endswith("/embedding_weights")]
    layer = own()
    load_sequence_features_weights(layer, {name: reader.get_tensor(name) for name in names})
    np.testing.assert_array_equal(layer(STEPS)[0], theirs(STEPS)[0])


def test_of_a_checkpoint_of_keras_2(tmp_path):
    theirs = built()
    prefix = tf.train.Checkpoint(layer=theirs).write(str(tmp_path / "checkpoint"))
    reader = tf.train.load_checkpoint(prefix)
    names = [name for name in reader.get_variable_to_shape_map() if "embedding_weights" in name]
    assert "layer/a word.Sé_embedding.Sembedding_weights/.ATTRIBUTES/VARIABLE_VALUE" in names
    layer = own()
    load_sequence_features_weights(layer, {name: reader.get_tensor(name) for name in names})
    np.testing.assert_array_equal(layer(STEPS)[0], theirs(STEPS)[0])


def test_a_frozen_layer_and_one_in_half_precision_are_loaded_too():
    theirs = built([SEEN])
    frozen = from_feature_columns(
        fc.embedding_column(fc.sequence_categorical_column_with_identity("seen", 9), 4, trainable=False)
    )
    for layer in (SequenceFeatures([frozen]), own([SEEN], dtype="mixed_bfloat16")):
        load_sequence_features_weights(layer, theirs)
        np.testing.assert_array_equal(values_of(layer)["seen_embedding"], theirs.weights[0])


def test_a_table_whose_name_ends_like_another_gets_its_own():
    def embedded(key):
        return ours.embedding_column(ours.sequence_categorical_column_with_identity(key, 3), 2)

    layer = SequenceFeatures([embedded("x"), embedded("a/x")])
    load_sequence_features_weights(layer, {"a/x_embedding": np.ones((3, 2)), "x_embedding": np.zeros((3, 2))})
    assert values_of(layer)["a/x_embedding"].all()
    assert not values_of(layer)["x_embedding"].any()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w.pop("seen_embedding"), r"no weights for 'seen_embedding'"),
        (lambda w: w.update(saw_embedding=w.pop("seen_embedding")), r"Did you mean 'saw_embedding'"),
        (lambda w: w.update(other=np.ones((9, 4))), r"'other', which are not names of tables"),
        (
            lambda w: w.update(seen_embedding=np.ones((8, 4))),
            r"'seen_embedding' have a wrong shape[\s\S]*\(9, 4\)[\s\S]*\(8, 4\)",
        ),
        (lambda w: w.update(seen_embedding=np.ones(36)), r"wrong shape[\s\S]*\(36,\)"),
        (lambda w: w.update(seen_embedding=[["a"]]), r"'seen_embedding' are not numbers"),
        (lambda w: w.update(seen_embedding=[[1], [1, 2]]), r"'seen_embedding' cannot be read"),
        (lambda w: w.update({"layer/seen_embedding/embedding_weights:0": np.ones((9, 4))}), "given twice"),
    ],
)
def test_what_does_not_fit_is_told_and_nothing_is_loaded(change, message):
    layer = own()
    before = values_of(layer)
    weights = {"seen_embedding": np.ones((9, 4)), "a word/é_embedding": np.ones((5, 2))}
    change(weights)
    with pytest.raises(UserInputError, match=message):
        load_sequence_features_weights(layer, weights)
    for name, value in values_of(layer).items():
        np.testing.assert_array_equal(value, before[name])


@pytest.mark.parametrize("weights", [3, "weights.h5", np.ones(3)])
def test_what_has_no_weights_is_told(weights):
    with pytest.raises(UserInputError, match="Weights cannot be read from this object"):
        load_sequence_features_weights(own(), weights)


def test_a_layer_that_has_not_been_called_is_told():
    with pytest.raises(UserInputError, match=r"'steps' has no weights yet[\s\S]*Call it"):
        load_sequence_features_weights(own(), tf_keras.experimental.SequenceFeatures([SEEN], name="steps"))


def test_the_arguments_in_the_wrong_order_are_told():
    with pytest.raises(UserInputError, match="Pass the layer first"):
        load_sequence_features_weights(built(), own())
    with pytest.raises(UserInputError, match="Pass the layer first"):
        load_sequence_features_weights(keras.layers.Dense(1), own())


def test_a_variable_of_a_graph_is_told_how_to_be_read():
    with tf.Graph().as_default():
        variable = tf.compat.v1.get_variable("seen_embedding", shape=(9, 4))
        with pytest.raises(UserInputError, match=r"'seen_embedding:0' cannot be read[\s\S]*session.run"):
            load_sequence_features_weights(own([SEEN]), [variable])


def test_keras_2_need_not_be_installed():
    code = """
import sys
sys.modules["tf_keras"] = None  # importing it fails
import numpy as np, tensorflow as tf
from tfx_sequences import SequenceFeatures, from_feature_columns, load_sequence_features_weights
watches = tf.feature_column.sequence_categorical_column_with_identity("watches", 3)
layer = SequenceFeatures(from_feature_columns([tf.feature_column.embedding_column(watches, 2)]))
load_sequence_features_weights(layer, {"watches_embedding": np.ones((3, 2))})
print(layer({"watches": tf.ragged.constant([[1]])})[0].numpy().tolist())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[[[1.0, 1.0]]]"


def test_columns_without_tables_need_no_weights():
    layer = own([PRICE])
    load_sequence_features_weights(layer, built([PRICE]))
    with pytest.raises(UserInputError, match="no column has an embedding"):
        load_sequence_features_weights(layer, {"x": np.ones(1)})
