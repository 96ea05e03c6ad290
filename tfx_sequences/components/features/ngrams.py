"""n-grams of terms: each step's term together with the terms before it."""

from __future__ import annotations

import tensorflow as tf


def ngrams(terms: tf.RaggedTensor, width: int) -> tf.RaggedTensor:
    """Joins each term with up to `width - 1` terms before it in its row, by single spaces.

    A row begins with shorter n-grams, so that there are as many as terms. Where a term is missing (empty), so is its
    n-gram; in the n-grams of later terms it is empty.

    Args:
        terms: Strings, ragged `[..., N]`; the rows are those of the last axis.
        width: Number of terms in an n-gram; 1 changes nothing.

    >>> ngrams(tf.ragged.constant([["not", "so", "good"], ["good"], []]), 2).to_list()
    [[b'not', b'not so', b'so good'], [b'good'], []]
    """
    flat = terms.flat_values
    lengths = terms.nested_row_lengths()[-1]
    position = tf.ragged.range(lengths).flat_values
    here = tf.range(tf.size(flat))
    joined = flat
    for back in range(1, width):
        before = tf.gather(flat, tf.maximum(here - back, 0))
        joined = tf.where(position >= back, tf.strings.join([before, joined], " "), joined)
    return terms.with_flat_values(tf.where(flat == "", flat, joined))
