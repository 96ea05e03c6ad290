"""Batches of ragged features by `tf.data.Dataset.bucket_by_sequence_length`, at no cost per record.

The op refuses ragged elements, and spends tens of microseconds on each element. So an element
is a micro-batch of dozens of records, and each of its features one scalar of dtype variant, the
form in which datasets carry ragged tensors anyway: moving it copies nothing.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfx_sequences.components.bucket_queue import micro_batch_rows
from tfx_sequences.schemas.bucket_plan import BucketPlan

_NO_BOUNDARY = 2**31 - 1


def pack(features: Any, splits: tf.Tensor) -> Any:
    """Features of the rows of many micro-batches to one variant scalar per micro-batch.

    Args:
        features: Any structure of tensors `[N, ...]` and ragged tensors `[N, T, ...]`, row splits int64.
        splits: Where micro-batches begin and end, int64 `[M + 1]`.

    Returns:
        The structure, each feature a variant `[M]`.
    """

    def packed(values: tf.Tensor | tf.RaggedTensor) -> tf.Tensor:
        is_ragged = isinstance(values, tf.RaggedTensor)
        return tf.raw_ops.RaggedTensorToVariant(
            rt_nested_splits=[splits, *(values.nested_row_splits if is_ragged else ())],
            rt_dense_values=values.flat_values if is_ragged else values,
            batched_input=True,
        )

    return tf.nest.map_structure(packed, features)


def unpack(packed: Any, specs: Any) -> Any:
    """The inverse of `pack`: micro-batches, variants `[M]`, to the features of all their rows.

    Args:
        packed: What `pack` returned, or some of its entries in any order.
        specs: `tf.TensorSpec` or `tf.RaggedTensorSpec` of each feature that was packed.
    """

    def unpacked(values: tf.Tensor, spec: tf.TensorSpec | tf.RaggedTensorSpec) -> tf.Tensor | tf.RaggedTensor:
        rank = spec.ragged_rank if isinstance(spec, tf.RaggedTensorSpec) else 0
        splits, flat = tf.raw_ops.RaggedTensorFromVariant(
            encoded_ragged=values,
            input_ragged_rank=rank,
            output_ragged_rank=rank + 1,
            Tvalues=spec.dtype,
            Tsplits=tf.int64,
        )
        flat = tf.ensure_shape(flat, [None, *spec.shape[rank + 1 :]])
        return tf.RaggedTensor.from_nested_row_splits(flat, splits[1:], validate=False) if rank else flat

    return tf.nest.map_structure(unpacked, packed, specs)


def bucket(micro_batches: tf.data.Dataset, plan: BucketPlan) -> tf.data.Dataset:
    """Batches of micro-batches `(length, ...)`, whose `length` int32 is that of any of its rows."""
    sizes = [size // micro_batch_rows(size) for size in plan.batch_sizes]
    return micro_batches.bucket_by_sequence_length(
        element_length_func=lambda length, *_: length,
        # The op wants a boundary even where there is one bucket.
        bucket_boundaries=list(plan.boundaries) or [_NO_BOUNDARY],
        bucket_batch_sizes=sizes if plan.boundaries else sizes * 2,
        no_padding=True,
    )
