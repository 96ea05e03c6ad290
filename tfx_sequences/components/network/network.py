"""The masked recurrent network of a spec, up to its heads, in Keras 3."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras
from keras import layers, ops

from tfx_sequences.components.network.channel_dropout import channel_dropout
from tfx_sequences.components.network.concat_pooling import ConcatPooling1D
from tfx_sequences.components.network.front import front_layer
from tfx_sequences.components.network.network_inputs import Network, NetworkInputs, network_inputs
from tfx_sequences.components.network.pooling import AttentionPooling1D, LastStep, MaskedPooling1D
from tfx_sequences.components.network.recurrent import recurrent_layers
from tfx_sequences.components.network.task_statistics import TaskStatistics
from tfx_sequences.errors import SpecError
from tfx_sequences.own_functions import load_function
from tfx_sequences.schemas.columns.auto import chosen
from tfx_sequences.schemas.spec.auto_settings import with_auto_settings
from tfx_sequences.schemas.spec.model_options import Model
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

__all__ = ["Network", "build_network"]


def build_network(
    spec: SequenceSpec,
    statistics: TaskStatistics,
    use_cudnn: bool | str = "auto",
    *,
    needs_steps: bool = False,
    needs_pooled: bool = True,
) -> Network:
    """Features -> front -> masked recurrent layers -> pooling; or the network that `model.builder` builds.

    Args:
        spec: The spec.
        statistics: Statistics of the training split.
        use_cudnn: False avoids cuDNN and other special kernels, which an exported model must not use.
        needs_steps: Whether a head uses the steps.
        needs_pooled: Whether a head uses the pooled vector.

    Returns:
        The inputs, and the tensors that the heads need.

    Raises:
        SpecError: `model.builder` cannot be imported, or did not return a network.
    """
    spec = with_auto_settings(spec)
    inputs = network_inputs(spec, statistics)
    if spec.model.builder is not None:
        built = load_function(spec.model.builder, "model.builder")(spec, statistics, inputs, use_cudnn)
        return _checked(built, spec.model.builder, inputs, needs_steps, needs_pooled)
    options = spec.model
    steps = channel_dropout(chosen(options.dropout), inputs.steps, inputs.step_widths, "input_dropout")
    for index, front in enumerate(options.front):
        steps = front_layer(front, index)(steps)
    initial = inputs.context if options.context == "initial_state" else None
    steps = recurrent_layers(options, steps, inputs.mask, initial, use_cudnn)
    context = inputs.context if options.context == "head" else None
    return Network(
        inputs.tensors,
        inputs.lengths,
        steps=_of_steps(options, steps, context, inputs.context_widths) if needs_steps else None,
        pooled=_pooled(options, steps, inputs.mask, context, inputs.context_widths) if needs_pooled else None,
    )


def _of_steps(options: Model, steps: Any, context: Any, widths: Sequence[int]) -> Any:
    # Dropout between layers: each element alone, not a channel of all steps.
    steps = _dropout(options, steps, "steps_dropout")
    if context is None:
        return steps
    context = channel_dropout(chosen(options.dropout), context, widths, "steps_context_dropout")
    return WithContext(name="steps_with_context")([steps, context])


def _pooled(options: Model, steps: Any, mask: Any, context: Any, widths: Sequence[int]) -> Any:
    # The true mask: the layers' own mask has one step even in rows without real steps.
    pooled = _dropout(options, _pooling(options)(steps, mask=mask), "head_dropout")
    if context is None:
        return pooled
    context = channel_dropout(chosen(options.dropout), context, widths, "context_dropout")
    return layers.Concatenate(name="with_context")([pooled, context])


def _dropout(options: Model, tensor: Any, name: str) -> Any:
    dropout = chosen(options.dropout)
    return layers.Dropout(dropout, name=name)(tensor) if dropout else tensor


def _pooling(options: Model) -> layers.Layer:
    how, bidirectional = chosen(options.pooling), chosen(options.bidirectional)
    if how == "last":
        return LastStep(bidirectional, name="pooling")
    if how == "attention":
        return AttentionPooling1D(name="pooling")
    if how == "concat":
        return ConcatPooling1D(bidirectional, name="pooling")
    return MaskedPooling1D(how, name="pooling")


def _checked(built: Any, path: str, inputs: NetworkInputs, needs_steps: bool, needs_pooled: bool) -> Network:
    """The result of the user's builder, after a check that heads can use it."""
    if not isinstance(built, Network):
        raise SpecError(
            f"model.builder: {path} did not return a network.",
            expected="a tfx_sequences.Network",
            received=f"{type(built).__module__}.{type(built).__qualname__}",
            fix="End it with `return inputs.network(steps=..., pooled=...)`.",
        )
    if built.inputs is not inputs.tensors:
        raise SpecError(
            f"model.builder: {path} changed the inputs.",
            expected="the inputs that were passed to it",
            received=f"a network with other inputs: {', '.join(map(str, built.inputs))}",
            fix="End it with `return inputs.network(steps=..., pooled=...)`.",
        )
    for field, needed, rank, shape in (("steps", needs_steps, 3, "[B, T, D]"), ("pooled", needs_pooled, 2, "[B, D]")):
        tensor = getattr(built, field)
        if needed and len(getattr(tensor, "shape", ())) != rank:
            raise SpecError(
                f"model.builder: the `{field}` from {path} do not have the shape that the label's head needs.",
                expected=f"a symbolic tensor {shape}",
                received="none" if tensor is None else f"shape {getattr(tensor, 'shape', 'unknown')}",
                fix=f"Set `{field}` in the Network that it returns.",
            )
    return dataclasses.replace(
        built, steps=built.steps if needs_steps else None, pooled=built.pooled if needs_pooled else None
    )


@keras.saving.register_keras_serializable("tfx_sequences")
class WithContext(layers.Layer):
    """Concatenates a record's vector to each of its steps: `[B, T, D]` and `[B, C]` to `[B, T, D + C]`.

    The mask of the steps is kept.

    >>> import numpy as np
    >>> print(WithContext()([np.array([[[1.0], [2.0]]]), np.array([[7.0]])]).numpy())
    [[[1. 7.]
      [2. 7.]]]
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, inputs: Any) -> Any:
        steps, vectors = inputs
        outer = ops.shape(steps)[:2]
        repeated = ops.broadcast_to(vectors[:, None], (*outer, vectors.shape[-1]))
        return ops.concatenate([steps, repeated], axis=-1)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        return previous_mask[0] if previous_mask else None

    def compute_output_shape(self, input_shape: Any) -> Any:
        steps, vectors = input_shape
        return (*steps[:2], steps[2] + vectors[1])
