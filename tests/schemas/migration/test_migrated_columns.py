import math
import subprocess
import sys

import pytest
import tensorflow as tf

import tfx_sequences as ours
from tfx_sequences.errors import SpecError
from tfx_sequences.schemas.columns.column import Scaling
from tfx_sequences.schemas.migration.migrated_columns import from_feature_columns

fc = tf.feature_column
V1 = tf.compat.v1.feature_column


@pytest.fixture(scope="module")
def terms_file(tmp_path_factory):
    file = tmp_path_factory.mktemp("terms") / "terms.txt"
    file.write_text("a\nb\nc\n", "utf-8")
    return str(file)


def embedded(column, **options):
    return fc.embedding_column(column, dimension=3, **options)


@pytest.mark.parametrize(
    ("theirs", "expected"),
    [
        (fc.sequence_numeric_column("x"), ours.sequence_numeric_column("x")),
        (
            fc.sequence_numeric_column("x", shape=(2, 3), default_value=1.5, dtype=tf.int64),
            SpecError,  # 1.5 is no int64
        ),
        (
            fc.sequence_numeric_column("x", shape=(2, 3), default_value=2, dtype=tf.int64),
            ours.sequence_numeric_column("x", shape=(2, 3), default_value=2, dtype="int64"),
        ),
        (fc.numeric_column("x"), ours.numeric_column("x")),
        (
            fc.numeric_column("x", shape=(2,), default_value=4.0, dtype=tf.float64),
            ours.numeric_column("x", shape=2, default_value=4.0),
        ),
        (fc.numeric_column("x", shape=(2,), default_value=(4.0, 4.0)), ours.numeric_column("x", 2, default_value=4.0)),
        (
            fc.bucketized_column(fc.numeric_column("x", shape=(2,)), [0, 1.5]),
            ours.bucketized_column(ours.numeric_column("x", shape=2), [0, 1.5]),
        ),
        (
            embedded(fc.bucketized_column(fc.numeric_column("x"), [0])),
            ours.embedding_column(ours.bucketized_column(ours.numeric_column("x"), [0]), 3),
        ),
        (
            fc.indicator_column(fc.sequence_categorical_column_with_identity("x", 4, default_value=2)),
            ours.indicator_column(ours.sequence_categorical_column_with_identity("x", 4, default_value=2)),
        ),
        (
            embedded(fc.sequence_categorical_column_with_identity("x", 4), combiner="sqrtn", max_norm=2),
            ours.embedding_column(
                ours.sequence_categorical_column_with_identity("x", 4), 3, combiner="sqrtn", max_norm=2.0
            ),
        ),
        (
            embedded(fc.categorical_column_with_identity("x", 4), trainable=False),
            ours.embedding_column(ours.categorical_column_with_identity("x", 4), 3, trainable=False),
        ),
        (
            embedded(fc.sequence_categorical_column_with_hash_bucket("x", 7, dtype=tf.int32)),
            ours.embedding_column(ours.sequence_categorical_column_with_hash_bucket("x", 7, dtype="int64"), 3),
        ),
        (
            embedded(fc.categorical_column_with_hash_bucket("x", 7)),
            ours.embedding_column(ours.categorical_column_with_hash_bucket("x", 7), 3),
        ),
        (
            embedded(fc.sequence_categorical_column_with_vocabulary_list("x", ["a", "b"], num_oov_buckets=2)),
            ours.embedding_column(
                ours.sequence_categorical_column_with_vocabulary_list("x", ["a", "b"], num_oov_buckets=2), 3
            ),
        ),
        (
            embedded(fc.sequence_categorical_column_with_vocabulary_list("x", [7, 5], dtype=tf.int64)),
            ours.embedding_column(ours.sequence_categorical_column_with_vocabulary_list("x", [7, 5]), 3),
        ),
        (
            embedded(fc.categorical_column_with_vocabulary_list("x", ["a", "b"], default_value=1)),
            ours.embedding_column(ours.categorical_column_with_vocabulary_list("x", ["a", "b"], default_value=1), 3),
        ),
        (
            embedded(fc.categorical_column_with_vocabulary_list("x", ["a", "b"], default_value=-7)),
            ours.embedding_column(ours.categorical_column_with_vocabulary_list("x", ["a", "b"]), 3),
        ),
        (
            embedded(fc.categorical_column_with_vocabulary_list("x", ["a", "b"], default_value=2)),
            SpecError,  # the table has two rows
        ),
        (
            embedded(fc.weighted_categorical_column(fc.categorical_column_with_identity("x", 4), "w"), combiner="sum"),
            ours.embedding_column(
                ours.weighted_categorical_column(ours.categorical_column_with_identity("x", 4), "w"), 3, combiner="sum"
            ),
        ),
        (
            fc.indicator_column(fc.crossed_column(["b", "a"], 5)),
            ours.indicator_column(ours.crossed_column(["b", "a"], 5)),
        ),
        (
            embedded(fc.crossed_column(["b", "a"], 5, hash_key=7)),
            ours.embedding_column(ours.crossed_column(["b", "a"], 5, hash_key=7), 3),
        ),
        (
            fc.indicator_column(
                fc.weighted_categorical_column(fc.categorical_column_with_hash_bucket("x", 4), "w", dtype=tf.int64)
            ),
            ours.indicator_column(
                ours.weighted_categorical_column(ours.categorical_column_with_hash_bucket("x", 4), "w", dtype="int64")
            ),
        ),
    ],
)
def test_a_column_becomes_its_twin(theirs, expected):
    if expected is SpecError:
        with pytest.raises(SpecError, match="'x'"):
            from_feature_columns(theirs)
        return
    converted = from_feature_columns(theirs)
    assert converted == expected
    assert converted.name == theirs.name


