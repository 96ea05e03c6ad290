"""The network, as a spec declares it."""

from __future__ import annotations

from typing import Annotated, Literal

import pydantic

from tfx_sequences.schemas.columns.base import AsTuple, Declared, Sizes

Activation = Literal["linear", "relu", "gelu", "selu", "silu", "tanh", "sigmoid", "softplus"]


class DenseLayer(Declared):
    """A dense layer on each step alone, as `keras.layers.TimeDistributed` of one gives it."""

    type: Literal["dense"]
    units: pydantic.PositiveInt
    """Depth of its outputs."""
    activation: Activation = "relu"
    """As Keras names it."""


class Conv1DLayer(Declared):
    """A convolution over the steps, of stride 1; padded steps count as zeros, as what is beyond the ends does."""

    type: Literal["conv1d"]
    filters: pydantic.PositiveInt
    """Depth of its outputs."""
    kernel_size: pydantic.PositiveInt = 3
    """Steps that it sees at a time."""
    padding: Literal["causal", "same"] = "causal"
    """`causal` sees a step and those before it, `same` as many on both sides."""
    dilation_rate: pydantic.PositiveInt = 1
    """Distance between the steps that it sees."""
    activation: Activation = "relu"
    """As Keras names it."""


FrontLayer = Annotated[DenseLayer | Conv1DLayer, pydantic.Field(discriminator="type")]


class Model(Declared):
    """The masked recurrent network."""

    front: Annotated[tuple[FrontLayer, ...], AsTuple] = ()
    """Layers between the features and the recurrent ones: `{type: dense, ...}` or `{type: conv1d, ...}`."""
    cell: Literal["lstm", "gru", "simple_rnn"] = "lstm"
    units: Sizes = pydantic.Field((64,), min_length=1)
    """Units of each stacked recurrent layer."""
    bidirectional: bool = True
    pooling: Literal["last", "mean", "max", "attention"] = "mean"
    """How the real steps become one vector: the final state, the mean or maximum over them, or a mean
    whose weights are learned."""
    context: Literal["head", "per_step", "initial_state"] = "head"
    """Where context features join: behind the recurrent layers, at each step before them, or as the
    state that each recurrent layer begins with."""
    dropout: float = pydantic.Field(0.2, ge=0, lt=1)
    """Share of the features, of each layer's inputs and of what the heads see that is dropped in training."""
    recurrent_dropout: float = pydantic.Field(0.0, ge=0, lt=1)
    """Share of the state that is dropped from step to step in training; fused kernels cannot do that,
    so training is slower."""
    layer_normalization: bool = False
    """Normalise the outputs of each recurrent layer, step by step."""
    builder: str | None = pydantic.Field(None, pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$")
    """A function that builds the network instead, `my_package.my_module.build`: see [networks](networks.md).
    Inputs, heads, losses, metrics and export stay the same."""
