import keras
import numpy as np
import pytest
import tensorflow as tf

import tfx_sequences as tfs
from tfx_sequences.components.features.sequence_features import ContextFeatures, SequenceFeatures
from tfx_sequences.errors import UserInputError
from tfx_sequences.schemas.columns.column import CategoricalColumn, Embedding
from tfx_sequences.schemas.columns.feature_columns import numeric_column, sequence_numeric_column

PRICE = sequence_numeric_column("price", shape=())
LPC = sequence_numeric_column("lpc", shape=3)
ITEM = CategoricalColumn(key="item", dtype="int64", num_buckets=4, embedding=Embedding(dimension=2), is_sequence=True)
KIND = CategoricalColumn(key="kind", dtype="int64", num_buckets=3, indicator=True, is_sequence=True)
ALL = [PRICE, LPC, ITEM, KIND]
LENGTHS = np.array([3, 0, 1])


def features(steps=3, seed=0):
    random = np.random.default_rng(seed)
    return {
        "price": random.normal(size=(3, steps)).astype("float32"),
        "lpc": random.normal(size=(3, steps, 3)).astype("float32"),
        "item": random.integers(0, 4, (3, steps)),
        "kind": random.integers(0, 3, (3, steps)),
        "sequence_length": LENGTHS,
    }


def test_columns_come_in_key_order_whatever_order_they_are_given_in():
    layer = SequenceFeatures([PRICE, KIND])
    other = SequenceFeatures([KIND, PRICE])
    x = features()
    np.testing.assert_array_equal(layer(x)[0], other(x)[0])
    one_hot = np.eye(3)[x["kind"][0]]
    np.testing.assert_allclose(layer(x)[0][0], np.concatenate([one_hot, x["price"][0][:, None]], -1))


def test_output_has_the_columns_widths_and_the_mask_of_the_lengths():
    layer = SequenceFeatures(ALL)
    sequence_input, sequence_length = layer(features())
    assert sequence_input.shape == (3, 3, layer.width) == (3, 3, 1 + 3 + 2 + 3)
    assert sequence_input.dtype == "float32"
    np.testing.assert_array_equal(sequence_length, LENGTHS)
    np.testing.assert_array_equal(sequence_input._keras_mask, [[True, True, True], [False] * 3, [True, False, False]])


def test_padding_is_zero_whatever_stands_in_the_padded_features():
    x = features()
    sequence_input, _ = SequenceFeatures(ALL)(x)
    assert not np.any(np.asarray(sequence_input)[~np.asarray(sequence_input._keras_mask)])


def test_it_works_in_a_functional_model_that_is_saved_and_loaded(tmp_path):
    inputs = {
        "price": keras.Input((None,), name="price"),
        "lpc": keras.Input((None, 3), name="lpc"),
        "item": keras.Input((None,), name="item", dtype="int64"),
        "kind": keras.Input((None,), name="kind", dtype="int64"),
        "sequence_length": keras.Input((), name="sequence_length", dtype="int64"),
    }
    sequence_input, _ = SequenceFeatures(ALL)(inputs)
    assert sequence_input.shape == (None, None, 9)
    model = keras.Model(inputs, keras.layers.GRU(5)(sequence_input))
    expected = model(features())
    model.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(loaded(features()), expected)


def test_mixed_precision_reaches_the_output():
    layer = SequenceFeatures(ALL, dtype="mixed_bfloat16")
    assert layer(features())[0].dtype == "bfloat16"


def test_a_context_column_is_refused():
    with pytest.raises(UserInputError, match="a context column, 'age'"):
        SequenceFeatures([numeric_column("age")])
    with pytest.raises(UserInputError, match="a sequence column, 'price'"):
        ContextFeatures([PRICE])


def test_a_missing_feature_is_named_with_the_closest_one():
    x = features()
    x["prices"] = x.pop("price")
    with pytest.raises(UserInputError, match=r"'price'[\s\S]*Did you mean 'prices'"):
        SequenceFeatures(ALL)(x)


def test_a_wrong_rank_is_named():
    x = features()
    x["lpc"] = x["lpc"][:, :, 0]
    with pytest.raises(UserInputError, match=r"'lpc' has a wrong rank[\s\S]*\[B, T, 3\]"):
        SequenceFeatures([LPC])(x)


def test_columns_come_in_the_order_of_their_names_not_of_their_keys():
    # As upstream: 'a_indicator' is after 'a_b', though 'a' is before it.
    one_hot = tfs.indicator_column(tfs.sequence_categorical_column_with_identity("a", 2))
    number = tfs.sequence_numeric_column("a_b", shape=())
    x = {"a": np.array([[1]]), "a_b": np.array([[5.0]]), "sequence_length": np.array([1])}
    np.testing.assert_array_equal(SequenceFeatures([one_hot, number])(x)[0], [[[5, 0, 1]]])


def test_one_feature_can_stand_twice_in_different_ways():
    item = tfs.sequence_categorical_column_with_identity("item", 4)
    layer = SequenceFeatures([tfs.indicator_column(item), tfs.embedding_column(item, 2)])
    assert layer.width == 6
    with pytest.raises(UserInputError, match="'item_indicator' twice"):
        SequenceFeatures([tfs.indicator_column(item), tfs.indicator_column(item)])


