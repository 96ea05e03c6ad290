"""The `model` section of a spec."""

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
    """Number of outputs per step."""
    activation: Activation = "relu"
    """Name of a Keras activation."""


class Conv1DLayer(Declared):
    """A convolution over the steps with stride 1. Padded steps and positions beyond the ends are zeros."""

    type: Literal["conv1d"]
    filters: pydantic.PositiveInt
    """Number of outputs per step."""
    kernel_size: pydantic.PositiveInt = 3
    """Number of steps in the window."""
    padding: Literal["causal", "same"] = "causal"
    """`causal` uses a step and the steps before it; `same` uses the same number of steps on both sides."""
    dilation_rate: pydantic.PositiveInt = 1
    """Distance between the steps of the window."""
    activation: Activation = "relu"
    """Name of a Keras activation."""


FrontLayer = Annotated[DenseLayer | Conv1DLayer, pydantic.Field(discriminator="type")]


class Model(Declared):
    """The masked recurrent network."""

    front: Annotated[tuple[FrontLayer, ...], AsTuple] = ()
    """Layers between the features and the recurrent ones: `{type: dense, ...}` or `{type: conv1d, ...}`."""
    cell: Literal["lstm", "gru", "simple_rnn"] = "lstm"
    units: Annotated[Sizes, pydantic.Field(min_length=1)] | Auto = AUTO
    """Units of each stacked recurrent layer. `auto`: one layer with as many units as a step's features and outputs
    together, rounded to a multiple of 64, from 64 to 256."""
    bidirectional: bool | Auto = AUTO
    """Whether the layers read each sequence in both directions. `auto`: true, except if later steps are predicted: for
    a forecast, a label with `shift`, or a per-step label that equals a feature of a later step or has a class for the
    last step alone."""
    pooling: Literal["last", "mean", "max", "attention", "concat"] | Auto = AUTO
    """How the real steps are reduced to one vector: the final state, the mean or maximum over the steps, a mean with
    learned weights, or the first three concatenated (`concat`). `auto`: `last` for a forecast, otherwise `concat`."""
    context: Literal["head", "per_step", "initial_state"] = "head"
    """Where context features enter the network: after the recurrent layers, at every step before them, or as
    the initial state of each recurrent layer."""
    dropout: Annotated[float, pydantic.Field(ge=0, lt=1)] | Auto = AUTO
    """Dropout rate for the features, for each layer's inputs and for the heads' inputs. Features of fewer than 8
    numbers per step or record are never dropped: for a single number, that would be a missing value. `auto`: 0.2; 0.5
    if a vocabulary has more than 1 000 terms."""
    recurrent_dropout: float = pydantic.Field(0.0, ge=0, lt=1)
    """Dropout rate for the recurrent state from step to step. Fused kernels do not support it, so training is
    slower."""
    layer_normalization: bool = False
    """Whether the outputs of each recurrent layer are normalized at each step."""
    ensemble: Annotated[int, pydantic.Field(ge=1, le=64)] = 1
    """Number of networks with this structure that are trained together, each with its own loss. The model predicts the
    mean of their probabilities, or of their numbers. Training and serving take this many times as long."""
    builder: str | None = pydantic.Field(None, pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$")
    """A function that builds the network instead, such as `my_package.my_module.build`: see [networks](networks.md).
    Inputs, heads, losses, metrics and export stay the same."""
