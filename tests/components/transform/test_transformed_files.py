"""Transformed records have the layout of those that TFT writes, and the values of the graph."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft

from tfx_sequences.components.transform.transform_graph import TransformGraph
from tfx_sequences.components.transform.transformed_files import write_transformed
from tfx_sequences.schemas.features.parse_specs import parse_records
from tfx_sequences.schemas.features.transformed_features import make_parse_transformed_spec


@pytest.mark.parametrize("given", ["everything", "all_labels", "forecasts"])
def test_records_of_any_spec_are_parsed_by_the_schema_of_tft(request, given, tmp_path):
    of = request.getfixturevalue(given)
    raw, path = str(tmp_path / "raw"), str(tmp_path / "transformed")
    with tf.io.TFRecordWriter(raw) as writer:
        for record in of.serialized:
            writer.write(record)
    output = tft.TFTransformOutput(of.transform_dir)
    graph = TransformGraph(output.transform_savedmodel_dir)
    assert write_transformed(of.spec, graph, [raw], path) == len(of.serialized)
    written = tf.constant([*tf.data.TFRecordDataset(path).as_numpy_iterator()])
    found = tf.io.parse_example(written, output.transformed_feature_spec())
    expected = graph(parse_records(tf.constant(of.serialized), of.spec))
    assert found.keys() == make_parse_transformed_spec(of.spec).keys() <= expected.keys()
    for name, values in found.items():
        pair = [tf.nest.flatten(x, expand_composites=True) for x in (values, expected[name])]
        if isinstance(values, tf.RaggedTensor):
            assert values.ragged_rank == expected[name].ragged_rank
        for ours, theirs in zip(*pair, strict=True):
            np.testing.assert_array_equal(ours, theirs, err_msg=name)
