"""The layers between the features and the recurrent layers."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops

from tfx_sequences.schemas.spec.model_options import DenseLayer, FrontLayer


@keras.saving.register_keras_serializable("tfx_sequences")
class MaskedConv1D(layers.Conv1D):
    """A convolution over the real steps: `[B, T, D]` with a mask `[B, T]` to `[B, T, filters]`.

    Padded steps count as zeros, like positions beyond the ends of a sequence, so the amount of
    padding in a batch does not affect real steps. The layer passes the mask on.

    Args:
        filters, kernel_size, padding, ...: As for `keras.layers.Conv1D`; `strides` is 1, and
            `padding` is `causal` or `same`.

    >>> import numpy as np
    >>> x = np.array([[[1.0], [1.0], [9.0]]])
    >>> mask = np.array([[True, True, False]])
    >>> layer = MaskedConv1D(1, 3, padding="same", kernel_initializer="ones")
    >>> print(layer(x, mask=mask).numpy()[0, :2, 0])
    [2. 2.]
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.supports_masking = True

    def call(self, inputs: Any, mask: Any = None) -> Any:
        if mask is not None:
            inputs = ops.where(mask[:, :, None], inputs, ops.zeros_like(inputs))
        return super().call(inputs)


def front_layer(options: FrontLayer, index: int) -> layers.Layer:
    """The layer number `index` of the spec's `model.front`: `[B, T, D]` to `[B, T, units or filters]`."""
    name = f"front_{index}"
    if isinstance(options, DenseLayer):
        # Acts on the last axis only, as TimeDistributed would do step by step.
        return layers.Dense(options.units, activation=options.activation, name=name)
    return MaskedConv1D(
        options.filters,
        options.kernel_size,
        padding=options.padding,
        dilation_rate=options.dilation_rate,
        activation=options.activation,
        name=name,
    )
