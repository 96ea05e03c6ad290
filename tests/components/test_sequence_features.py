import keras
import numpy as np
import pytest

from tfx_sequences.components.sequence_features import ContextFeatures, SequenceFeatures, length_mask
from tfx_sequences.errors import UserInputError
from tfx_sequences.schemas.columns import CategoricalColumn, Embedding
from tfx_sequences.schemas.feature_columns import numeric_column, sequence_numeric_column

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


def test_a_column_of_terms_is_refused():
    with pytest.raises(UserInputError, match="'token' has no ids yet"):
        SequenceFeatures([CategoricalColumn(key="token", is_sequence=True)])


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


def test_the_length_mask_takes_steps_of_any_rank():
    expected = [[True, False], [True, True]]
    for shape in ((2, 2), (2, 2, 3), (2, 2, 3, 4)):
        np.testing.assert_array_equal(length_mask(np.array([1, 2]), np.zeros(shape)), expected)
