"""`ContextFeatures` against `tf_keras.layers.DenseFeatures`, with the same weights, on generated features."""

from __future__ import annotations

import functools
import math

import hypothesis
import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from hypothesis import strategies as st

from tests import feature_columns as given
from tfx_sequences.components.features.feature_column_weights import load_sequence_features_weights
from tfx_sequences.components.features.sequence_features import ContextFeatures
from tfx_sequences.schemas.migration.migrated_columns import from_feature_columns

fc = tf.feature_column
BOUNDARIES = [-1.0, 0.0, 2.5]
NUMBERS = {
    "number": lambda key, shape: fc.numeric_column(key, shape=shape),
    "buckets": lambda key, shape: fc.bucketized_column(fc.numeric_column(key, shape=shape), BOUNDARIES),
    "embedded buckets": lambda key, shape: fc.embedding_column(NUMBERS["buckets"](key, shape), given.DIMENSION),
    "indicated buckets": lambda key, shape: fc.indicator_column(NUMBERS["buckets"](key, shape)),
}
TERMS = [*given.IDENTITY, *given.VOCABULARY_LIST, *given.HASH_BUCKET]


@functools.cache
def layers(*columns):
    theirs = tf_keras.layers.DenseFeatures(columns)
    theirs.build(None)
    own = ContextFeatures(from_feature_columns(columns))
    load_sequence_features_weights(own, theirs)
    return theirs, own


@functools.cache
def number_column(kind, key, shape):
    return NUMBERS[kind](key, shape)


@st.composite
def numbers(draw, rows):
    kind = draw(st.sampled_from(sorted(NUMBERS)))
    shape = draw(st.sampled_from([(1,), (3,), (2, 2)] if kind == "number" else [(1,), (3,)]))
    values, count = st.floats(-4, 4, width=32) | st.sampled_from(BOUNDARIES), rows * math.prod(shape)
    flat = draw(st.lists(values, min_size=count, max_size=count))
    array = np.array(flat, "float32").reshape((rows, *shape))
    return number_column(kind, "n", shape), array, [array]


@st.composite
def terms(draw, rows):
    source, representation = draw(st.sampled_from(TERMS)), draw(st.sampled_from(sorted(given.REPRESENTATIONS)))
    values = draw(st.lists(st.lists(st.sampled_from(source.values), max_size=3), min_size=rows, max_size=rows))
    flat = np.array([value for row in values for value in row], source.stored)
    ragged = tf.RaggedTensor.from_row_lengths(flat, [len(row) for row in values])
    forms = [ragged.to_sparse(), ragged]
    if len({len(row) for row in values}) == 1 and values[0]:
        forms.append(flat.reshape(rows, -1))
        if len(values[0]) == 1:
            forms.append(flat)
    return given.column(source, representation, "t", is_sequence=False), forms[0], forms


@hypothesis.settings(max_examples=150, suppress_health_check=list(hypothesis.HealthCheck))
@hypothesis.given(st.integers(1, 4).flatmap(lambda rows: st.tuples(numbers(rows), terms(rows))))
def test_context_features_give_the_same(case):
    (number, array, _), (term, sparse, forms) = case
    theirs, own = layers(number, term)
    with tf.GradientTape() as tape:
        expected = theirs({"n": array, "t": sparse})
        loss = tf.reduce_sum(tf.square(expected))
    expected_gradients = {v.name: g for v, g in zip(theirs.weights, tape.gradient(loss, theirs.weights), strict=True)}
    tables = {name: own.tables.weights_of(name).value for name in own.tables.names}
    for form in forms:
        with tf.GradientTape() as tape:
            output = own({"n": array, "t": form})
            loss = tf.reduce_sum(tf.square(output))
        np.testing.assert_allclose(output, expected, rtol=1e-6, atol=1e-6)
        for table, gradient in tape.gradient(loss, tables).items():
            [other] = [g for name, g in expected_gradients.items() if f"{table}/" in name]
            # Where max_norm bounds a vector its gradient is what is left of terms that cancel, and so is its rounding.
            terms = np.square(expected).sum() / np.abs(tables[table].numpy()).max()
            np.testing.assert_allclose(
                tf.convert_to_tensor(gradient), tf.convert_to_tensor(other), rtol=1e-5, atol=1e-6 * max(1, terms)
            )


@pytest.mark.parametrize("terms", [["a", "", "zzz"], ["", "", ""]])
def test_difference_dense_terms_are_all_values_where_tf_keras_drops_empty_ones(terms):
    column = given.column(given.VOCABULARY_LIST[2], "indicator", "t", is_sequence=False)
    theirs, own = layers(column)
    dense = {"t": tf.constant([terms])}
    assert theirs(dense).numpy().sum() == sum(term != "" for term in terms)
    assert own(dense).numpy().sum() == len(terms)
    # Left out by whoever makes the tensor, they are in neither.
    sparse = {"t": tf.sparse.from_dense(dense["t"])}
    np.testing.assert_array_equal(own(sparse), theirs(dense))
