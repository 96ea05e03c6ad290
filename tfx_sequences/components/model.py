"""The Keras model of a spec: its network, the label's head, loss and metrics."""

from __future__ import annotations

import keras
from keras import layers

from tfx_sequences.components.network import build_network
from tfx_sequences.components.sequence_features import ContextFeatures, SequenceFeatures
from tfx_sequences.components.task_statistics import TaskStatistics
from tfx_sequences.schemas.pretrained import PretrainedVectors
from tfx_sequences.schemas.spec import SequenceSpec


def build_model(spec: SequenceSpec, statistics: TaskStatistics, *, use_cudnn: bool | str = "auto") -> keras.Model:
    """Builds the network: features -> masked recurrent layers -> pooling -> head.

    Args:
        spec: The spec.
        statistics: What the training split decides.
        use_cudnn: False keeps cuDNN kernels out, as an exported model must.

    Returns:
        A functional model. Inputs as of `pad_features`; output float32 logits
        `[B, classes]`, or the predicted value `[B, 1]` for regression.

    Raises:
        SpecError: `batching.padding` puts padding on the left.
    """
    network = build_network(spec, statistics, use_cudnn)
    if spec.label.type == "classification":
        output = layers.Dense(len(statistics.classes), name="logits", dtype="float32")(network.pooled)
    else:
        value = layers.Dense(1, name="value", dtype="float32")(network.pooled)
        # Learns in units of the label's spread, answers in the label's own.
        output = layers.Rescaling(statistics.label_std, statistics.label_mean, name="in_label_units")(value)
    return keras.Model(network.inputs, output, name=spec.name.replace("-", "_"))


def pretrained_of(model: keras.Model) -> dict[str, PretrainedVectors]:
    """The pretrained vectors that a network of `build_model` began with, by table."""
    of_features = [layer for layer in model.layers if isinstance(layer, SequenceFeatures | ContextFeatures)]
    return {table: read for layer in of_features for table, read in layer.tables.pretrained.items()}


def compile_model(model: keras.Model, spec: SequenceSpec) -> None:
    """Compiles with Adam, the label's loss, and metrics that example weights weigh too."""
    training = spec.training
    optimizer = keras.optimizers.Adam(training.learning_rate, global_clipnorm=training.gradient_clip_norm)
    if spec.label.type == "classification":
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        metrics = [keras.metrics.SparseCategoricalAccuracy(name="accuracy")]
    else:
        loss = keras.losses.MeanSquaredError()
        metrics = [keras.metrics.MeanAbsoluteError(name="mean_absolute_error")]
    model.compile(optimizer=optimizer, loss=loss, weighted_metrics=metrics)
