"""Dropout that cannot remove a whole feature: the channels of narrow columns are kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers, ops

# At a rate of 0.2, all 8 channels of a column are dropped for one record in 400 000; at 0.5, for one in 256.
_FEWEST_CHANNELS = 8


def channel_dropout(rate: float, tensor: Any, widths: Sequence[int], name: str) -> Any:
    """Drops channels of wide columns in training; the same ones at all steps of a record.

    Dropout of a measured value is not a regularizer but a missing value: with a rate of 0.2, one record in five would
    not have the feature at all, and the other records would have it at 1.25 times its scale. A vector of at least 8
    channels, such as an embedding, loses only a part.

    Args:
        rate: The dropout rate, in `[0, 1)`.
        tensor: `[B, T, D]`, or `[B, D]` without steps.
        widths: The width of each column; their sum is `D`.
        name: Name of the layer.

    >>> from keras import Input
    >>> steps = Input((None, 9))
    >>> channel_dropout(0.2, steps, [9], "drop").shape, channel_dropout(0.2, steps, [1] * 9, "drop") is steps
    ((None, None, 9), True)
    """
    wide = [width >= _FEWEST_CHANNELS for width in widths]
    if not rate or not any(wide):
        return tensor
    layer = layers.SpatialDropout1D if len(tensor.shape) == 3 else layers.Dropout
    dropped = layer(rate, name=name)(tensor)
    if all(wide):
        return dropped
    return ChosenChannels(np.repeat(wide, widths).tolist(), name=f"{name}_of_wide_columns")([dropped, tensor])


@keras.saving.register_keras_serializable("tfx_sequences")
class ChosenChannels(layers.Layer):
    """Takes some channels from one tensor and the others from a second one of the same shape, `[..., D]`.

    Args:
        from_first: One bool for each of the `D` channels: True takes the channel from the first tensor.
        **kwargs: Arguments of `keras.layers.Layer`.

    >>> print(ChosenChannels([True, False])([np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])]).numpy())
    [[1. 4.]]
    """

    def __init__(self, from_first: Sequence[bool], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.from_first = list(from_first)
        self.supports_masking = True

    def call(self, inputs: Any) -> Any:
        first, second = inputs
        return ops.where(np.array(self.from_first), first, second)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        # Both tensors have the mask of the same steps.
        return previous_mask[0] if previous_mask is not None else None

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape[0]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "from_first": self.from_first}
