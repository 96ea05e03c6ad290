"""The Keras model of a spec: its network, the heads of its labels, losses and metrics."""

from __future__ import annotations

import functools
import warnings

import keras

from tfx_sequences.components.features.sequence_features import ContextFeatures, SequenceFeatures
from tfx_sequences.components.kinds.registry import kind_of
from tfx_sequences.components.network.gradient_clipping import GradientClipping
from tfx_sequences.components.network.heads import build_heads
from tfx_sequences.components.network.network import build_network
from tfx_sequences.components.network.optimizers import make_optimizer
from tfx_sequences.components.network.precision import precision
from tfx_sequences.components.network.sequence_model import FittedHead, SequenceModel
from tfx_sequences.components.network.task_statistics import HeadStatistics, TaskStatistics
from tfx_sequences.errors import UserInputError
from tfx_sequences.schemas.columns.pretrained import PretrainedVectors
from tfx_sequences.schemas.spec.auto_settings import with_auto_settings
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
    spec = with_auto_settings(spec)
    check_causality(spec)
    of_steps = [label.per_step for label in spec.heads.values()]
    with precision(spec.training.precision):
        network = build_network(spec, statistics, use_cudnn, needs_steps=any(of_steps), needs_pooled=not all(of_steps))
        outputs = build_heads(spec, statistics, network)
        with warnings.catch_warnings():
            # Features are given by their own names, which Keras does not accept as names of its inputs.
            warnings.filterwarnings("ignore", "When providing `inputs` as a dict")
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
        steps_per_epoch: Steps of the optimizer in one epoch of the training split: for the expected targets of a step,
            and for schedules of the learning rate that do not say how long they take.

    Raises:
        UserInputError: The spec's `training` needs `steps_per_epoch`, or the number of targets, and it is not given.
    """
    training = with_auto_settings(spec).training
    heads = {}
    for name, label in spec.heads.items():
        of_head = statistics.heads[name]
        kind, prefix = kind_of(label), spec.output_prefix(name)
        loss = kind.loss(label, of_head.class_weights)
        heads[name] = FittedHead(
            loss,
            kind.measures(label, of_head.classes),
            label.loss_weight,
            kind.training_loss(label, functools.partial(_layer_of, model, prefix), loss),
            _expected_targets(spec, name, of_head, steps_per_epoch),
        )
    clipping = GradientClipping(training.gradient_clip_norm, training.gradient_clip_value)
    model.set_heads(heads, clipping)
    model.compile(optimizer=make_optimizer(training, steps_per_epoch))
    clipping.build(model.optimizer)


def _layer_of(model: keras.Model, prefix: str, name: str) -> keras.layers.Layer:
    return model.get_layer(prefix + name)


def _expected_targets(
    spec: SequenceSpec, name: str, statistics: HeadStatistics, steps_per_epoch: int | None
) -> float | None:
    if spec.training.reduction == "batch_mean":
        return None
    if not steps_per_epoch or not statistics.targets > 0:
        raise UserInputError(
            f"{spec.where_of_head(name)}: the expected number of targets per step is unknown.",
            expected="the steps of an epoch, and targets of a weight above 0 in the training split",
            received=f"steps_per_epoch={steps_per_epoch}, targets={statistics.targets:g}",
            fix="Check that some record of the training split has a target that weighs more than 0. Where you compile "
            "a model yourself, give steps_per_epoch and HeadStatistics(targets=...), or set training.reduction: "
            "batch_mean.",
        )
    return statistics.targets / steps_per_epoch
