"""Small networks of every option, their outputs, and gradients of a loss of the real steps and the pooled vectors."""

import keras
import numpy as np
import tensorflow as tf

from tfx_sequences.components.network.network import build_network
from tfx_sequences.components.network.task_statistics import HeadStatistics, TaskStatistics
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

STATISTICS = TaskStatistics({"sequence.token": 6, "context.city": 3}, {"label": HeadStatistics(("a", "b"))})


def make_spec(**model):
    """A spec of a context and a sequence, with these options of the network."""
    return SequenceSpec(
        name="s",
        context={"age": {"type": "numeric"}, "city": {"type": "categorical"}},
        sequence={"x": {"type": "numeric", "shape": (2,)}, "token": {"type": "categorical"}},
        label={"key": "y"},
        model={"units": (4,), **model},
    )


def build(use_cudnn="auto", **options):
    """The network alone: its outputs are the steps and the pooled vectors."""
    keras.utils.set_random_seed(3)
    network = build_network(make_spec(**options), STATISTICS, use_cudnn, needs_steps=True)
    return keras.Model(network.inputs, {"steps": network.steps, "pooled": network.pooled})


def run(model, inputs):
    """Outputs, and gradients of a loss of the real steps and the pooled vectors."""
    real = np.arange(inputs["sequence.x"].shape[1])[None] < inputs["sequence_length"][:, None]
    with tf.GradientTape() as tape:
        outputs = model(inputs, training=False)
        steps, pooled = (tf.cast(outputs[name], tf.float32) for name in ("steps", "pooled"))
        loss = tf.reduce_sum(tf.boolean_mask(steps, real) ** 3) + tf.reduce_sum(pooled**3)
    gradients = tape.gradient(loss, model.trainable_variables)
    return np.asarray(pooled), np.asarray(steps)[real], [tf.convert_to_tensor(g).numpy() for g in gradients]
