"""The network, as a spec declares it."""

from __future__ import annotations

from typing import Annotated, Literal

import pydantic

from tfx_sequences.schemas.columns.auto import AUTO, Auto
from tfx_sequences.schemas.columns.base import AsTuple, Declared, Sizes

Activation = Literal["linear", "relu", "gelu", "selu", "silu", "tanh", "sigmoid", "softplus"]


class DenseLayer(Declared):
    """A dense layer applied to each step, as by `keras.layers.TimeDistributed`."""

    type: Literal["dense"]
    units: pydantic.PositiveInt
    """Depth of the outputs."""
    activation: Activation = "relu"
    """As Keras names it."""


class Conv1DLayer(Declared):
    """A convolution over the steps, of stride 1; padded steps count as zeros, like positions beyond the ends."""

    type: Literal["conv1d"]
    filters: pydantic.PositiveInt
    """Depth of the outputs."""
    kernel_size: pydantic.PositiveInt = 3
    """Number of steps in its window."""
    padding: Literal["causal", "same"] = "causal"
    """`causal` sees a step and the steps before it, `same` equally many on both sides."""
    dilation_rate: pydantic.PositiveInt = 1
    """Distance between the steps of its window."""
    activation: Activation = "relu"
    """As Keras names it."""


FrontLayer = Annotated[DenseLayer | Conv1DLayer, pydantic.Field(discriminator="type")]


class Model(Declared):
    """The masked recurrent network."""

    front: Annotated[tuple[FrontLayer, ...], AsTuple] = ()
    """Layers between the features and the recurrent ones: `{type: dense, ...}` or `{type: conv1d, ...}`."""
    cell: Literal["lstm", "gru", "simple_rnn"] = "lstm"
    units: Annotated[Sizes, pydantic.Field(min_length=1)] | Auto = AUTO
    """Units of each stacked recurrent layer. `auto`: one layer, as wide as the features and the outputs of a step
    together, in whole 64s from 64 to 256."""
    bidirectional: bool | Auto = AUTO
    """Whether the layers read each sequence in both directions. `auto`: unless later steps are what is predicted: for a
    forecast, a label with `shift`, or a label of steps that is equal to a feature of a later step."""
    pooling: Literal["last", "mean", "max", "attention", "concat"] | Auto = AUTO
    """How the real steps become one vector: the final state, the mean or maximum over them, a mean whose weights are
    learned, or the first three side by side (`concat`). `auto`: `last` for a forecast, else `concat`."""
    context: Literal["head", "per_step", "initial_state"] = "head"
    """Where context features join: after the recurrent layers, at every step before them, or as each
    recurrent layer's initial state."""
    dropout: Annotated[float, pydantic.Field(ge=0, lt=1)] | Auto = AUTO
    """Fraction of the features, of each layer's inputs and of the heads' inputs that is dropped in training. `auto`:
    0.2; 0.5 if a vocabulary has more than 1 000 terms."""
    recurrent_dropout: float = pydantic.Field(0.0, ge=0, lt=1)
    """Fraction of the state that is dropped from step to step in training; fused kernels cannot do that,
    so training is slower."""
    layer_normalization: bool = False
    """Normalise the outputs of each recurrent layer, step by step."""
    ensemble: Annotated[int, pydantic.Field(ge=1, le=64)] = 1
    """Number of networks of this form, trained side by side, each by its own loss. The model answers with the mean of
    their probabilities, or of their numbers. Training and serving take this many times as long."""
    builder: str | None = pydantic.Field(None, pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$")
    """A function that builds the network instead, `my_package.my_module.build`: see [networks](networks.md).
    Inputs, heads, losses, metrics and export stay the same."""
