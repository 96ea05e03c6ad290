"""Numbers reduced before they become float32: an offset subtracted, of whole numbers without any rounding.

A time of 1528917632 seconds has neighbours 128 seconds away in float32, and one of nanoseconds 256 nanoseconds away in
float64. Differences of int64 values are taken in int64, those of others in float64.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import tensorflow as tf

from tfx_sequences.components.numbers.missing_numbers import Neighbours, take_steps
from tfx_sequences.schemas.columns.numeric_columns import Scaling

_MOST_WHOLE = 2**63


@dataclasses.dataclass(frozen=True)
class Reference:
    """Numbers of another feature, for each step (or record) of one: `[N, 1]`, or `[N, E]` of arrays.

    Attributes:
        values: The numbers.
        there: bool, which are not missing.
    """

    values: tf.Tensor
    there: tf.Tensor


def reduced(
    values: tf.Tensor, there: tf.Tensor, lengths: Any, scaling: Scaling, reference: Reference | None = None
) -> tuple[tf.Tensor, tf.Tensor]:
    """`(x - offset) * scale` of numbers, in 64 bits.

    Args:
        values: `[N, E]` as records store them.
        there: bool `[N, E]`, what is not missing.
        lengths: int64 `[B]`, steps of each record, for the offsets that are other steps of it.
        scaling: Offset and scale.
        reference: The feature that the offset names, if it names one.

    Returns:
        float64 `[N, E]`, and bool `[N, E]`: what is not missing.

    >>> times = tf.constant([[1528917632], [1528917632], [1528917661]], tf.int64)
    >>> there = tf.ones([3, 1], tf.bool)
    >>> reduced(times, there, tf.constant([3]), Scaling(offset="first", scale=0.5))[0].numpy()[:, 0].tolist()
    [0.0, 0.0, 14.5]
    """
    offset, scale = scaling.offset, np.asarray(scaling.scale, np.float64)
    values = values if values.dtype.is_integer else tf.cast(values, tf.float64)
    values = tf.cast(values, tf.int64) if values.dtype.is_integer else values
    if reference is not None:
        return difference(values, reference.values) * scale, there & reference.there
    if isinstance(offset, str):
        return difference(values, _of_other_steps(values, there, lengths, offset)) * scale, there
    if values.dtype == tf.int64 and _are_whole(offset):
        return tf.cast(values - np.asarray(_whole(offset), np.int64), tf.float64) * scale, there
    return (tf.cast(values, tf.float64) - np.asarray(offset, np.float64)) * scale, there


def difference(values: tf.Tensor, others: tf.Tensor) -> tf.Tensor:
    """`values - others` in float64, of whole numbers without rounding before it."""
    if values.dtype.is_integer and others.dtype.is_integer:
        return tf.cast(tf.cast(values, tf.int64) - tf.cast(others, tf.int64), tf.float64)
    return tf.cast(values, tf.float64) - tf.cast(others, tf.float64)


def _of_other_steps(values: tf.Tensor, there: tf.Tensor, lengths: Any, which: str) -> tf.Tensor:
    """The value of another step of the record for each step; the step's own where there is no other."""
    neighbours = Neighbours(there, tf.convert_to_tensor(lengths))
    find = {"first": neighbours.first, "previous": neighbours.before, "last": neighbours.last}[which]
    steps, known = find()
    return tf.where(known, take_steps(values, steps), values)


def _are_whole(offset: Any) -> bool:
    return all(float(x).is_integer() and abs(x) < _MOST_WHOLE for x in np.atleast_1d(np.asarray(offset, object)))


def _whole(offset: Any) -> Any:
    return [int(x) for x in offset] if isinstance(offset, tuple) else int(offset)