def test_context_is_repeated_at_each_real_step():
    age, city = tfs.numeric_column("age"), tfs.indicator_column(tfs.categorical_column_with_identity("city", 2))
    layer = SequenceFeatures([PRICE], context_columns=[age, city])
    x = {**features(), "age": np.array([[7.0], [8.0], [9.0]]), "city": np.array([0, 1, 1])}
    joined, length = layer(x)
    assert joined.shape == (3, 3, layer.width) == (3, 3, 4)
    alone, context = SequenceFeatures([PRICE])(x)[0], ContextFeatures([age, city])(x)
    for row, steps in enumerate(length.numpy()):
        np.testing.assert_array_equal(joined[row, :steps, :1], alone[row, :steps])
        np.testing.assert_array_equal(joined[row, :steps, 1:], np.tile(context[row], (steps, 1)))
    assert not np.any(np.asarray(joined)[~np.asarray(joined._keras_mask)])


def test_a_context_and_a_sequence_feature_may_have_one_key():
    layer = SequenceFeatures([PRICE], context_columns=[tfs.numeric_column("price")])
    joined, _ = layer({"sequence.price": tf.ragged.constant([[1.0, 2.0]]), "price": np.array([[9.0]])})
    np.testing.assert_array_equal(joined, [[[1, 9], [2, 9]]])


def test_features_of_all_forms_can_stand_side_by_side():
    ragged = tf.ragged.constant([[1, 2], [], [3]], dtype=tf.int64)
    layer = SequenceFeatures([ITEM, KIND, PRICE])
    x = {"item": ragged, "kind": ragged.to_sparse() * 0, "price": np.array([[1.0, 2.0], [5.0, 5.0], [3.0, 5.0]])}
    joined, length = layer({**x, "kind": tf.ragged.constant([[0, 1], [], [2]], dtype=tf.int64).to_sparse()})
    np.testing.assert_array_equal(length, [2, 0, 1])
    np.testing.assert_array_equal(joined[:, :, -1], [[1, 2], [0, 0], [3, 0]])


@pytest.mark.parametrize("graph", [False, True])
def test_different_lengths_are_told_with_rows_and_columns(graph):
    layer = SequenceFeatures([ITEM, PRICE])
    x = {
        "item": tf.ragged.constant([[1, 2], [1], []], dtype=tf.int64),
        "price": tf.ragged.constant([[1.0, 2.0], [1.0, 2.0], []]),
    }
    kind = tf.errors.InvalidArgumentError if graph else UserInputError
    call = tf.function(layer) if graph else layer
    with pytest.raises(
        kind, match=r"different numbers of steps[\s\S]*in rows\W+1\W[\s\S]*item\W+1\W[\s\S]*price\W+2\W"
    ):
        call(x)


@pytest.mark.parametrize("graph", [False, True])
def test_different_numbers_of_rows_are_told(graph):
    layer = SequenceFeatures([ITEM, PRICE])
    x = {"item": tf.ragged.constant([[1, 2], [1]], dtype=tf.int64), "price": tf.ragged.constant([[1.0, 2.0]])}
    signature = [{k: tf.RaggedTensorSpec([None, None], v.dtype, 1, tf.int64) for k, v in x.items()}]
    x = {k: v.with_row_splits_dtype(tf.int64) for k, v in x.items()}
    call = tf.function(layer, input_signature=signature) if graph else layer
    with pytest.raises((tf.errors.InvalidArgumentError, UserInputError), match="different numbers of rows"):
        call(x)


def test_lengths_beyond_the_features_are_told():
    for wrong in ([4, 0, 1], [-1, 0, 1]):
        with pytest.raises(UserInputError, match="sequence_length does not match"):
            SequenceFeatures([PRICE])({**features(), "sequence_length": np.array(wrong)})


def test_dense_features_need_their_lengths():
    with pytest.raises(UserInputError, match=r"without their lengths[\s\S]*sequence_length, int \[B\]"):
        SequenceFeatures([PRICE])({"price": np.zeros((2, 3))})
    np.testing.assert_array_equal(SequenceFeatures([PRICE])({"price": np.zeros((2, 3))}, np.array([1, 2]))[1], [1, 2])


@pytest.mark.parametrize("wrong", [np.zeros((2, 3)), [np.zeros((2, 3))], "price", None])
def test_features_must_be_a_dict(wrong):
    with pytest.raises(UserInputError, match=r"not given a dict of features[\s\S]*a dict with 'price'"):
        SequenceFeatures([PRICE])(wrong)


@pytest.mark.parametrize("wrong", ["price", {"price": PRICE}, 3, None])
def test_columns_must_be_a_list_of_columns(wrong):
    with pytest.raises(UserInputError, match="needs a list of columns"):
        SequenceFeatures(wrong)
    with pytest.raises(UserInputError, match="at least one column"):
        SequenceFeatures([])
    with pytest.raises(UserInputError, match=r"not a column[\s\S]*builtins.str"):
        SequenceFeatures(["price"])


