"""The network: padding must not matter, by equivalence."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.components.network.padded_records import batch, row
from tests.components.network.small_models import CLASSES, make_spec
from tfx_sequences.components.network.model import build_model, compile_model
from tfx_sequences.components.network.task_statistics import HeadStatistics, TaskStatistics
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

NETWORKS = [
    {"cell": cell, "bidirectional": both, "pooling": pooling}
    for cell in ("lstm", "gru", "simple_rnn")
    for both in (True, False)
    for pooling in ("last", "mean", "max")
] + [{"units": (4, 3), "pooling": "last"}]


@pytest.mark.parametrize("options", NETWORKS, ids=str)
def test_predictions_and_gradients_do_not_see_padding(options):
    keras.utils.set_random_seed(3)
    model = build_model(make_spec(**{"units": (4,), **options}), CLASSES)
    labels = np.array([0, 2, 1, 1])
    loss_fn = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="sum")

    def run(inputs, y):
        with tf.GradientTape() as tape:
            logits = model(inputs, training=False)
            loss = loss_fn(y, logits)
        gradients = tape.gradient(loss, model.trainable_variables)
        return logits, loss, [tf.convert_to_tensor(g).numpy() for g in gradients]

    exact = batch(4)
    one_by_one = [run(row(exact, i), labels[i : i + 1]) for i in range(4)]
    logits = np.concatenate([r[0] for r in one_by_one])
    gradients = [sum(parts) for parts in zip(*(r[2] for r in one_by_one), strict=True)]
    for steps, filler in ((4, 0), (4, 5), (9, 5)):
        padded = run(batch(steps, filler), labels)
        np.testing.assert_allclose(padded[0], logits, atol=1e-6)
        np.testing.assert_allclose(padded[1], sum(r[1] for r in one_by_one), rtol=1e-6)
        for received, expected in zip(padded[2], gradients, strict=True):
            np.testing.assert_allclose(received, expected, atol=1e-5)


def test_a_regression_answers_in_the_labels_units():
    spec = SequenceSpec(
        name="s", sequence={"x": {"type": "numeric"}}, label={"key": "y", "type": "regression"}, model={"units": (4,)}
    )
    model = build_model(spec, TaskStatistics({}, {"label": HeadStatistics(mean=(500.0,), std=(10.0,))}))
    value = model({"sequence.x": np.zeros((2, 3), "float32"), "sequence_length": np.array([0, 3])})
    np.testing.assert_allclose(value, [[500], [500]], atol=20)


def test_example_weights_weigh_loss_and_accuracy():
    keras.utils.set_random_seed(0)
    spec = make_spec(units=(3,), dropout=0.0)
    model = build_model(spec, CLASSES)
    compile_model(model, spec, CLASSES, steps_per_epoch=3)
    labels, weights = np.array([0, 2, 1, 1]), np.array([1.0, 0.0, 2.0, 0.0])
    logits = np.asarray(model(batch(4)))
    each = keras.losses.sparse_categorical_crossentropy(labels, logits, from_logits=True)
    data = tf.data.Dataset.from_tensors((batch(4), labels, weights))
    measured = model.evaluate(data, verbose=0, return_dict=True)
    hits = (np.argmax(logits, 1) == labels) * weights
    np.testing.assert_allclose(measured["accuracy"], hits.sum() / weights.sum(), rtol=1e-6)
    # What weighs nothing is as if it were not there.
    np.testing.assert_allclose(measured["loss"], np.sum(each * weights) / 2, rtol=1e-5)


def test_an_export_model_has_no_cudnn_layer():
    model = build_model(make_spec(), CLASSES, use_cudnn=False)
    layer = model.get_layer("bidirectional_0").forward_layer
    assert layer.use_cudnn is False
