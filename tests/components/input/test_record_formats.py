import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorflow_transform.saved import saved_transform_io_v2

from tests.records import example
from tfx_sequences.components.batches.padding import pad_features
from tfx_sequences.components.input.record_formats import raw_records, transformed_records
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def without_aligned_lists(spec):
    """The spec without columns that only the transform brings to the record's steps."""
    return spec.model_copy(update={"sequence": {n: c for n, c in spec.sequence.items() if c.align is None}})


def test_raw_records_have_their_lengths(everything):
    lengths = [len(s["lpc"]) for _, s in everything.records]
    made = raw_records(without_aligned_lists(everything.spec))
    for found in (made.lengths, lambda records: made.parse(records)["sequence_length"]):
        assert found(tf.constant(everything.serialized)).numpy().tolist() == lengths
    columns = {"sequence": {"lpc": everything.spec.sequence["lpc"]}, "context": {}}
    examples = raw_records(everything.spec.model_copy(update={"record": "Example", **columns}))
    for found in (examples.lengths, lambda records: examples.parse(records)["sequence_length"]):
        assert found(tf.constant(everything.serialized_examples)).numpy().tolist() == lengths


def test_raw_records_can_be_transformed_on_the_way(everything):
    output = tft.TFTransformOutput(everything.transform_dir)
    loader = saved_transform_io_v2.SavedModelLoader(output.transform_savedmodel_dir)
    made = raw_records(everything.spec, loader.apply_transform_model)
    features = made.parse(tf.constant(everything.serialized))
    inputs, label, weight = made.batch(tf.constant(everything.serialized))
    expected = pad_features(features, everything.spec)
    assert inputs.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_array_equal(inputs[name], values)
    np.testing.assert_array_equal(label, features["label"])
    np.testing.assert_allclose(weight, [c["weight"] for c, _ in everything.records])


def test_records_have_names_where_the_spec_has_an_id(everything):
    assert raw_records(without_aligned_lists(everything.spec)).name(everything.serialized[3]) == "r3"
    ids = {"id": tf.io.FixedLenFeature([], tf.string)}
    named = example({"id": "r7"}).SerializeToString()
    assert transformed_records(everything.spec, ids).name(named) == "r7"
    nameless = everything.spec.model_copy(update={"id_key": None})
    assert transformed_records(nameless, ids).name(named) is None


@settings(max_examples=25)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=6))
def test_what_the_parse_op_pads_is_what_we_would_pad(lengths):
    columns = {"x": {"type": "numeric"}, "v": {"type": "numeric", "shape": [2]}, "left": {"type": "numeric"}}
    columns["i"] = {"type": "categorical", "dtype": "int64", "num_buckets": 9}
    padding = {"x": {"value": -3}, "left": {"side": "left"}}
    spec = SequenceSpec(name="s", sequence=columns, label={"key": "y"}, batching={"padding": padding})

    def ragged(key, *partitions, dtype=tf.float32):
        return tf.io.RaggedFeature(dtype, key, list(partitions), row_splits_dtype=tf.int64)

    features = {
        "sequence.x": ragged("x"),
        "sequence.v": ragged("v", tf.io.RaggedFeature.UniformRowLength(2)),
        "sequence.left": ragged("left"),
        "sequence.i": ragged("i", dtype=tf.int64),
        "sequence_length": tf.io.FixedLenFeature([], tf.int64),
        "label": tf.io.FixedLenFeature([], tf.int64),
    }
    made = transformed_records(spec, features)
    serialized = tf.constant(
        [
            example(
                {
                    "x": [i + s / 8 for s in range(n)],
                    "left": [i + s / 4 for s in range(n)],
                    "v": [float(i + s) for s in range(2 * n)],
                    "i": list(range(n)),
                    "sequence_length": n,
                    "label": i,
                }
            ).SerializeToString()
            for i, n in enumerate(lengths)
        ]
    )
    inputs, labels, _ = made.batch(serialized)
    expected = pad_features(made.parse(serialized), spec)
    assert inputs.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_array_equal(inputs[name], values)
        assert inputs[name].shape == values.shape and inputs[name].dtype == values.dtype
    assert labels.numpy().tolist() == list(range(len(lengths)))
