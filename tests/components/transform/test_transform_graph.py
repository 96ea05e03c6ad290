"""The transform graph as a function, whichever engine made it; without labels, what does not depend on them."""

import numpy as np
import pytest
import tensorflow as tf

from tests.components.transform.engines import analyzed_without_tft
from tfx_sequences.components.transform.transform_graph import TransformGraph
from tfx_sequences.components.transform.transform_output import TransformOutput
from tfx_sequences.schemas.features.parse_specs import parse_records


@pytest.fixture(scope="module", params=["tft", "core"])
def graph(request, everything, tmp_path_factory):
    folder = everything.transform_dir
    if request.param == "core":
        folder = analyzed_without_tft(everything.spec, everything.serialized, tmp_path_factory.mktemp("core"))
    return TransformGraph(TransformOutput(folder).transform_savedmodel_dir)


def test_features_are_the_same_with_labels_and_without(graph, everything):
    serialized = tf.constant(everything.serialized[:9])
    labelled = graph(parse_records(serialized, everything.spec))
    served = graph(parse_records(serialized, everything.spec, with_label=False))
    assert {"label", "example_weight"} <= labelled.keys() - served.keys()
    assert {"sequence_length", "sequence.token", "context.city"} <= served.keys()
    for name, values in served.items():
        for ours, theirs in zip(*(tf.nest.flatten(x, True) for x in (values, labelled[name])), strict=True):
            np.testing.assert_array_equal(ours, theirs, err_msg=name)


def test_it_can_be_a_part_of_another_graph_and_of_another_export(graph, everything, tmp_path):
    module = tf.Module()
    module.graph = graph.imported

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)], autograph=False)
    def lengths(serialized):
        return {"length": graph(parse_records(serialized, everything.spec, with_label=False))["sequence_length"]}

    module.lengths = lengths
    tf.saved_model.save(module, str(tmp_path / "model"))
    found = tf.saved_model.load(str(tmp_path / "model")).lengths(tf.constant(everything.serialized[:9]))
    assert found["length"].numpy().tolist() == [0, 1, 2, 3, 4, 5, 6, 0, 1]
