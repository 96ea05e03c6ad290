"""Moves padding from the left of a batch to the right, where the network expects it."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf
from keras import layers


@keras.saving.register_keras_serializable("tfx_sequences")
class PaddingToRight(layers.Layer):
    """Moves the padding of steps `[B, T, ...]` from left to right; `sequence_length` `[B]` gives the real steps.

    >>> import numpy as np
    >>> print(PaddingToRight()([np.array([[0, 0, 7], [1, 2, 3]]), np.array([1, 3])]).numpy())
    [[7 0 0]
     [1 2 3]]
    """

    def call(self, inputs: Any) -> Any:
        values, lengths = inputs
        steps = tf.shape(values)[1]
        first = steps - tf.cast(lengths, tf.int32)
        return tf.gather(values, (tf.range(steps)[None, :] + first[:, None]) % steps, batch_dims=1)

    def compute_output_spec(self, inputs: Any) -> Any:
        return keras.KerasTensor(inputs[0].shape, inputs[0].dtype)
