"""Pools the real steps of a sequence into one vector."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable("tfx_sequences")
class MaskedPooling1D(layers.Layer):
    """Mean or maximum over the real steps: `[B, T, D]` with a mask `[B, T]` to `[B, D]`.

    A row without real steps gives zeros (Keras' own pooling gives NaN there).

    Args:
        how: `mean` or `max`.
        **kwargs: Arguments of `keras.layers.Layer`.

    >>> import numpy as np
    >>> x = np.array([[[1.0], [3.0], [9.0]], [[5.0], [5.0], [5.0]]])
    >>> mask = np.array([[True, True, False], [False, False, False]])
    >>> print(MaskedPooling1D("mean")(x, mask=mask).numpy(), MaskedPooling1D("max")(x, mask=mask).numpy())
    [[2.]
     [0.]] [[3.]
     [0.]]
    """

    def __init__(self, how: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.how = how
        self.supports_masking = True

    def call(self, inputs: Any, mask: Any = None) -> Any:
        if mask is None:
            mask = ops.ones_like(inputs[:, :, 0], dtype="bool")
        if self.how == "mean":
            # Half precision cannot count beyond 2048, and sums lose precision.
            real = ops.cast(mask, "float32")[:, :, None]
            total = ops.sum(ops.cast(inputs, "float32") * real, axis=1)
            return ops.cast(total / ops.maximum(ops.sum(real, axis=1), 1), inputs.dtype)
        lowest = ops.cast(-1e4 if inputs.dtype == "float16" else -1e9, inputs.dtype)
        highest = ops.max(ops.where(mask[:, :, None], inputs, lowest), axis=1)
        return ops.where(ops.any(mask, axis=1)[:, None], highest, ops.zeros_like(highest))

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> None:
        return None

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (input_shape[0], input_shape[2])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "how": self.how}


@keras.saving.register_keras_serializable("tfx_sequences")
class AttentionPooling1D(layers.Layer):
    """A mean over the real steps with learned weights: `[B, T, D]` with a mask `[B, T]` to `[B, D]`.

    The weight of a step is `softmax(query . tanh(W x + b))`, with the softmax over the real steps of its
    row (Yang et al., Hierarchical Attention Networks for Document Classification, 2016).
    A row without real steps gives zeros.

    >>> import numpy as np
    >>> x = np.array([[[1.0], [3.0], [9.0]], [[5.0], [5.0], [5.0]]])
    >>> mask = np.array([[True, True, False], [False, False, False]])
    >>> layer = AttentionPooling1D(query_initializer="zeros")  # all real steps have the same weight
    >>> print(layer(x, mask=mask).numpy())
    [[2.]
     [0.]]
    """

    def __init__(self, query_initializer: Any = "glorot_uniform", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.query_initializer = keras.initializers.get(query_initializer)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        width = input_shape[-1]
        self.kernel = self.add_weight((width, width), "glorot_uniform", name="kernel")
        self.bias = self.add_weight((width,), "zeros", name="bias")
        self.query = self.add_weight((width, 1), self.query_initializer, name="query")
        self.built = True

    def call(self, inputs: Any, mask: Any = None) -> Any:
        scores = ops.matmul(ops.tanh(ops.matmul(inputs, self.kernel) + self.bias), self.query)
        scores = ops.cast(scores, "float32")
        if mask is not None:
            scores = ops.where(mask[:, :, None], scores, -1e9)
        weights = ops.softmax(scores, axis=1)
        if mask is not None:
            # Also for a row without real steps, where the softmax is uniform.
            weights = weights * ops.cast(mask, "float32")[:, :, None]
        # In float32: sums of many small weights lose precision in half precision.
        return ops.cast(ops.sum(ops.cast(inputs, "float32") * weights, axis=1), inputs.dtype)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> None:
        return None

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (input_shape[0], input_shape[2])

    def get_config(self) -> dict[str, Any]:
        initializer = keras.initializers.serialize(self.query_initializer)
        return {**super().get_config(), "query_initializer": initializer}


@keras.saving.register_keras_serializable("tfx_sequences")
class LastStep(layers.Layer):
    """The output of the last real step: `[B, T, D]` with a mask `[B, T]` to `[B, D]`.

    For outputs whose padded steps are the last ones; a row without real steps gives zeros.

    Args:
        bidirectional: Whether the second half of `D` was read backwards, so that its last step is the first.
        **kwargs: Arguments of `keras.layers.Layer`.

    >>> import numpy as np
    >>> x = np.array([[[1.0, 2.0], [3.0, 4.0], [9.0, 9.0]]])
    >>> mask = np.array([[True, True, False]])
    >>> print(LastStep()(x, mask=mask).numpy(), LastStep(bidirectional=True)(x, mask=mask).numpy())
    [[3. 4.]] [[3. 2.]]
    """

    def __init__(self, bidirectional: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.bidirectional = bidirectional
        self.supports_masking = True

    def call(self, inputs: Any, mask: Any = None) -> Any:
        if mask is None:
            mask = ops.ones_like(inputs[:, :, 0], dtype="bool")
        lengths = ops.sum(ops.cast(mask, "int32"), axis=1)
        index = ops.maximum(lengths - 1, 0)[:, None, None]
        last = ops.take_along_axis(inputs, index, axis=1)[:, 0]
        if self.bidirectional:
            forward = inputs.shape[-1] // 2
            last = ops.concatenate([last[:, :forward], inputs[:, 0, forward:]], axis=1)
        return ops.where(lengths[:, None] > 0, last, ops.zeros_like(last))

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> None:
        return None

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (input_shape[0], input_shape[2])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "bidirectional": self.bidirectional}