def test_one_column_needs_no_list():
    assert SequenceFeatures(PRICE).columns == [PRICE]


def test_an_empty_batch_gives_an_empty_tensor():
    x = {
        "price": tf.RaggedTensor.from_row_lengths(tf.zeros([0]), tf.zeros([0], tf.int64)),
        "item": tf.RaggedTensor.from_row_lengths(tf.zeros([0], tf.int64), tf.zeros([0], tf.int64)).to_sparse(),
    }
    layer = SequenceFeatures([ITEM, PRICE])
    for call in (layer, tf.function(layer)):
        joined, length = call(x)
        assert joined.shape == (0, 1, 3) and length.shape == (0,)


def test_rows_of_no_steps_are_all_padding():
    joined, length = SequenceFeatures([PRICE])({"price": tf.ragged.constant([[], []], dtype=tf.float32)})
    assert joined.shape == (2, 1, 1) and not np.any(joined._keras_mask)
    np.testing.assert_array_equal(length, [0, 0])


def test_strings_work_in_a_functional_model_that_is_saved_exported_and_served(tmp_path):
    words = tfs.embedding_column(tfs.sequence_categorical_column_with_vocabulary_list("word", ("a", "b")), 3)
    text = tfs.indicator_column(tfs.text_column("title", vocabulary_list=("x", "y")))
    inputs = {
        "word": keras.Input((None,), name="word", dtype="string"),
        "title": keras.Input((), name="title", dtype="string"),
        "sequence_length": keras.Input((), name="sequence_length", dtype="int64"),
    }
    steps, _ = SequenceFeatures([words], context_columns=[text])(inputs)
    model = keras.Model(inputs, keras.layers.LSTM(4)(steps))
    x = {
        "word": tf.constant([["a", "b"], ["c", ""]]),
        "title": tf.constant(["x y", ""]),
        "sequence_length": tf.constant([2, 1], tf.int64),
    }
    expected = model(x)
    model.save(tmp_path / "m.keras")
    np.testing.assert_array_equal(keras.saving.load_model(tmp_path / "m.keras")(x), expected)
    archive = keras.export.ExportArchive()
    archive.track(model)
    signature = [{k: tf.TensorSpec([None, *v.shape[1:]], v.dtype, name=k) for k, v in x.items()}]
    archive.add_endpoint("serve", lambda x: model(x, training=False), input_signature=signature)
    archive.write_out(tmp_path / "export", verbose=False)
    loaded = tf.saved_model.load(tmp_path / "export")
    np.testing.assert_allclose(loaded.serve(x), expected, rtol=1e-6)


def test_ragged_features_train_in_fit():
    class Model(keras.Model):
        def __init__(self):
            super().__init__()
            self.features = SequenceFeatures([ITEM, PRICE])
            self.rnn, self.head = keras.layers.GRU(4), keras.layers.Dense(1)

        def call(self, x):
            return self.head(self.rnn(self.features(x)[0]))

    x = {
        "item": tf.ragged.constant([[1, 2], [], [3], [0]], dtype=tf.int64),
        "price": tf.ragged.constant([[1.0, 2.0], [], [3.0], [0.5]]),
    }
    model = Model()
    model.compile("sgd", "mse")
    data = tf.data.Dataset.from_tensor_slices((x, tf.constant([[1.0], [0.0], [2.0], [1.0]]))).batch(2)
    losses = model.fit(data, epochs=3, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


def test_only_columns_without_strings_can_be_compiled_by_xla():
    assert SequenceFeatures(ALL).supports_jit
    words = tfs.sequence_categorical_column_with_hash_bucket("word", 5)
    assert not SequenceFeatures([tfs.embedding_column(words, 2)]).supports_jit
    layer = SequenceFeatures([PRICE, ITEM])
    x = {name: tf.constant(value) for name, value in features().items()}
    np.testing.assert_allclose(tf.function(layer, jit_compile=True)(x)[0], layer(x)[0], rtol=1e-6)


def test_a_column_of_terms_waits_for_its_vocabulary():
    layer = SequenceFeatures([CategoricalColumn(key="token", is_sequence=True)])
    with pytest.raises(UserInputError, match=r"'token' is not complete[\s\S]*its vocabulary"):
        layer({"token": tf.ragged.constant([["a"]])})


def test_arrays_of_any_shape_are_flattened():
    column = sequence_numeric_column("image", shape=(2, 2))
    image = np.arange(16.0).reshape(2, 2, 2, 2)
    flat, _ = SequenceFeatures([column])({"image": image, "sequence_length": np.array([2, 2])})
    np.testing.assert_array_equal(flat, image.reshape(2, 2, 4))


def test_context_features_are_joined():
    layer = ContextFeatures(
        [numeric_column("age"), CategoricalColumn(key="city", dtype="int64", num_buckets=2, indicator=True)]
    )
    np.testing.assert_array_equal(layer({"age": np.array([7.0]), "city": np.array([1])}), [[7, 0, 1]])
