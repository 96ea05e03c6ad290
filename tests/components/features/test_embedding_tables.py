import keras
import numpy as np
import pytest

import tfx_sequences as tfs
from tfx_sequences.components.features.embedding_tables import EmbeddingTables
from tfx_sequences.components.features.sequence_features import ContextFeatures, SequenceFeatures
from tfx_sequences.errors import SpecError, UserInputError

TERMS = ("one", "two", "three")


def listed(**options):
    column = tfs.sequence_categorical_column_with_vocabulary_list("word", TERMS, num_oov_buckets=1)
    return tfs.embedding_column(column, dimension=2, **options)


@pytest.fixture
def vectors_file(tmp_path):
    path = tmp_path / "vectors.txt"
    path.write_text("3 2\ntwo 1 2\nother 5 5\none 3 4\n", "utf-8")
    return str(path)


def test_pretrained_vectors_stand_at_their_terms_and_the_rest_is_initialised(vectors_file):
    tables = EmbeddingTables([listed(vectors_file=vectors_file, initializer="ones")])
    np.testing.assert_array_equal(tables.weights_of("word_embedding"), [[3, 4], [1, 2], [1, 1], [1, 1]])
    read = tables.pretrained["word_embedding"]
    assert read.not_covered == ("three",)
    assert read.report() == "Embedding 'word_embedding': pretrained vectors for 2 of 3 terms; none for 'three'"


def test_a_frozen_table_is_not_trained(vectors_file):
    assert EmbeddingTables([listed(vectors_file=vectors_file)]).weights_of("word_embedding").trainable
    frozen = EmbeddingTables([listed(vectors_file=vectors_file, trainable=False)])
    assert not frozen.weights_of("word_embedding").trainable
    layer = SequenceFeatures([listed(vectors_file=vectors_file, trainable=False)])
    layer.build()
    assert (len(layer.trainable_variables), len(layer.non_trainable_variables)) == (0, 1)


def test_a_saved_model_needs_no_file(vectors_file, tmp_path):
    columns = [listed(vectors_file=vectors_file)]
    inputs = {"word": keras.Input((None,), dtype="string"), "sequence_length": keras.Input((), dtype="int64")}
    model = keras.Model(inputs, SequenceFeatures(columns)(inputs)[0])
    model.save(tmp_path / "m.keras")
    (tmp_path / "vectors.txt").unlink()
    loaded = keras.saving.load_model(tmp_path / "m.keras")
    given = {"word": np.array([["two", "x"]]), "sequence_length": np.array([2])}
    np.testing.assert_array_equal(loaded(given), model(given))
    np.testing.assert_array_equal(loaded(given)[0, 0], [1, 2])


def test_terms_can_come_from_elsewhere(vectors_file):
    column = tfs.embedding_column(
        tfs.sequence_categorical_column_with_identity("id", 3), 2, vectors_file=vectors_file, initializer="zeros"
    )
    tables = EmbeddingTables([column], terms={"id_embedding": ["x", "two", "one"]})
    np.testing.assert_array_equal(tables.weights_of("id_embedding"), [[0, 0], [1, 2], [3, 4]])


def test_rows_of_an_array_are_ids(tmp_path):
    np.save(tmp_path / "v.npy", np.arange(6.0).reshape(3, 2))
    column = tfs.sequence_categorical_column_with_identity("id", 3)
    tables = EmbeddingTables([tfs.embedding_column(column, 2, vectors_file=str(tmp_path / "v.npy"))])
    np.testing.assert_array_equal(tables.weights_of("id_embedding"), np.arange(6.0).reshape(3, 2))


def test_layers_share_tables_and_train_them_together():
    seen, target = tfs.shared_embedding_columns(
        [
            tfs.sequence_categorical_column_with_identity("seen", 4),
            tfs.categorical_column_with_identity("target", 4),
        ],
        dimension=3,
    )
    tables = EmbeddingTables([seen, target])
    steps, context = SequenceFeatures([seen], tables=tables), ContextFeatures([target], tables=tables)
    x, _ = steps({"seen": np.array([[2]]), "sequence_length": np.array([1])})
    np.testing.assert_array_equal(x[0, 0], context({"target": np.array([2])})[0])
    assert steps.trainable_variables[0] is context.trainable_variables[0]


