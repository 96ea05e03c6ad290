"""Vectors of each kind of column, computed a second time with NumPy."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfx_sequences as tfs
from tests.components.numbers.by_numpy import expected as by_record
from tfx_sequences.components.features.sequence_features import ContextFeatures, SequenceFeatures
from tfx_sequences.errors import UserInputError
from tfx_sequences.schemas.columns.column import CategoricalColumn, Embedding, Scaling

SEVERAL = [[[1, 2], [0]], [], [[], [2, 2, 1]]]
TABLE = np.arange(8.0).reshape(4, 2) + 1


def several_ids(**options):
    return tfs.sequence_categorical_column_with_identity("k", 4, multi_valued=True, **options)


def with_table(layer, table=TABLE):
    layer.build()
    layer.trainable_variables[0].assign(table)
    return layer


def combined(how, rows=SEVERAL, table=TABLE):
    longest = max(map(len, rows))
    out = np.zeros((len(rows), longest, table.shape[1]))
    divide = {"sum": lambda n: 1, "mean": lambda n: n, "sqrtn": np.sqrt}[how]
    for b, row in enumerate(rows):
        for t, ids in enumerate(row):
            if ids:
                out[b, t] = table[ids].sum(0) / divide(len(ids))
    return out


def forms(rows=SEVERAL):
    ragged = tf.ragged.constant(rows, dtype=tf.int64, ragged_rank=2)
    return {"ragged": ragged, "sparse": ragged.to_sparse()}


@pytest.mark.parametrize("form", ["ragged", "sparse"])
@pytest.mark.parametrize("how", ["sum", "mean", "sqrtn"])
def test_vectors_of_several_ids_are_combined(how, form):
    layer = with_table(SequenceFeatures([tfs.embedding_column(several_ids(), 2, combiner=how)]))
    np.testing.assert_allclose(layer({"k": forms()[form]})[0], combined(how), rtol=1e-6)


@pytest.mark.parametrize("how", ["sum", "mean", "sqrtn"])
def test_a_grid_of_ids_is_combined_too_and_no_id_counts_nothing(how):
    layer = with_table(SequenceFeatures([tfs.embedding_column(several_ids(default_value=None), 2, combiner=how)]))
    column = layer.columns[0].model_copy(update={"default_value": -1})
    layer = with_table(SequenceFeatures([column]))
    grid = forms()["ragged"].to_tensor(-1)
    out, _ = layer({"k": grid, "sequence_length": np.array([2, 0, 2])})
    np.testing.assert_allclose(out, combined(how), rtol=1e-6)


@pytest.mark.parametrize("form", ["ragged", "sparse"])
def test_an_indicator_counts(form):
    out, _ = SequenceFeatures([tfs.indicator_column(several_ids())])({"k": forms()[form]})
    np.testing.assert_array_equal(out[0], [[0, 1, 1, 0], [1, 0, 0, 0]])
    np.testing.assert_array_equal(out[2], [[0, 0, 0, 0], [0, 1, 2, 0]])


@pytest.mark.parametrize("form", ["ragged", "sparse", "dense"])
def test_one_id_per_step_is_one_hot_in_every_form(form):
    ragged = tf.ragged.constant([[3, 1], [], [0]], dtype=tf.int64)
    given = {
        "ragged": {"k": ragged},
        "sparse": {"k": ragged.to_sparse()},
        "dense": {"k": ragged.to_tensor(9), "sequence_length": np.array([2, 0, 1])},
    }[form]
    column = tfs.indicator_column(tfs.sequence_categorical_column_with_identity("k", 4))
    out, length = SequenceFeatures([column])(given)
    eye = np.eye(4)
    np.testing.assert_array_equal(out, [[eye[3], eye[1]], np.zeros((2, 4)), [eye[0], np.zeros(4)]])
    np.testing.assert_array_equal(length, [2, 0, 1])


def test_vectors_are_clipped_to_max_norm_when_looked_up():
    layer = with_table(SequenceFeatures([tfs.embedding_column(several_ids(), 2, combiner="sum", max_norm=1.0)]))
    clipped = TABLE / np.maximum(np.linalg.norm(TABLE, axis=1, keepdims=True), 1)
    np.testing.assert_allclose(layer({"k": forms()["ragged"]})[0], combined("sum", table=clipped), rtol=1e-6)
    np.testing.assert_array_equal(layer.trainable_variables[0], TABLE)


def test_embeddings_drop_in_training_only():
    column = CategoricalColumn(
        key="k", dtype="int64", num_buckets=4, is_sequence=True, embedding=Embedding(dimension=64, dropout=0.5)
    )
    keras.utils.set_random_seed(0)
    layer = with_table(SequenceFeatures([column]), np.ones((4, 64)))
    given = {"k": np.array([[1, 2]]), "sequence_length": np.array([2])}
    np.testing.assert_array_equal(layer(given)[0], np.ones((1, 2, 64)))
    np.testing.assert_array_equal(layer(given, training=False)[0], np.ones((1, 2, 64)))
    dropped = np.asarray(layer(given, training=True)[0])
    assert set(np.unique(dropped)) == {0.0, 2.0}
    assert not np.array_equal(dropped, layer(given, training=True)[0])


def test_numbers_are_scaled_and_missing_ones_stay_zero():
    column = tfs.sequence_numeric_column(
        "x", shape=2, default_value=None, normalizer=Scaling(offset=(1.0, 2.0), scale=0.5)
    )
    ragged = tf.ragged.constant([[[3.0, 4.0], []], []], ragged_rank=2, dtype=tf.float32)
    out, _ = SequenceFeatures([column])({"x": ragged})
    np.testing.assert_array_equal(out, [[[1, 1], [0, 0]], [[0, 0], [0, 0]]])


def test_a_default_stands_for_missing_values_but_not_in_the_padding():
    column = tfs.sequence_numeric_column("x", default_value=7.0)
    ragged = tf.ragged.constant([[[3.0], []], []], ragged_rank=2, dtype=tf.float32)
    for value in (ragged, ragged.to_sparse()):
        out, length = SequenceFeatures([column])({"x": value})
        # A sparse tensor does not tell of a last step without values.
        is_told = isinstance(value, tf.RaggedTensor)
        np.testing.assert_array_equal(length, [2 if is_told else 1, 0])
        np.testing.assert_array_equal(out[:, :, 0], [[3, 7 if is_told else 0], [0, 0]])


def test_log1p_keeps_the_sign():
    out, _ = SequenceFeatures([tfs.sequence_numeric_column("x", normalizer="log1p")])(
        {"x": tf.ragged.constant([[-3.0, 4.0]])}
    )
    np.testing.assert_allclose(out[0, :, 0], [-np.log1p(3), np.log1p(4)], rtol=1e-6)


@pytest.mark.parametrize("default", [None, 0.0, 20.0])
def test_buckets_are_one_hot_and_no_value_is_in_none(default):
    source = tfs.sequence_numeric_column("x", shape=(), default_value=default)
    layer = SequenceFeatures([tfs.sequence_bucketized_column(source, [0, 10])])
    out, length = layer({"x": tf.ragged.constant([[[-1.0], [], [10.0]], []], ragged_rank=2, dtype=tf.float32)})
    eye = np.eye(3)
    missing = np.zeros(3) if default is None else eye[int(np.digitize(default, [0, 10]))]
    np.testing.assert_array_equal(out, [[eye[0], missing, eye[2]], np.zeros((3, 3))])
    np.testing.assert_array_equal(length, [3, 0])


@pytest.mark.parametrize("source", ["context", "sequence"])
def test_tokens_are_steps_or_make_one_vector_per_step(source):
    column = tfs.sequence_text_column(
        "t", source=source, vocabulary_list=("a", "b"), num_oov_buckets=1, indicator=True, lowercase=True
    )
    if source == "context":
        out, length = SequenceFeatures([column])({"t": tf.constant(["A b", "", "c"])})
        np.testing.assert_array_equal(out, [[[1, 0, 0], [0, 1, 0]], np.zeros((2, 3)), [[0, 0, 1], [0, 0, 0]]])
        np.testing.assert_array_equal(length, [2, 0, 1])
    else:
        out, length = SequenceFeatures([column])({"t": tf.ragged.constant([["a B a", ""], ["c"]])})
        np.testing.assert_array_equal(out, [[[2, 1, 0], [0, 0, 0]], [[0, 0, 1], [0, 0, 0]]])
        np.testing.assert_array_equal(length, [2, 1])


def test_the_text_of_a_record_makes_one_vector():
    column = tfs.embedding_column(tfs.text_column("t", split="characters", vocabulary_list=("a", "b", "c", "d")), 2)
    layer = ContextFeatures([column])
    layer.build()
    table = np.concatenate([TABLE, [[0, 0]]])
    layer.trainable_variables[0].assign(table)
    np.testing.assert_allclose(layer({"t": tf.constant(["ab", "", "d"])}), [TABLE[:2].mean(0), [0, 0], TABLE[3]])


def test_unknown_terms_give_zeros_an_oov_bucket_or_an_error():
    def out(**options):
        column = tfs.sequence_categorical_column_with_vocabulary_list("k", ("a", "b"), **options)
        return SequenceFeatures([tfs.indicator_column(column)])({"k": tf.ragged.constant([["b", "x"]])})[0][0]

    np.testing.assert_array_equal(out(), [[0, 1], [0, 0]])
    np.testing.assert_array_equal(out(num_oov_buckets=1), [[0, 1, 0], [0, 0, 1]])
    np.testing.assert_array_equal(out(default_value=0), [[0, 1], [1, 0]])
    with pytest.raises(UserInputError, match=r"'k' has unknown terms[\s\S]*'x'; in rows 0"):
        out(default_value=None)


@pytest.mark.parametrize("causal", [None, True])
@pytest.mark.parametrize("kind", ["per_record", "per_record_robust", "per_record_min_max"])
def test_a_layer_alone_normalises_each_record_by_its_own_steps(kind, causal):
    column = tfs.sequence_numeric_column("x", shape=2, default_value=None, normalizer=kind, clip=1.0, causal=causal)
    layer = SequenceFeatures([column])
    steps = [[[1.0, 8e6], [3.0, 6e6], [], [2.0, -4e6], [9.0, 6e6]], [[1e-6, 5.0]], []]
    ragged = tf.ragged.constant(steps, ragged_rank=2, dtype=tf.float32)
    out, lengths = layer({"x": ragged})
    np.testing.assert_array_equal(lengths, [5, 1, 0])
    values, counts = np.zeros((3, 5, 2)), np.zeros((3, 5, 2), bool)
    for row, record in enumerate(steps):
        for step, value in enumerate(record):
            values[row, step], counts[row, step] = value or 0, bool(value)
    expected = by_record(values, counts, kind, bool(causal))[0].clip(-1, 1)
    np.testing.assert_allclose(out, expected, atol=1e-6)
    np.testing.assert_array_equal(layer({"x": ragged.to_sparse()})[0], out)
    # Dense features hold anything where there is no step, and more of it changes nothing.
    there = np.where(counts, values, 0)[1:].astype(np.float32)
    longer = np.concatenate([np.where(counts[1:], there, 1e9), np.full((2, 4, 2), -7.0)], axis=1)
    dense = layer({"x": longer, "sequence_length": np.array([1, 0])})[0]
    np.testing.assert_array_equal(dense[:, :5], out[1:])
    assert not np.any(dense[:, 5:])


def test_a_default_counts_as_a_value_of_its_record():
    column = tfs.sequence_numeric_column("x", default_value=5.0, normalizer="per_record")
    out, _ = SequenceFeatures([column])({"x": tf.ragged.constant([[[3.0], []], []], ragged_rank=2, dtype=tf.float32)})
    np.testing.assert_array_equal(out[:, :, 0], [[-1, 1], [0, 0]])


def test_whole_numbers_too_great_for_float32_are_told_apart_within_a_record():
    column = tfs.sequence_numeric_column("t", dtype="int64", normalizer="per_record_min_max")
    times = 1528917632 + np.array([[0, 1, 4]])
    out, _ = SequenceFeatures([column])({"t": times, "sequence_length": np.array([3])})
    np.testing.assert_array_equal(out[0, :, 0], [0, 0.25, 1])


def test_clipping_is_of_normalised_values():
    column = tfs.sequence_numeric_column("x", normalizer=Scaling(offset=10.0, scale=0.5), clip=2.0)
    out, _ = SequenceFeatures([column])({"x": tf.ragged.constant([[0.0, 11.0, 99.0]])})
    np.testing.assert_array_equal(out[0, :, 0], [-2, 0.5, 2])