@pytest.mark.parametrize("prefix", ["", "sequence_"])
def test_vocabulary_files(terms_file, prefix):
    for options in ({}, {"vocabulary_size": 2}, {"num_oov_buckets": 2}, {"default_value": 1}):
        theirs = getattr(fc, f"{prefix}categorical_column_with_vocabulary_file")("x", terms_file, **options)
        twin = getattr(ours, f"{prefix}categorical_column_with_vocabulary_file")
        expected = twin("x", terms_file, **{"vocabulary_size": 3, **options})
        assert from_feature_columns(fc.indicator_column(theirs)) == ours.indicator_column(expected)
        v1 = V1.categorical_column_with_vocabulary_file("x", terms_file, **options)
        assert from_feature_columns(fc.indicator_column(v1)).vocabulary_size == expected.vocabulary_size


def test_shared_embeddings_share_a_table_across_steps_and_context():
    with tf.Graph().as_default():
        theirs = fc.shared_embeddings(
            [fc.sequence_categorical_column_with_identity("seen", 9), fc.categorical_column_with_identity("target", 9)],
            dimension=4,
            combiner="sum",
            max_norm=3.0,
            trainable=False,
        )
        named = fc.shared_embeddings(
            [fc.categorical_column_with_identity("target", 9)], 2, shared_embedding_collection_name="item"
        )
        of_v1 = V1.shared_embedding_columns(
            [fc.sequence_categorical_column_with_identity("seen", 9), fc.categorical_column_with_identity("target", 9)],
            dimension=4,
            combiner="sum",
            max_norm=3.0,
            trainable=False,
        )
    expected = ours.shared_embedding_columns(
        [ours.sequence_categorical_column_with_identity("seen", 9), ours.categorical_column_with_identity("target", 9)],
        dimension=4,
        combiner="sum",
        max_norm=3.0,
        trainable=False,
    )
    assert from_feature_columns(theirs) == from_feature_columns(of_v1) == expected
    assert [c.name for c in expected] == [c.name for c in theirs]
    assert from_feature_columns(named)[0].table == "item"


def test_columns_with_one_table_but_different_ids_are_refused():
    with tf.Graph().as_default():
        theirs = fc.shared_embeddings(
            [
                fc.categorical_column_with_vocabulary_list("x", ["a", "b"]),
                fc.categorical_column_with_vocabulary_list("y", ["b", "a"]),
            ],
            dimension=4,
        )
    with pytest.raises(SpecError, match=r"'x' and 'y' share the embedding table"):
        from_feature_columns(theirs)


def test_one_column_gives_one_and_a_list_keeps_its_order():
    columns = [fc.sequence_numeric_column("b"), fc.sequence_numeric_column("a")]
    assert [c.key for c in from_feature_columns(columns)] == ["b", "a"]
    assert [c.key for c in from_feature_columns(iter(columns))] == ["b", "a"]
    assert from_feature_columns(columns[0]).key == "b"
    assert from_feature_columns([]) == []


def test_normalizers_are_declared_by_key():
    theirs = [fc.sequence_numeric_column("x", normalizer_fn=lambda x: x / 2), fc.numeric_column("y")]
    with pytest.raises(SpecError, match=r"'x' has a normalizer_fn[\s\S]*normalizers=\{'x': Scaling"):
        from_feature_columns(theirs)
    x, y = from_feature_columns(theirs, normalizers={"x": Scaling(scale=0.5)})
    assert (x.normalizer, y.normalizer) == (Scaling(scale=0.5), "none")
    with pytest.raises(SpecError, match=r"contains 'y', which does not have a normalizer_fn"):
        from_feature_columns(theirs, normalizers={"x": "log1p", "y": "log1p"})
    with pytest.raises(SpecError, match="normalizer"):
        from_feature_columns(theirs, normalizers={"x": "zscore"})


