"""What `adapt` finds: beside NumPy, and beside the layers of Keras on values without padding."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfx_sequences as tfs
from tests.records import sequence_example, write_records
from tfx_sequences.components.features.split_figures import SplitFigures, feature_batches
from tfx_sequences.errors import DataError, UserInputError
from tfx_sequences.schemas.columns.column import BucketizedColumn, CategoricalColumn, NumericColumn, TextColumn

LENGTHS = (3, 0, 5, 1, 4, 0)


def numeric(normalizer, **fields):
    return NumericColumn(key="x", is_sequence=True, normalizer=normalizer, **fields)


def steps_of(values):
    """`[N, ...]` in rows of `LENGTHS`."""
    return np.split(values, np.cumsum(LENGTHS)[:-1])


def batches(key, values, form):
    """Two batches in a form; padded values are 1e6 or `pad`, so that a counted one shows."""
    rows, pad = steps_of(values), 1e6 if values.dtype.kind == "f" else b"pad"
    for its in (rows[:3], rows[3:]):
        lengths = np.array([len(row) for row in its])
        ragged = tf.RaggedTensor.from_row_lengths(np.concatenate(its), lengths)
        if form == "ragged":
            yield {key: ragged}
        elif form == "sparse":
            yield {key: ragged.to_sparse()}
        else:
            yield {f"sequence.{key}": ragged.to_tensor(pad), "sequence_length": lengths}, np.zeros(3)


def completed(column, data):
    figures = SplitFigures([column])
    for features in feature_batches(data, None):
        figures.add(features)
    return figures.completed(column)


@pytest.mark.parametrize("form", ["dense", "ragged", "sparse"])
def test_z_scores_are_those_of_keras_normalization(form):
    values = np.random.default_rng(0).normal(3, 2, sum(LENGTHS)).astype(np.float32)
    column = completed(numeric("z_score"), batches("x", values, form))
    keras_layer = keras.layers.Normalization(axis=None)
    keras_layer.adapt(values)
    steps, _ = tfs.SequenceFeatures([column])({"x": values[None], "sequence_length": [len(values)]})
    np.testing.assert_allclose(steps[0, :, 0], keras_layer(values[None])[0], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(column.normalizer.offset, values.mean(dtype=np.float64), rtol=1e-12)
    np.testing.assert_allclose(column.normalizer.scale, 1 / values.std(dtype=np.float64), rtol=1e-12)


def test_vectors_have_statistics_of_each_element():
    values = np.random.default_rng(1).normal(size=(sum(LENGTHS), 2, 2)).astype(np.float32)
    values[:, 0, 0] = 7
    flat = values.reshape(-1, 4).astype(np.float64)
    found = completed(numeric("z_score", shape=(2, 2)), batches("x", values, "dense")).normalizer
    np.testing.assert_allclose(found.offset, flat.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found.scale, [1, *1 / flat.std(axis=0)[1:]], rtol=1e-12)
    found = completed(numeric("min_max", shape=(2, 2)), batches("x", values, "dense")).normalizer
    np.testing.assert_allclose(found.offset, flat.min(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found.scale, [1, *1 / np.ptp(flat, axis=0)[1:]], rtol=1e-12)


def test_quartiles_and_buckets_are_those_of_numpy():
    values = np.random.default_rng(2).gamma(1.0, 5.0, sum(LENGTHS)).astype(np.float32)
    low, median, high = np.quantile(values.astype(np.float64), [0.25, 0.5, 0.75])
    found = completed(numeric("robust"), batches("x", values, "ragged")).normalizer
    np.testing.assert_allclose([*found.offset, *found.scale], [median, 1 / (high - low)], rtol=1e-9)
    buckets = BucketizedColumn(key="x", is_sequence=True, num_buckets=4)
    np.testing.assert_allclose(
        completed(buckets, batches("x", values, "dense")).boundaries, [low, median, high], rtol=1e-9
    )


def test_equal_quantiles_are_one_boundary():
    values = np.array([0.0] * 11 + [5.0, 9.0], np.float32)
    column = completed(BucketizedColumn(key="x", is_sequence=True, num_buckets=4), batches("x", values, "dense"))
    assert column.boundaries == (0.0,) and column.num_ids == 2


@pytest.mark.parametrize("form", ["dense", "ragged", "sparse"])
def test_vocabularies_are_those_of_keras_string_lookup(form):
    words = np.array([b"a", b"b", b"a", b"c", b"c", b"d", b"a", b"b", b"e", b"", b"d", b"c", b"b"], object)
    column = CategoricalColumn(key="x", is_sequence=True, vocabulary={}, indicator=True)
    found = completed(column, batches("x", words, form))
    lookup = keras.layers.StringLookup()
    lookup.adapt(words[words != b""].astype(str))
    assert list(found.vocabulary_list) == lookup.get_vocabulary()[1:]


def test_numbers_that_are_terms_stay_numbers():
    ids = tf.ragged.constant([[7, 10, 7], [9, 10]], dtype=tf.int64)
    column = CategoricalColumn(key="x", dtype="int64", is_sequence=True, vocabulary={}, indicator=True)
    assert completed(column, [{"x": ids}]).vocabulary_list == (7, 10, 9)


@pytest.mark.parametrize("source", ["context", "sequence"])
def test_tokens_of_text_are_counted(source):
    column = TextColumn(key="x", is_sequence=True, source=source, vocabulary={}, lowercase=True, indicator=True)
    texts = np.array(["A b", "b c B"])
    features = {"x": texts if source == "context" else tf.RaggedTensor.from_row_lengths(texts, [2])}
    assert completed(column, features).vocabulary_list == ("b", "c", "a")


def test_columns_that_share_a_table_share_the_terms_of_both():
    shared = {"table": "item", "dimension": 2}
    seen = CategoricalColumn(key="seen", is_sequence=True, vocabulary={}, embedding=shared)
    target = CategoricalColumn(key="target", vocabulary={}, embedding=shared)
    figures = SplitFigures([seen, target])
    figures.add({"seen": tf.ragged.constant([["a", "b"], ["b"]]), "target": np.array(["z", "z"])})
    assert figures.completed(seen).vocabulary_list == figures.completed(target).vocabulary_list == ("z", "b", "a")


def test_missing_values_do_not_count():
    x = tf.sparse.from_dense(tf.constant([[1.0, 0.0, 3.0]]))
    found = completed(numeric("z_score"), [{"x": x}, {"x": tf.ragged.constant([[np.nan, 5.0]], tf.float32)}])
    np.testing.assert_allclose(found.normalizer.offset, 3.0)


def test_nothing_found_is_an_error():
    with pytest.raises(DataError, match="no value of 'x'"):
        completed(numeric("z_score"), [{"x": tf.ragged.constant([[], []], tf.float32)}])
    once = CategoricalColumn(key="x", is_sequence=True, indicator=True)
    with pytest.raises(DataError, match=r"no term[\s\S]*2 times or more[\s\S]*frequency_threshold"):
        completed(once, [{"x": tf.ragged.constant([["a", "b"]])}])
    with pytest.raises(DataError, match="bytes that are not text"):
        completed(once, [{"x": tf.ragged.constant([[b"\xff", b"\xff"]])}])
    with pytest.raises(UserInputError, match="without names of features"):
        completed(numeric("z_score"), [np.zeros((2, 3))])


def test_a_dataset_of_files_is_afterwards_where_it_was(tmp_path):
    records = [sequence_example({}, {"x": [float(i)] * (1 + i % 3)}) for i in range(40)]
    path = str(write_records(tmp_path / "train", records))
    first, again = (tfs.make_dataset(path, [numeric("z_score")], batch_size=8, seed=5) for _ in range(2))
    found = completed(numeric("z_score"), first).normalizer
    np.testing.assert_allclose(found.offset, np.mean([i for i in range(40) for _ in range(1 + i % 3)]), rtol=1e-12)
    for ours, expected in zip(first, again, strict=True):
        np.testing.assert_array_equal(ours["sequence.x"], expected["sequence.x"])