def test_a_shared_table_stays_shared_after_saving(tmp_path):
    seen, target = tfs.shared_embedding_columns(
        [tfs.sequence_categorical_column_with_identity("seen", 4), tfs.categorical_column_with_identity("target", 4)], 3
    )
    inputs = {
        "seen": keras.Input((None,), dtype="int64"),
        "target": keras.Input((), dtype="int64"),
        "sequence_length": keras.Input((), dtype="int64"),
    }
    steps, _ = SequenceFeatures([seen], context_columns=[target])(inputs)
    model = keras.Model(inputs, steps)
    model.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras")
    assert len(loaded.trainable_variables) == len(model.trainable_variables) == 1
    given = {"seen": np.array([[2, 1]]), "target": np.array([3]), "sequence_length": np.array([2])}
    np.testing.assert_array_equal(loaded(given), model(given))


def test_tables_of_two_layers_stay_shared_after_saving(tmp_path):
    seen, target = tfs.shared_embedding_columns(
        [tfs.sequence_categorical_column_with_identity("seen", 4), tfs.categorical_column_with_identity("target", 4)], 3
    )
    tables = EmbeddingTables([seen, target])
    inputs = {
        "seen": keras.Input((None,), dtype="int64"),
        "target": keras.Input((), dtype="int64"),
        "sequence_length": keras.Input((), dtype="int64"),
    }
    steps, _ = SequenceFeatures([seen], tables=tables)(inputs)
    model = keras.Model(inputs, [steps, ContextFeatures([target], tables=tables)(inputs)])
    model.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras")
    assert len(loaded.trainable_variables) == len(model.trainable_variables) == 1
    given = {"seen": np.array([[2, 1]]), "target": np.array([3]), "sequence_length": np.array([2])}
    for received, expected in zip(loaded(given), model(given), strict=True):
        np.testing.assert_array_equal(received, expected)


def test_columns_that_disagree_cannot_share():
    one = tfs.embedding_column(tfs.sequence_categorical_column_with_identity("a", 4), 3)
    with pytest.raises(SpecError, match=r"share the embedding table[\s\S]*num_buckets: 4 and 5"):
        tfs.shared_embedding_columns([one, tfs.sequence_categorical_column_with_identity("b", 5)], 3)


def test_an_unknown_table_is_named_with_the_closest():
    with pytest.raises(UserInputError, match="Did you mean 'word_embedding'"):
        EmbeddingTables([listed()]).weights_of("word_embeding")


def test_a_table_is_as_large_as_its_ids_and_starts_as_feature_columns_do():
    tables = EmbeddingTables([tfs.embedding_column(tfs.sequence_categorical_column_with_identity("id", 5000), 16)])
    weights = np.asarray(tables.weights_of("id_embedding"))
    assert (weights.shape, tables.num_ids_of("id_embedding"), tables.width_of("id_embedding")) == ((5000, 16), 5000, 16)
    # Truncated normal of deviation 1 / sqrt(16), cut at two deviations.
    assert abs(weights.mean()) < 0.01 and abs(weights).max() <= 0.5
    np.testing.assert_allclose(weights.std(), 0.25 * 0.88, rtol=0.02)


def test_one_key_in_context_and_sequence_has_two_tables():
    steps = tfs.embedding_column(tfs.sequence_categorical_column_with_identity("k", 4), 2)
    context = tfs.embedding_column(tfs.categorical_column_with_identity("k", 9), 3)
    layer = SequenceFeatures([steps], context_columns=[context])
    layer.build()
    assert sorted(tuple(w.shape) for w in layer.trainable_variables) == [(4, 2), (9, 3)]
    joined, _ = layer({"sequence.k": np.array([[1]]), "k": np.array([8]), "sequence_length": np.array([1])})
    expected = [layer.tables.weights_of("k_embedding")[1], layer.tables.weights_of("context.k_embedding")[8]]
    np.testing.assert_array_equal(joined[0, 0], np.concatenate(expected))


def test_tables_made_without_a_column_are_refused():
    with pytest.raises(UserInputError, match=r"do not include the column 'id'[\s\S]*word_embedding"):
        SequenceFeatures([tfs.sequence_categorical_column_with_identity("id", 3)], tables=EmbeddingTables([listed()]))