@pytest.mark.parametrize(
    ("default", "normalizer", "expected"),
    [
        (0.0, Scaling(offset=3.0, scale=0.5), None),
        (1.0, Scaling(offset=3.0, scale=0.5), 5.0),
        (-2.0, "log1p", -math.expm1(2)),
        (1.0, Scaling(offset=(1.0, 2.0)), SpecError),
    ],
)
def test_the_default_of_steps_stands_for_a_normalised_value(default, normalizer, expected):
    theirs = fc.sequence_numeric_column("x", shape=2, default_value=default, normalizer_fn=lambda x: x)
    if expected is SpecError:
        with pytest.raises(SpecError, match="Use default_value=0"):
            from_feature_columns(theirs, normalizers={"x": normalizer})
    else:
        assert from_feature_columns(theirs, normalizers={"x": normalizer}).default_value == expected


@pytest.mark.parametrize(
    ("initializer", "name", "is_told"),
    [
        (None, "feature_column", False),
        (tf.zeros_initializer(), "zeros", False),
        (tf.keras.initializers.GlorotUniform(), "glorot_uniform", False),
        (tf.keras.initializers.HeNormal(), "he_normal", False),
        (tf.constant_initializer(3.0), "feature_column", True),
        (tf.compat.v1.truncated_normal_initializer(stddev=3.0), "feature_column", True),
    ],
)
def test_initializers_are_named_or_told(initializer, name, is_told, caplog):
    column = embedded(fc.sequence_categorical_column_with_identity("x", 4), initializer=initializer)
    with caplog.at_level("WARNING", logger="absl"):
        assert from_feature_columns(column).embedding.initializer == name
    assert ("'x_embedding' does not have a name in specs" in caplog.text) == is_told


def test_a_checkpoint_is_refused_with_the_way_to_load_it():
    column = embedded(
        fc.categorical_column_with_identity("x", 4), ckpt_to_load_from="/somewhere", tensor_name_in_ckpt="w"
    )
    with pytest.raises(SpecError, match=r"'x_embedding' loads its weights[\s\S]*load_sequence_features_weights"):
        from_feature_columns(column)


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (
            fc.indicator_column(fc.crossed_column(["a", fc.categorical_column_with_identity("b", 3)], 5)),
            r"'a_X_b' cannot be converted[\s\S]*hash that with categorical_column_with_hash_bucket",
        ),
        (
            fc.weighted_categorical_column(fc.categorical_column_with_identity("x", 4), "w"),
            r"'x_weighted_by_w' is categorical",
        ),
        (fc.crossed_column(["a", "b"], 5), r"'a_X_b' is categorical"),
        (fc.categorical_column_with_identity("x", 4), r"'x' is categorical[\s\S]*Wrap it in embedding_column"),
        (fc.sequence_categorical_column_with_identity("x", 4), r"'x' is categorical"),
        (ours.numeric_column("x"), r"'x' is already a column of tfx_sequences"),
        ([ours.numeric_column("x")], r"'x' is already a column of tfx_sequences"),
        ([3], r"Something is not a known column of tf.feature_column[\s\S]*received: builtins.int"),
        (3, r"not given columns[\s\S]*builtins.int"),
        ({"x": fc.numeric_column("x")}, r"not given columns[\s\S]*builtins.dict"),
        (fc.numeric_column("x", shape=2, default_value=(1.0, 2.0)), r"'x' has a default_value per element"),
        (
            fc.bucketized_column(fc.numeric_column("x", normalizer_fn=lambda x: x), [0]),
            r"'x_bucketized' has boundaries for normalized numbers",
        ),
        (fc.numeric_column("x", dtype=tf.int8), "'x' has a dtype that records cannot store"),
    ],
)
def test_what_cannot_be_converted_says_what_to_do(column, message):
    with pytest.raises(SpecError, match=message):
        from_feature_columns(column)


def test_an_indicator_of_buckets_is_the_buckets_unless_that_changes_the_order():
    buckets = fc.bucketized_column(fc.numeric_column("x"), [0])
    assert from_feature_columns(fc.indicator_column(buckets)) == from_feature_columns(buckets)
    between = fc.numeric_column("x_bucketized_count")
    from_feature_columns([buckets, between])
    with pytest.raises(SpecError, match="another order than the originals"):
        from_feature_columns([fc.indicator_column(buckets), between])


def test_the_module_does_not_import_tensorflow():
    code = "import sys, tfx_sequences.schemas.migration.migrated_columns; print('tensorflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
