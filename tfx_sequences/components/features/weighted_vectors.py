"""Combines the vectors of several weighted ids, in the same way as `tf.nn.safe_embedding_lookup_sparse`.

For the weights w of the ids in a step, and their vectors v: `sum` is the sum of w v, `mean` is this sum over the sum of
w, `sqrtn` is this sum over the root of the sum of w squared. The latter two ignore ids without a positive weight.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfx_sequences.components.features.runtime_checks import after, are_equal, require


def weights_of_grid(form: Any, steps: Any, real: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    """Weights `[B, T, V]` of dense ids; 0 in the padding, whatever its content.

    Args:
        form: The weights, in a dense form.
        steps: `T`.
        real: bool `[B, T, V]`, whether there is an id.
        dtype: The dtype of the result.
    """
    weights = tf.cast(form.ids(steps), dtype)
    check = _same_number(form.key, are_equal(tf.shape(weights), tf.shape(real)), tf.shape(weights))
    return tf.where(real, after(check, weights), tf.zeros([], dtype))


def weights_of_flat(form: Any, steps: Any, cells: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    """Weights `[N]` of the ids `[N]` in `cells`; see `flat` in `step_values`."""
    values, own = form.flat(steps)
    return tf.cast(after(_same_number(form.key, are_equal(own, cells), own), values), dtype)


def counted(weights: tf.Tensor, combiner: str) -> tf.Tensor:
    """Weights, with 0 for ids that the combiner ignores."""
    return weights if combiner == "sum" else tf.maximum(weights, 0)


def combine(total: tf.Tensor, weight_sum: tf.Tensor, square_sum: tf.Tensor, combiner: str) -> tf.Tensor:
    """The sums of weighted vectors `[..., D]`, divided as the combiner requires.

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
    # The root of 0 has no finite gradient; without weights, the sum is 0 and need not be divided.
    root = tf.sqrt(tf.where(square_sum > 0, square_sum, tf.ones_like(square_sum)))
    return total / root[..., None]


def combine_grid(vectors: tf.Tensor, weights: tf.Tensor, combiner: str) -> tf.Tensor:
    """Combines vectors `[B, T, V, D]` with weights `[B, T, V]` to `[B, T, D]`.

    >>> combine_grid(tf.constant([[[[2.0], [4.0]]]]), tf.constant([[[3.0, 1.0]]]), "mean").numpy().tolist()
    [[[2.5]]]
    """
    weights = counted(weights, combiner)
    total = tf.reduce_sum(vectors * weights[..., None], axis=2)
    return combine(total, tf.reduce_sum(weights, axis=2), tf.reduce_sum(tf.square(weights), axis=2), combiner)


def combine_flat(vectors: tf.Tensor, weights: tf.Tensor, cells: tf.Tensor, number: tf.Tensor, combiner: str) -> Any:
    """Combines vectors `[N, D]` with weights `[N]` to `[number, D]`, one for each cell."""
    weights = counted(weights, combiner)

    def summed(values: tf.Tensor) -> tf.Tensor:
        return tf.math.unsorted_segment_sum(values, cells, number)

    return combine(summed(vectors * weights[:, None]), summed(weights), summed(tf.square(weights)), combiner)


def _same_number(key: str, right: tf.Tensor, received: tf.Tensor) -> tf.Operation | None:
    return require(
        right,
        f"The number of weights in '{key}' differs from the number of values.",
        expected="a weight for each value of each row and step",
        received=lambda: [("places of weights", received)],
        fix="Write one weight for each value.",
    )
