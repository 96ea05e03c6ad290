"""A model on the graph of the second engine gives the answers of the same model on TFT's graph, in every signature."""

import dataclasses
from itertools import chain

import numpy as np
import pytest
import tensorflow as tf

from tests.components.transform.engines import analyzed_without_tft
from tests.everything import exported
from tests.forecasts import HORIZON
from tests.records import example
from tfx_sequences.components.serving.requests import make_tensors


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
    assert ours.keys() == theirs.keys() >= {"serving_default", "serving_tensors"}
    for name in ours:
        assert ours[name].structured_input_signature == theirs[name].structured_input_signature
        inputs = inputs_of(name, of)
        found, expected = (signatures[name](**inputs) for signatures in (ours, theirs))
        assert found.keys() == expected.keys()
        for output, values in found.items():
            assert values.shape[0] == len(of.serialized)
            if values.dtype == tf.string:
                np.testing.assert_array_equal(values, expected[output], err_msg=f"{name} {output}")
            else:
                np.testing.assert_allclose(values, expected[output], rtol=1e-5, atol=1e-5, err_msg=f"{name} {output}")


def inputs_of(signature, of):
    """All records, in the form that a signature takes."""
    if signature == "serving_tensors":
        rows = [{**context, **sequence} for context, sequence in of.records]
        ahead = {"promotion_ahead": (HORIZON, 2)}
        shaped = [{k: np.reshape(v, ahead[k]).tolist() if k in ahead else v for k, v in row.items()} for row in rows]
        tensors = make_tensors(shaped, of.spec)
        return {k: tf.constant(v, tf.string if v.dtype == object else None) for k, v in tensors.items()}
    if signature == "serving_example":
        flat = [
            {**context, **{k: [*chain(*v)] if v and isinstance(v[0], list) else v for k, v in sequence.items()}}
            for context, sequence in of.records
        ]
        return {"examples": tf.constant([example(features).SerializeToString() for features in flat])}
    return {"examples": tf.constant(of.serialized)}
