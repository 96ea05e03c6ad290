"""Categorical columns of `tf.feature_column`, before they become embeddings or indicators."""

import pytest
import tensorflow as tf

import tfx_sequences as ours
from tfx_sequences.errors import SpecError
from tfx_sequences.schemas.migration.migrated_ids import (
    by_class,
    class_names,
    converted_ids,
    is_categorical,
    unsupported,
)

fc = tf.feature_column


@pytest.mark.parametrize("prefix", ["", "sequence_"])
@pytest.mark.parametrize(
    ("kind", "arguments", "options"),
    [
        ("identity", ("x", 4), {}),
        ("identity", ("x", 4), {"default_value": 2}),
        ("hash_bucket", ("x", 7), {}),
        ("vocabulary_list", ("x", ["b", "a"]), {"num_oov_buckets": 2}),
        ("vocabulary_list", ("x", ["b", "a"]), {"default_value": 1}),
    ],
)
def test_each_kind_of_ids_becomes_its_twin(prefix, kind, arguments, options):
    name = f"{prefix}categorical_column_with_{kind}"
    assert converted_ids(getattr(fc, name)(*arguments, **options)) == getattr(ours, name)(*arguments, **options)


def test_an_id_for_unknown_terms_must_have_a_row():
    listed = fc.categorical_column_with_vocabulary_list
    with pytest.raises(SpecError, match=r"default_value in \[0, 2\), or -1[\s\S]*received: default_value=2"):
        converted_ids(listed("x", ["a", "b"], default_value=2))
    # Every negative id is dropped by `tf.feature_column` too.
    assert converted_ids(listed("x", ["a", "b"], default_value=-9)).default_value == -1


@pytest.mark.parametrize("weighted_first", [True, False])
def test_weights_of_steps(weighted_first):
    """The column can be weighted before or after it becomes one of steps."""
    steps = fc.sequence_categorical_column_with_identity("x", 4)
    theirs = fc.weighted_categorical_column(steps, "w")
    if weighted_first:
        theirs = steps._replace(categorical_column=fc.weighted_categorical_column(steps.categorical_column, "w"))
    own = ours.weighted_categorical_column(ours.sequence_categorical_column_with_identity("x", 4), "w")
    assert own.is_sequence and own.multi_valued
    assert converted_ids(theirs) == own


def test_a_compressed_vocabulary_file_is_refused(tmp_path):
    file = str(tmp_path / "terms.tfrecord.gz")
    with tf.io.TFRecordWriter(file, "GZIP") as writer:
        writer.write(b"a")
    with pytest.raises(SpecError, match=r"'x'.*'tfrecord_gzip'[\s\S]*text file"):
        converted_ids(fc.categorical_column_with_vocabulary_file("x", file))


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (fc.categorical_column_with_identity("x", 4), True),
        (fc.sequence_categorical_column_with_identity("x", 4), True),
        (fc.weighted_categorical_column(fc.categorical_column_with_identity("x", 4), "w"), True),
        (fc.crossed_column(["a", "b"], 5), True),
        (fc.numeric_column("x"), False),
        (fc.indicator_column(fc.categorical_column_with_identity("x", 4)), False),
    ],
)
def test_columns_of_ids_are_recognized(column, expected):
    assert is_categorical(column) == expected


def test_a_cross_of_columns_is_refused_with_advice():
    crossed = fc.crossed_column(["a", fc.categorical_column_with_identity("b", 3)], 5)
    with pytest.raises(
        SpecError, match=r"'a_X_b' cannot be converted[\s\S]*hash that with categorical_column_with_hash"
    ):
        converted_ids(crossed)


def test_the_nearest_class_decides():
    class Upper:
        pass

    class Lower(Upper):
        pass

    assert class_names(Lower()) == ["Lower", "Upper", "object"]
    assert by_class(Lower(), {"object": 1, "Upper": 2}) == 2
    assert by_class(Lower(), {}) is None
    assert "Something is not a known column of tf.feature_column" in str(unsupported(Lower()))
