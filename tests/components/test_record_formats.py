import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
from tensorflow_transform.saved import saved_transform_io_v2

from tests.records import example
from tfx_sequences.components.padding import pad_features
from tfx_sequences.components.record_formats import raw_records, transformed_records


def test_raw_records_have_their_lengths(everything):
    lengths = [len(s["lpc"]) for _, s in everything.records]
    made = raw_records(everything.spec)
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
    inputs, label, weight = made.batch(features)
    expected = pad_features(features, everything.spec)
    assert inputs.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_array_equal(inputs[name], values)
    np.testing.assert_array_equal(label, features["label"])
    np.testing.assert_allclose(weight, [c["weight"] for c, _ in everything.records])


def test_records_have_names_where_the_spec_has_an_id(everything):
    assert raw_records(everything.spec).name(everything.serialized[3]) == "r3"
    ids = {"id": tf.io.FixedLenFeature([], tf.string)}
    named = example({"id": "r7"}).SerializeToString()
    assert transformed_records(everything.spec, ids).name(named) == "r7"
    nameless = everything.spec.model_copy(update={"id_key": None})
    assert transformed_records(nameless, ids).name(named) is None
