"""The front of a network that reads images: one vector for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable("tfx_sequences")
class ImageVectors(layers.Layer):
    """Convolutions over each image alone, `[B, T, H, W, C]` to `[B, T, D]`, or `[B, H, W, C]` to `[B, D]`.

    No image sees another one, so padded steps change nothing; what they become is masked by the layer after this one.

    Args:
        filters: Filters of each convolution, 3 by 3 with stride 2.
        dimension: `D`.
        **kwargs: Further arguments of `keras.layers.Layer`.

    >>> import numpy as np
    >>> ImageVectors((4,), 5)(np.zeros((2, 3, 8, 6, 1))).shape
    TensorShape([2, 3, 5])
    """

    def __init__(self, filters: Sequence[int], dimension: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.filters = tuple(filters)
        self.dimension = dimension
        self._convolutions = [
            layers.Conv2D(count, 3, strides=2, padding="same", activation="relu", name=f"convolution_{number}")
            for number, count in enumerate(self.filters)
        ]
        self._dense = layers.Dense(dimension, name="vector")

    def build(self, input_shape: Any) -> None:
        """Builds the convolutions."""
        shape = (None, *input_shape[-3:])
        for convolution in self._convolutions:
            convolution.build(shape)
            shape = convolution.compute_output_shape(shape)
        self._dense.build((None, shape[-1]))
        self.built = True

    def call(self, images: Any) -> Any:
        outer = ops.shape(images)[:-3]
        found = ops.reshape(images, (-1, *images.shape[-3:]))
        for convolution in self._convolutions:
            found = convolution(found)
        return ops.reshape(self._dense(ops.mean(found, axis=(1, 2))), (*outer, self.dimension))

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (*input_shape[:-3], self.dimension)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "filters": self.filters, "dimension": self.dimension}
