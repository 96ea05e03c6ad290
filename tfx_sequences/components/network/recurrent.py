"""The recurrent layers of a spec's network."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf
from keras import layers

from tfx_sequences.compat import cores
from tfx_sequences.components.features.feature_lengths import kernel_mask
from tfx_sequences.components.network.fused_gru import FusedGRU
from tfx_sequences.components.network.fused_lstm import FusedLSTM
from tfx_sequences.schemas.columns.auto import chosen
from tfx_sequences.schemas.spec.model_options import Model

_CELLS = {"lstm": layers.LSTM, "gru": layers.GRU, "simple_rnn": layers.SimpleRNN}
_FUSED = {"lstm": FusedLSTM, "gru": FusedGRU}
_STATES = {"lstm": ("h", "c"), "gru": ("h",), "simple_rnn": ("h",)}


@keras.saving.register_keras_serializable("tfx_sequences")
class KernelMask(layers.Layer):
    """The mask of real steps `[B, T]` with the first step of each row made real.

    cuDNN's kernels reject a row without real steps. The output for such a row is never
    used: pooling gives zeros for it, and heads of steps weight it by the true mask.

    >>> import numpy as np
    >>> print(KernelMask()(np.array([[True, False], [False, False]])).numpy())
    [[ True False]
     [ True False]]
    """

    def call(self, mask: Any) -> Any:
        return kernel_mask(mask)

    def compute_output_spec(self, mask: Any) -> Any:
        return keras.KerasTensor(mask.shape, "bool")


def recurrent_layers(options: Model, steps: Any, mask: Any, context: Any, use_cudnn: bool | str) -> Any:
    """The stacked recurrent layers: `[B, T, D]` to `[B, T, units]`; twice the units if bidirectional.

    Args:
        options: The spec's `model`.
        steps: Symbolic `[B, T, D]`.
        mask: Symbolic bool `[B, T]`, True for real steps, which come first.
        context: Symbolic `[B, C]` that initializes the states, each through a dense layer; None
            for zeros.
        use_cudnn: False avoids special kernels, including those for CPUs.

    Returns:
        The last layer's outputs; padded steps contain zeros, or normalized zeros.
    """
    of_kernels = KernelMask(name="kernel_mask")(mask)
    dropout = chosen(options.dropout)
    for index, units in enumerate(chosen(options.units)):
        if dropout and (index or options.front):
            steps = layers.SpatialDropout1D(dropout, name=f"dropout_{index}")(steps)
        layer = _recurrent(options, units, index, use_cudnn)
        initial = {} if context is None else {"initial_state": _initial_state(options, units, index, context)}
        steps = layer(steps, mask=of_kernels, **initial)
        if options.layer_normalization:
            steps = layers.LayerNormalization(name=f"layer_normalization_{index}")(steps)
    return steps


def _recurrent(options: Model, units: int, index: int, use_cudnn: bool | str) -> layers.Layer:
    cell = options.cell
    make = _CELLS[cell]
    kernel: dict[str, Any] = {} if cell == "simple_rnn" else {"use_cudnn": use_cudnn}
    if cell in _FUSED and use_cudnn == "auto" and not options.recurrent_dropout and not _has_gpu():
        make = _FUSED[cell]
        # The two directions already run in parallel.
        kernel = {"use_cudnn": False, "shards": max(1, cores() // (2 if chosen(options.bidirectional) else 1))}
    layer = make(
        units,
        return_sequences=True,
        # cuDNN also gives zeros at padded steps.
        zero_output_for_mask=True,
        recurrent_dropout=options.recurrent_dropout,
        name=f"{cell}_{index}",
        **kernel,
    )
    # XLA recompiles for each shape of a bucketed batch, which takes longer than it saves.
    layer.supports_jit = False
    return layers.Bidirectional(layer, name=f"bidirectional_{index}") if chosen(options.bidirectional) else layer


def _has_gpu() -> bool:
    return bool(tf.config.list_physical_devices("GPU"))


def _initial_state(options: Model, units: int, index: int, context: Any) -> list[Any]:
    directions = ("forward", "backward") if chosen(options.bidirectional) else ("forward",)
    return [
        layers.Dense(units, activation="tanh", name=f"initial_{state}_{direction}_{index}")(context)
        for direction in directions
        for state in _STATES[options.cell]
    ]
