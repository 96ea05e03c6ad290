"""Vectors of several ids with weights, combined to one, as `tf.nn.safe_embedding_lookup_sparse` combines them.

With weights w of the ids of a step, and their vectors v: `sum` is the sum of w v, `mean` that over the sum of w,
`sqrtn` that over the root of the sum of w squared. The latter two leave out ids whose weight is not positive.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfx_sequences.components.features.runtime_checks import after, are_equal, require


def weights_of_grid(form: Any, steps: Any, real: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    """Weights `[B, T, V]` of dense ids; 0 in the padding, whatever stands there.

    Args:
        form: The weights in their form; dense.
        steps: `T`.
        real: bool `[B, T, V]`, whether there is an id.
        dtype: The dtype of the result.
    """
    weights = tf.cast(form.ids(steps), dtype)
    check = _same_number(form.key, are_equal(tf.shape(weights), tf.shape(real)), tf.shape(weights))
    return tf.where(real, after(check, weights), tf.zeros([], dtype))


def weights_of_flat(form: Any, steps: Any, cells: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    """Weights `[N]` of the ids `[N]` that stand in `cells`; see `flat` of `step_values`."""
    values, own = form.flat(steps)
    return tf.cast(after(_same_number(form.key, are_equal(own, cells), own), values), dtype)


def counted(weights: tf.Tensor, combiner: str) -> tf.Tensor:
    """Weights with 0 for those that the combiner leaves out."""
    return weights if combiner == "sum" else tf.maximum(weights, 0)


def combine(total: tf.Tensor, weight_sum: tf.Tensor, square_sum: tf.Tensor, combiner: str) -> tf.Tensor:
    """The sums of weighted vectors `[..., D]`, divided as the combiner does.

    Args:
        total: Sums of the vectors times their weights, `[..., D]`.
        weight_sum: Sums of the weights, `[...]`.
        square_sum: Sums of the squares of the weights, `[...]`.
        combiner: `sum`, `mean` or `sqrtn`.
    """
    if combiner == "sum":
        return total
    if combiner == "mean":
        return tf.math.divide_no_nan(total, weight_sum[..., None])
    # The root of 0 has no finite gradient, and where the sum is 0 nothing is divided.
    root = tf.sqrt(tf.where(square_sum > 0, square_sum, tf.ones_like(square_sum)))
    return total / root[..., None]


def combine_grid(vectors: tf.Tensor, weights: tf.Tensor, combiner: str) -> tf.Tensor:
    """Vectors `[B, T, V, D]` and weights `[B, T, V]` to `[B, T, D]`.

    >>> combine_grid(tf.constant([[[[2.0], [4.0]]]]), tf.constant([[[3.0, 1.0]]]), "mean").numpy().tolist()
    [[[2.5]]]
    """
    weights = counted(weights, combiner)
    total = tf.reduce_sum(vectors * weights[..., None], axis=2)
    return combine(total, tf.reduce_sum(weights, axis=2), tf.reduce_sum(tf.square(weights), axis=2), combiner)


def combine_flat(vectors: tf.Tensor, weights: tf.Tensor, cells: tf.Tensor, number: tf.Tensor, combiner: str) -> Any:
    """Vectors `[N, D]` and weights `[N]` to `[number, D]`, one for each cell."""
    weights = counted(weights, combiner)

    def summed(values: tf.Tensor) -> tf.Tensor:
        return tf.math.unsorted_segment_sum(values, cells, number)

    return combine(summed(vectors * weights[:, None]), summed(weights), summed(tf.square(weights)), combiner)


def _same_number(key: str, right: tf.Tensor, received: tf.Tensor) -> tf.Operation | None:
    return require(
        right,
        f"The weights '{key}' are not as many as the values that they weigh.",
        expected="a weight for each value of each row and step",
        received=lambda: [("places of weights", received)],
        fix="Write one weight for each value.",
    )
