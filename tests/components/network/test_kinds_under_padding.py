"""Padding changes no output and no gradient, for columns that are computed from other features, from bytes or times.

The reference of a batch is its records one by one, each as long as it is; some lack steps, elements or whole lists.
"""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from tensorflow_transform.saved import saved_transform_io_v2

from tests.everything import analyzed_serialized
from tfx_sequences.components.batches.label_batches import labelled_rows, pad_labels, targets_and_weights
from tfx_sequences.components.batches.padding import pad_features
from tfx_sequences.components.network.model import build_model
from tfx_sequences.components.numbers.chosen import normalizers_of
from tfx_sequences.components.training.split_statistics import task_statistics
from tfx_sequences.schemas.features.parse_specs import parse_records
from tfx_sequences.schemas.features.record_scales import network_spec
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec
from tfx_sequences.schemas.spec.spec_io import spec_from_yaml

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"


@pytest.fixture(scope="module")
def kinds(tmp_path_factory):
    """The spec of the equality benchmark, its records, and the model with random weights."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        import equality_data
    spec = spec_from_yaml(equality_data.SPEC)
    plain = {**spec.model.model_dump(exclude_defaults=True), "dropout": 0.0, "bidirectional": True}
    spec = SequenceSpec(**{**spec.model_dump(exclude_defaults=True), "model": plain})
    records = equality_data.make_records(16, 3)
    folder = analyzed_serialized(spec, records, tmp_path_factory.mktemp("kinds"))
    output = tft.TFTransformOutput(folder)
    transform = saved_transform_io_v2.SavedModelLoader(output.transform_savedmodel_dir).apply_transform_model
    keras.utils.set_random_seed(1)
    statistics = task_statistics(spec, output, None)
    model = build_model(spec, statistics, use_cudnn=False)
    return spec, network_spec(spec, normalizers_of(statistics.normalizers)), records, transform, model


def gradients(kinds, records):
    """Outputs of the heads, and the gradient of the weighted sum of all target scores."""
    spec, read, _, transform, model = kinds
    rows = labelled_rows(transform(parse_records(tf.constant(records, tf.string), spec)), read)
    inputs = pad_features(rows, read)
    targets, weights = targets_and_weights(pad_labels(rows, spec), spec)
    with tf.GradientTape() as tape:
        outputs = model(inputs, training=False)
        loss = 0.0
        for head in spec.heads:
            errors = tf.nn.sparse_softmax_cross_entropy_with_logits(targets[head], outputs[head])
            loss += tf.reduce_sum(errors * weights[head])
    found = tape.gradient(loss, model.trainable_variables, unconnected_gradients="zero")
    return inputs, outputs, float(loss), [tf.convert_to_tensor(g).numpy().astype(np.float64) for g in found]


@pytest.mark.slow
def test_a_padded_batch_is_its_records_one_by_one(kinds):
    _, _, records, _, model = kinds
    inputs, outputs, loss, found = gradients(kinds, records)
    lengths = inputs["sequence_length"].numpy()
    assert lengths.min() < lengths.max()
    total, sums = 0.0, [0.0] * len(found)
    for index, record in enumerate(records):
        own_inputs, own, one, each = gradients(kinds, [record])
        total += one
        sums = [whole + part for whole, part in zip(sums, each, strict=True)]
        steps = int(lengths[index])
        assert int(own_inputs["sequence_length"][0]) == steps
        np.testing.assert_allclose(outputs["kind"][index], own["kind"][0], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(outputs["state"][index, :steps], own["state"][0, :steps], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(loss, total, rtol=1e-5)
    for variable, whole, part in zip(model.trainable_variables, found, sums, strict=True):
        np.testing.assert_allclose(whole, part, rtol=1e-3, atol=1e-4, err_msg=variable.path)
    # Every kind of column has weights that learn.
    moved = {variable.path for variable, whole in zip(model.trainable_variables, found, strict=True) if np.any(whole)}
    for name in ("interests", "test_and_ward", "frame", "test_embedding"):
        assert any(name in path for path in moved), (name, sorted(moved))
