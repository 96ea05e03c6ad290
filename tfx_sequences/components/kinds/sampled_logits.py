"""Logits of many classes; training computes only some of them."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf
from keras import layers, ops


@keras.saving.register_keras_serializable("tfx_sequences")
class SampledLogits(layers.Layer):
    """Logits of `classes` classes: a dense layer whose loss can be computed over a sample.

    In training, it returns its inputs, from which `sampled_loss` computes the loss; otherwise, it returns logits.

    Args:
        classes: Number of classes `C`.

    >>> SampledLogits(7)(ops.ones((2, 3))).shape
    TensorShape([2, 7])
    """

    def __init__(self, classes: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.classes = classes
        self._seeds = keras.random.SeedGenerator()

    def build(self, input_shape: Any) -> None:
        # One row per class, so that a sample's rows are gathered without transposing the kernel.
        self.kernel = self.add_weight(name="kernel", shape=(self.classes, input_shape[-1]))
        self.bias = self.add_weight(name="bias", shape=(self.classes,), initializer="zeros")

    def call(self, inputs: Any, training: bool = False) -> Any:
        if training:
            return ops.cast(inputs, self.compute_dtype)
        return ops.matmul(inputs, ops.transpose(self.kernel)) + self.bias

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (*input_shape[:-1], self.classes)

    def sampled_loss(self, targets: Any, vectors: Any, number: int, *, by_rank: bool) -> tf.Tensor:
        """The loss of each target against a sample of classes, float32 of the targets' shape.

        Classes are drawn with replacement, and their logits are corrected for how often they are drawn
        (Jean et al. 2015, On Using Very Large Target Vocabulary for Neural Machine Translation). The expected
        gradient is zero if the logits give the true distribution, for any number of samples (Ma and Collins 2018,
        Noise Contrastive Estimation and Negative Sampling for Conditional Models).

        Args:
            targets: Class indices `[...]`.
            vectors: The layer's output in training, `[..., D]`.
            number: Number of classes to draw.
            by_rank: Whether classes are sorted by frequency: then draw them according to Zipf's law,
                `log(1 + 1 / (1 + index))`, otherwise uniformly.
        """
        flat = tf.reshape(tf.cast(targets, tf.int64), [-1])
        drawn = tf.random.stateless_uniform([number], ops.cast(self._seeds.next(), "int32"), dtype=tf.float32)
        limit = tf.cast(self.classes, tf.float32)
        position = tf.exp(drawn * tf.math.log(limit + 1)) - 1 if by_rank else drawn * limit
        sampled = tf.minimum(tf.cast(position, tf.int64), self.classes - 1)

        def expected(ids: tf.Tensor) -> tf.Tensor:
            rank = tf.cast(ids, tf.float32)
            share = tf.math.log1p(1 / (rank + 1)) / tf.math.log(limit + 1) if by_rank else tf.ones_like(rank) / limit
            return share * number

        loss = tf.nn.sampled_softmax_loss(
            weights=tf.convert_to_tensor(self.kernel),
            biases=tf.convert_to_tensor(self.bias),
            labels=flat[:, None],
            inputs=tf.reshape(vectors, [-1, vectors.shape[-1]]),
            num_sampled=number,
            num_classes=self.classes,
            sampled_values=(sampled, expected(flat)[:, None], expected(sampled)),
            # A sample may contain the target: without it, frequent classes would become too likely.
            remove_accidental_hits=False,
        )
        return tf.reshape(loss, tf.shape(targets))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "classes": self.classes}
