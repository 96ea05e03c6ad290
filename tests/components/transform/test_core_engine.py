"""A model on the graph of the second engine gives the answers of the same model on TFT's graph, in every signature."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from tests.components.transform.engines import analyzed_without_tft
from tests.everything import exported


@pytest.mark.slow
@pytest.mark.parametrize("given", ["everything", "all_labels", "forecasts"])
def test_every_signature_gives_the_same_answers(request, given, tmp_path):
    of = request.getfixturevalue(given)
    ours = dataclasses.replace(of, transform_dir=analyzed_without_tft(of.spec, of.serialized, tmp_path / "analyzed"))
    models = []
    for graph, name in ((of, "theirs"), (ours, "ours")):
        _, folder = exported(graph, tmp_path / name)
        models.append(tf.saved_model.load(str(folder)))
    theirs, ours = (model.signatures for model in models)
    assert ours.keys() == theirs.keys()
    for name in ours.keys() - {"serving_tensors", "serving_example"}:
        found, expected = (signatures[name](examples=tf.constant(of.serialized)) for signatures in (ours, theirs))
        assert found.keys() == expected.keys()
        for output, values in found.items():
            if values.dtype == tf.string:
                np.testing.assert_array_equal(values, expected[output], err_msg=f"{name} {output}")
            else:
                np.testing.assert_allclose(values, expected[output], rtol=1e-5, atol=1e-5, err_msg=f"{name} {output}")
    inputs = theirs["serving_tensors"].structured_input_signature[1]
    assert ours["serving_tensors"].structured_input_signature[1] == inputs
    for model in (ours, theirs):
        shapes = {key: [0 if size is None else size for size in spec.shape] for key, spec in inputs.items()}
        empty = {key: tf.zeros(shape, inputs[key].dtype) for key, shape in shapes.items()}
        assert all(values.shape[0] == 0 for values in model["serving_tensors"](**empty).values())
