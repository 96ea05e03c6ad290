"""Vocabularies in the order of TFT: beside TFT's own files, and Keras' StringLookup."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfx_sequences.components.features.term_counts import TermCounts
from tfx_sequences.schemas.columns.categorical_columns import Vocabulary


def test_the_order_is_that_of_transforms_files(everything):
    """Ties included: `up` splits tokens, and terms of one count fall by their bytes."""
    values = {
        "sequence_token": [t for _, steps in everything.records for t in steps["token"]],
        "context_city": [c["city"].lower() for c, _ in everything.records],
        "context_tags": [t for c, _ in everything.records for t in c["tags"]],
        "of_table_brand": [t for _, s in everything.records for t in s["brand"]]
        + [c["home_brand"] for c, _ in everything.records],
    }
    declared = {"sequence_token": Vocabulary(frequency_threshold=2), "context_tags": Vocabulary()}
    for name, terms in values.items():
        counts = TermCounts()
        for part in np.array_split(np.array(terms, object), 3):
            counts.add(tf.constant(part, tf.string))
        [file] = Path(everything.transform_dir).glob(f"**/vocabulary_{name}")
        found = counts.terms(declared.get(name, Vocabulary(frequency_threshold=2)))
        assert found == file.read_bytes().rstrip(b"\n").split(b"\n"), name


@pytest.mark.parametrize("top_k", [None, 7])
def test_the_order_is_that_of_keras(top_k):
    terms = np.random.default_rng(0).choice([f"t{i}" for i in range(30)] + ["", "ä", "Z"], 200)
    counts = TermCounts()
    counts.add(tf.constant(terms))
    lookup = keras.layers.StringLookup(max_tokens=None if top_k is None else top_k + 1)
    lookup.adapt(terms[terms != ""])
    assert [t.decode() for t in counts.terms(Vocabulary(top_k=top_k))] == lookup.get_vocabulary()[1:]


def test_line_breaks_and_missing_terms_are_no_terms():
    counts = TermCounts()
    counts.add(tf.constant(["a\nb", "\r", "", "a b"]))
    counts.add(tf.constant([], tf.string))
    assert counts.terms(Vocabulary()) == [b"a b"]
