"""The Keras model of a spec: its network, the heads of its labels, losses and metrics."""

from __future__ import annotations

import functools
import warnings
from typing import Any

import keras

from tfx_sequences.components.features.sequence_features import ContextFeatures, SequenceFeatures
from tfx_sequences.components.kinds.label_kind import HeadInputs, LabelKind, LossFunction
from tfx_sequences.components.kinds.own_functions_of_labels import head_loss
from tfx_sequences.components.kinds.registry import kind_of
from tfx_sequences.components.network.ensemble import build_ensemble, layers_by_path, members_of
from tfx_sequences.components.network.gradient_clipping import GradientClipping
from tfx_sequences.components.network.network import Network, build_network
from tfx_sequences.components.network.optimizers import make_optimizer
from tfx_sequences.components.network.precision import precision
from tfx_sequences.components.network.sequence_model import FittedHead, SequenceModel
from tfx_sequences.components.network.task_statistics import HeadStatistics, TaskStatistics
from tfx_sequences.errors import UserInputError
from tfx_sequences.schemas.columns.pretrained import PretrainedVectors
from tfx_sequences.schemas.spec.auto_settings import with_auto_settings
from tfx_sequences.schemas.spec.label import Label
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec, check_causality


def build_model(spec: SequenceSpec, statistics: TaskStatistics, *, use_cudnn: bool | str = "auto") -> SequenceModel:
    """Builds the network: features -> masked recurrent layers -> pooling -> heads.

    Args:
        spec: The spec.
        statistics: Statistics of the training split.
        use_cudnn: False avoids cuDNN kernels, which an exported model must not use.

    Returns:
        A functional model, with the inputs of `pad_features` and the outputs of `build_heads`.

    Raises:
        SpecError: The network would see its own targets.
    """
    spec = with_auto_settings(spec)
    check_causality(spec)
    of_steps = [label.per_step for label in spec.heads.values()]
    with precision(spec.training.precision):
        build = functools.partial(
            _build, spec, statistics, use_cudnn, needs_steps=any(of_steps), needs_pooled=not all(of_steps)
        )
        kinds = {name: label.type for name, label in spec.heads.items()}
        alone = spec.model.ensemble == 1
        with warnings.catch_warnings():
            # Features are given by their own names, which Keras does not accept as names of its inputs.
            warnings.filterwarnings("ignore", "When providing `inputs` as a dict")
            inputs, outputs = build() if alone else build_ensemble(build, spec.model.ensemble, kinds)
            return SequenceModel(inputs, outputs, name=spec.name.replace("-", "_"))


def _build(spec: SequenceSpec, statistics: TaskStatistics, use_cudnn: bool | str, **needs: bool) -> tuple[Any, Any]:
    network = build_network(spec, statistics, use_cudnn, **needs)
    return network.inputs, build_heads(spec, statistics, network)


def build_heads(spec: SequenceSpec, statistics: TaskStatistics, network: Network) -> Any:
    """The outputs of the heads.

    Args:
        spec: The spec.
        statistics: Statistics of the training split.
        network: The network; heads of steps use its `steps` `[B, T, D]`, heads of records its `pooled` `[B, D]`.

    Returns:
        For a spec with `label` its symbolic output: float32 logits `[B, C]` or numbers `[B, D]`; for
        steps `[B, T, C]` or `[B, T, D]`; forecasts `[B, horizon]`. For a spec with `labels` a dict of these by name.
    """
    outputs = {}
    for name, label in spec.heads.items():
        vectors = network.steps if label.per_step else network.pooled
        head = HeadInputs(spec, name, label, statistics.heads[name], network.inputs, vectors)
        outputs[name] = kind_of(label).output(head)
    return outputs if spec.label is None else outputs.popitem()[1]


def pretrained_of(model: keras.Model) -> dict[str, PretrainedVectors]:
    """The pretrained vectors that a network of `build_model` started with, by table."""
    of_features = [layer for _, layer in layers_by_path(model) if isinstance(layer, SequenceFeatures | ContextFeatures)]
    return {table: read for layer in of_features for table, read in layer.tables.pretrained.items()}


def compile_model(
    model: SequenceModel, spec: SequenceSpec, statistics: TaskStatistics, steps_per_epoch: int | None = None
) -> None:
    """Compiles with the spec's optimizer, and the losses and metrics of the heads.

    Args:
        model: The network, from `build_model`.
        spec: The spec.
        statistics: Statistics of the training split.
        steps_per_epoch: Optimizer steps in one epoch of the training split: for the expected targets of a step, and
            for learning rate schedules that do not specify their length.

    Raises:
        UserInputError: The spec's `training` needs `steps_per_epoch` or the number of targets, which is not given.
    """
    training = with_auto_settings(spec).training
    heads = {}
    for name, label in spec.heads.items():
        of_head = statistics.heads[name]
        kind, prefix = kind_of(label), spec.output_prefix(name)
        loss = head_loss(label, of_head.classes, of_head.class_weights)
        heads[name] = FittedHead(
            loss,
            kind.measures(label, of_head.classes),
            label.loss_weight,
            _training_losses(kind, label, model, prefix, loss),
            _expected_targets(spec, name, of_head, steps_per_epoch),
        )
    clipping = GradientClipping(training.gradient_clip_norm, training.gradient_clip_value)
    model.set_heads(heads, clipping)
    model.compile(optimizer=make_optimizer(training, steps_per_epoch))
    clipping.build(model.optimizer)


def _training_losses(
    kind: LabelKind, label: Label, model: keras.Model, prefix: str, loss: LossFunction
) -> tuple[LossFunction, ...]:
    """The losses of the members in training, where the kind has another one there; else empty."""
    losses = [
        kind.training_loss(label, functools.partial(_layer_of, member, prefix), loss) for member in members_of(model)
    ]
    return tuple(loss for loss in losses if loss is not None)


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
            expected="the steps of an epoch, and targets with a weight above 0 in the training split",
            received=f"steps_per_epoch={steps_per_epoch}, targets={statistics.targets:g}",
            fix="Check that some record of the training split has a target with a weight above 0. If you compile a "
            "model yourself, pass steps_per_epoch and HeadStatistics(targets=...), or set training.reduction: "
            "batch_mean.",
        )
    return statistics.targets / steps_per_epoch
