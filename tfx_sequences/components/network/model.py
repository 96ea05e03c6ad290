"""The Keras model of a spec: its network, the heads of its labels, losses and metrics."""

from __future__ import annotations

import keras

from tfx_sequences.components.features.sequence_features import ContextFeatures, SequenceFeatures
from tfx_sequences.components.network.heads import build_heads
from tfx_sequences.components.network.losses import HeadLoss
from tfx_sequences.components.network.measures import HeadMeasures
from tfx_sequences.components.network.network import build_network
from tfx_sequences.components.network.optimizers import make_optimizer
from tfx_sequences.components.network.precision import precision
from tfx_sequences.components.network.sequence_model import FittedHead, LossFunction, SequenceModel
from tfx_sequences.components.network.task_statistics import HeadStatistics, TaskStatistics
from tfx_sequences.schemas.columns.pretrained import PretrainedVectors
from tfx_sequences.schemas.spec.forecast_labels import forecast_options
from tfx_sequences.schemas.spec.label import Label
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec, check_causality


def build_model(spec: SequenceSpec, statistics: TaskStatistics, *, use_cudnn: bool | str = "auto") -> SequenceModel:
    """Builds the network: features -> masked recurrent layers -> pooling -> heads.

    Args:
        spec: The spec.
        statistics: What the training split decides.
        use_cudnn: False keeps cuDNN kernels out, as an exported model must.

    Returns:
        A functional model. Inputs as of `pad_features`, outputs as of `build_heads`.

    Raises:
        SpecError: The network would see the answer.
    """
    check_causality(spec)
    of_steps = [label.per_step for label in spec.heads.values()]
    with precision(spec.training.precision):
        network = build_network(spec, statistics, use_cudnn, needs_steps=any(of_steps), needs_pooled=not all(of_steps))
        outputs = build_heads(spec, statistics, network)
        return SequenceModel(network.inputs, outputs, name=spec.name.replace("-", "_"))


def pretrained_of(model: keras.Model) -> dict[str, PretrainedVectors]:
    """The pretrained vectors that a network of `build_model` began with, by table."""
    of_features = [layer for layer in model.layers if isinstance(layer, SequenceFeatures | ContextFeatures)]
    return {table: read for layer in of_features for table, read in layer.tables.pretrained.items()}


def compile_model(
    model: SequenceModel, spec: SequenceSpec, statistics: TaskStatistics, steps_per_epoch: int | None = None
) -> None:
    """Compiles with the spec's optimizer, the losses of the heads, and what they are measured by.

    Args:
        model: Of `build_model`.
        spec: The spec.
        statistics: What the training split decides.
        steps_per_epoch: For schedules of the learning rate that do not say how long they take.
    """
    model.set_heads(
        {name: _fitted(model, label, statistics.heads[name], name, spec) for name, label in spec.heads.items()}
    )
    model.compile(optimizer=make_optimizer(spec.training, steps_per_epoch))


def _fitted(model: keras.Model, label: Label, statistics: HeadStatistics, name: str, spec: SequenceSpec) -> FittedHead:
    measures = HeadMeasures(label, statistics.classes)
    loss = HeadLoss(label, statistics.class_weights)
    return FittedHead(loss, measures, label.loss_weight, _training_loss(model, label, loss, spec.output_prefix(name)))


def _training_loss(model: keras.Model, label: Label, loss: HeadLoss, prefix: str) -> LossFunction | None:
    """Where the head hands something else on in training than what it answers."""
    number = label.sampled_softmax
    if number is not None:
        layer = model.get_layer(f"{prefix}logits")
        by_rank = label.classes is None
        return lambda targets, vectors: layer.sampled_loss(targets, vectors, number, by_rank=by_rank)
    if label.type == "forecast" and forecast_options(label).decoder == "autoregressive":
        decoder = model.get_layer(f"{prefix}decoder")
        return lambda targets, handed: loss(targets, decoder.taught(targets, handed))
    return None
