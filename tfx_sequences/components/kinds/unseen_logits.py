"""The logit of the class for unseen classes, which a network cannot predict: `unseen: wrong`."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import layers, ops

# The probability of an unknown class: Keras' smallest probability, so that the loss is finite.
PROBABILITY = 1e-7


@keras.saving.register_keras_serializable("tfx_sequences")
class UnseenLogits(layers.Layer):
    """Replaces the last logit so that its probability is 1e-7.

    >>> import tensorflow as tf
    >>> known, unseen = tf.split(tf.nn.softmax(UnseenLogits()(tf.constant([[1.0, 2.0, 9.0]]))), [2, 1], axis=1)
    >>> print(known.numpy().round(4), (1e7 * unseen).numpy().round(3))
    [[0.2689 0.7311]] [[1.]]
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, logits: Any) -> Any:
        """Logits `[..., C + 1]` with the same shape."""
        known = logits[..., :-1]
        last = ops.logsumexp(known, axis=-1, keepdims=True) + math.log(PROBABILITY)
        return ops.concatenate([known, last], axis=-1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape
