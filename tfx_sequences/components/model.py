"""The Keras model of a spec: its network, the label's head, loss and metrics."""

from __future__ import annotations

import keras
from keras import layers

from tfx_sequences.components.network import build_network
from tfx_sequences.components.optimizers import make_optimizer
from tfx_sequences.components.precision import precision
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
    with precision(spec.training.precision):
        network = build_network(spec, statistics, use_cudnn)
        if spec.label.type == "classification":
            output = layers.Dense(len(statistics.classes), name="logits", dtype="float32")(network.pooled)
        else:
            value = layers.Dense(1, name="value", dtype="float32")(network.pooled)
            # Learns in units of the label's spread, answers in the label's own.
            units = layers.Rescaling(
                statistics.label_std, statistics.label_mean, name="in_label_units", dtype="float32"
            )
            output = units(value)
        return keras.Model(network.inputs, output, name=spec.name.replace("-", "_"))


def pretrained_of(model: keras.Model) -> dict[str, PretrainedVectors]:
    """The pretrained vectors that a network of `build_model` began with, by table."""
    of_features = [layer for layer in model.layers if isinstance(layer, SequenceFeatures | ContextFeatures)]
    return {table: read for layer in of_features for table, read in layer.tables.pretrained.items()}


def compile_model(model: keras.Model, spec: SequenceSpec, steps_per_epoch: int | None = None) -> None:
    """Compiles with the spec's optimizer, the label's loss, and metrics that example weights weigh too.

    Args:
        model: Of `build_model`.
        spec: The spec.
        steps_per_epoch: For schedules of the learning rate that do not say how long they take.
    """
    optimizer = make_optimizer(spec.training, steps_per_epoch)
    if spec.label.type == "classification":
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        metrics = [keras.metrics.SparseCategoricalAccuracy(name="accuracy")]
    else:
        loss = keras.losses.MeanSquaredError()
        metrics = [keras.metrics.MeanAbsoluteError(name="mean_absolute_error")]
    model.compile(optimizer=optimizer, loss=loss, weighted_metrics=metrics)
