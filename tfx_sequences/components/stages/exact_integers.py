"""int64 values of feature lists as they are, where tfx_bsl cuts them to 32 bits.

The decoder of `tf.SequenceExample` of tfx_bsl 1.16.1 keeps the low 32 bits of an int64 in a feature list:
1528917632000000001 becomes 1513160705. Transform would analyze and write other numbers than the serving graph parses.
Context features are decoded correctly. Here TensorFlow parses the values once more, and they replace the others.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import tensorflow as tf
from tfx_bsl.tfxio import tf_sequence_example_record

_DECODER = "_DecodeBatchExamplesDoFn"
_SEQUENCE = "##SEQUENCE##"


class DecodeExactly(getattr(tf_sequence_example_record, _DECODER)):  # type: ignore[misc]
    """The decoder of tfx_bsl, whose int64 values of feature lists are replaced."""

    def process(self, examples: Sequence[bytes]) -> Iterator[pa.RecordBatch]:
        """Serialized records to a record batch."""
        for batch in super().process(examples):
            yield with_exact_integers(batch, examples)


@contextlib.contextmanager
def exact_integers() -> Iterator[None]:
    """Within it, pipelines are built that read `tf.SequenceExample` with `DecodeExactly`."""
    stock = getattr(tf_sequence_example_record, _DECODER)
    setattr(tf_sequence_example_record, _DECODER, DecodeExactly)
    try:
        yield
    finally:
        setattr(tf_sequence_example_record, _DECODER, stock)


def with_exact_integers(batch: pa.RecordBatch, examples: Sequence[bytes]) -> pa.RecordBatch:
    """The record batch with the int64 values of feature lists that the records hold.

    Args:
        batch: As tfx_bsl decodes the records.
        examples: The serialized records.
    """
    at = batch.schema.get_field_index(_SEQUENCE)
    if at < 0:
        return batch
    lists = batch.column(at)
    keys = [field.name for field in lists.type if _is_int64(field.type)]
    if not keys:
        return batch
    parsers = {key: tf.io.RaggedFeature(tf.int64, value_key=key, row_splits_dtype=tf.int64) for key in keys}
    _, parsed, _ = tf.io.parse_sequence_example(tf.constant(list(examples), tf.string), None, parsers)
    exact = {key: _with_values(lists.field(key), parsed[key].flat_values.numpy()) for key in keys}
    columns = [exact.get(field.name, lists.field(field.name)) for field in lists.type]
    # The struct itself has no nulls: each record has lists, if only empty ones.
    replaced = pa.StructArray.from_arrays(columns, fields=list(lists.type))
    whole = [replaced if number == at else column for number, column in enumerate(batch.columns)]
    return pa.RecordBatch.from_arrays(whole, schema=batch.schema)


def _is_int64(kind: Any) -> bool:
    """A list of records of a list of steps of int64."""
    return (
        pa.types.is_large_list(kind)
        and pa.types.is_large_list(kind.value_type)
        and kind.value_type.value_type == pa.int64()
    )


def _with_values(of_records: Any, values: Any) -> Any:
    """The same lists of lists, with other values."""
    of_steps = of_records.values
    if len(of_steps.values) != len(values):
        raise RuntimeError(f"tfx_bsl decoded {len(of_steps.values)} values, TensorFlow {len(values)}")
    children = pa.array(values, pa.int64())
    for lists in (of_steps, of_records):
        buffers = lists.buffers()[:2]
        children = pa.Array.from_buffers(
            lists.type, len(lists), buffers, lists.null_count, lists.offset, children=[children]
        )
    return children
