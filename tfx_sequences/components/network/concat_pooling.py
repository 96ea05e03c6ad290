"""Concatenates the final state, the mean and the maximum of the real steps."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops

from tfx_sequences.components.network.pooling import LastStep, MaskedPooling1D


@keras.saving.register_keras_serializable("tfx_sequences")
class ConcatPooling1D(layers.Layer):
    """The last real step, the mean and the maximum over the real steps: `[B, T, D]` with a mask `[B, T]` to `[B, 3 D]`.

    The final state can count steps, the mean includes all, and the maximum finds a single one (Howard and Ruder,
    Universal Language Model Fine-tuning for Text Classification, 2018). A row without real steps gives zeros.

    Args:
        bidirectional: Whether the second half of `D` was read backwards, see `LastStep`.
        **kwargs: Arguments of `keras.layers.Layer`.

    >>> import numpy as np
    >>> x = np.array([[[1.0], [5.0], [3.0], [9.0]]])
    >>> mask = np.array([[True, True, True, False]])
    >>> print(ConcatPooling1D()(x, mask=mask).numpy())
    [[3. 3. 5.]]
    """

    def __init__(self, bidirectional: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.bidirectional = bidirectional
        self.supports_masking = True
        policy = self.dtype_policy
        self._last = LastStep(bidirectional, dtype=policy)
        self._mean, self._max = MaskedPooling1D("mean", dtype=policy), MaskedPooling1D("max", dtype=policy)

    def call(self, inputs: Any, mask: Any = None) -> Any:
        parts: tuple[layers.Layer, ...] = (self._last, self._mean, self._max)
        return ops.concatenate([part(inputs, mask=mask) for part in parts], axis=1)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> None:
        return None

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (input_shape[0], 3 * input_shape[2])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "bidirectional": self.bidirectional}
