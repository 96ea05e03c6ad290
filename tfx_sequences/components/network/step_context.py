"""Adds the context of a record to each of its steps."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops


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
