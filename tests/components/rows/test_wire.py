"""Serialized records against protobuf's own deterministic serialization."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.records import feature
from tfx_sequences.components.rows import wire

TYPES = {"string": pa.binary(), "int64": pa.int64(), "float32": pa.float32()}
VALUES = {
    "string": st.binary(max_size=200),
    "int64": st.integers(-(2**63), 2**63 - 1),
    "float32": st.floats(width=32, allow_nan=False),
}


def features(values):
    return tf.train.Features(feature={key: feature(value) for key, value in values.items()})


def ends(items):
    return np.concatenate([[0], np.cumsum([len(item) for item in items])]).astype(int)


@st.composite
def batches(draw):
    """Records: a context value and steps (each a list of values), by dtype."""
    lengths = draw(st.lists(st.integers(0, 4), min_size=1, max_size=5))
    context = {d: [draw(st.none() | VALUES[d]) for _ in lengths] for d in TYPES}
    steps = {d: [[draw(st.lists(VALUES[d], max_size=3)) for _ in range(n)] for n in lengths] for d in TYPES}
    return context, steps


@settings(deadline=None, max_examples=60)
@given(batches())
def test_any_records_have_the_bytes_of_protobuf(batch):
    context, steps = batch
    count = len(context["string"])
    entries = {
        f"c_{d}": wire.context_entry(f"c_{d}", d, wire.contents(pa.array(context[d], TYPES[d]), d)) for d in TYPES
    }
    lists = {}
    for dtype, records in steps.items():
        flat = [step for record in records for step in record]
        values = wire.contents(pa.array([v for step in flat for v in step], TYPES[dtype]), dtype)
        lists[f"s_{dtype}"] = wire.list_entry(f"s_{dtype}", dtype, wire.merged(values, ends(flat)), ends(records))
    found = wire.sequence_examples(entries, lists).to_pylist()
    for index in range(count):
        expected = tf.train.SequenceExample(
            context=features({f"c_{d}": context[d][index] for d in TYPES if context[d][index] is not None}),
            feature_lists=tf.train.FeatureLists(
                feature_list={
                    f"s_{d}": tf.train.FeatureList(feature=[feature(step) for step in steps[d][index]]) for d in TYPES
                }
            ),
        )
        assert found[index] == expected.SerializeToString(deterministic=True)


def test_flat_lists_have_the_bytes_of_an_example():
    values = wire.contents(pa.array([b"a", b"bc", None, b""], pa.binary()), "string")
    found = wire.examples({"t": wire.context_entry("t", "string", wire.merged(values, np.array([0, 2, 4])))})
    assert found.to_pylist() == [
        tf.train.Example(features=features({"t": step})).SerializeToString(deterministic=True)
        for step in ([b"a", b"bc"], [b""])
    ]


@pytest.mark.parametrize("length", [127, 128, 4095, 4096, 70_000])
def test_long_values_have_long_headers(length):
    text = b"x" * length
    values = wire.contents(pa.array([text], pa.binary()), "string")
    found = wire.sequence_examples({}, {"t": wire.list_entry("t", "string", values, np.array([0, 1]))})
    parsed = tf.train.SequenceExample.FromString(found[0].as_py())
    assert parsed.feature_lists.feature_list["t"].feature[0].bytes_list.value == [text]


@pytest.mark.parametrize("value", [b"u7", 0, 300, -1, b""])
def test_a_feature_of_one_value_is_that_of_protobuf(value):
    assert wire.value_feature(value) == feature(value).SerializeToString(deterministic=True)


def test_slices_of_arrays_are_read_at_their_offset():
    sliced = pa.array([b"no", b"a", b"b"], pa.binary()).slice(1)
    found = wire.merged(wire.contents(sliced, "string"), np.array([0, 2])).to_pylist()
    assert found == [b"\x0a\x01a\x0a\x01b"]
