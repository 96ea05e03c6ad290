"""Writes transformed records in the layout of TFX's Transform, without TFX."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import tensorflow as tf

from tfx_sequences.components.rows import wire
from tfx_sequences.components.transform.split_analysis import record_batches
from tfx_sequences.components.transform.transform_graph import TransformGraph
from tfx_sequences.schemas.features.parse_specs import parse_records
from tfx_sequences.schemas.features.transformed_features import make_parse_transformed_spec
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

_DTYPES: dict[tf.DType, wire.Dtype] = {tf.string: "string", tf.int64: "int64", tf.float32: "float32"}
_ARROW = {"string": pa.binary(), "int64": pa.int64(), "float32": pa.float32()}


def write_transformed(spec: SequenceSpec, graph: TransformGraph, files: Sequence[str], path: str) -> int:
    """Transforms records to one TFRecord file of Examples, which `make_parse_transformed_spec` parses.

    Args:
        spec: The spec.
        graph: The spec's transform graph.
        files: Files of raw records.
        path: The file to write.

    Returns:
        The number of records.
    """
    layout = make_parse_transformed_spec(spec)

    def transform(serialized: tf.Tensor) -> dict[str, tuple[tf.Tensor, tf.Tensor]]:
        transformed = graph(parse_records(serialized, spec))
        stored: dict[str, tuple[tf.Tensor, tf.Tensor]] = {}
        for name, feature in layout.items():
            stored |= _stored(name, feature, transformed[name])
        return stored

    records = 0
    with tf.io.TFRecordWriter(path) as writer:
        for batches in record_batches(spec, files):
            transformed = batches.map(tf.function(transform, autograph=False), tf.data.AUTOTUNE).prefetch(1)
            for batch in transformed.as_numpy_iterator():
                for record in as_examples(batch).to_pylist():
                    writer.write(record)
                    records += 1
    return records


def as_examples(features: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> pa.Array:
    """Serialized Examples of flat lists of values, binary `[B]`.

    Args:
        features: By key the values of all records `[N]`, and where those of each record begin and end, `[B + 1]`.

    >>> [record] = as_examples({"x": (np.array([2.0], np.float32), np.array([0, 1]))}).to_pylist()
    >>> tf.train.Example.FromString(record).features.feature["x"].float_list.value[:]
    [2.0]
    """
    entries = {}
    for key, (values, ends) in features.items():
        dtype = _DTYPES[tf.as_dtype(values.dtype) if values.dtype != object else tf.string]
        contents = wire.contents(pa.array(values, _ARROW[dtype]), dtype)
        entries[key] = wire.context_entry(key, dtype, wire.merged(contents, ends))
    return wire.examples(entries)


def _stored(name: str, feature: Any, values: Any) -> dict[str, tuple[tf.Tensor, tf.Tensor]]:
    """The flat lists of a transformed feature, by key in the Example, each with the ends of the records."""
    if isinstance(feature, tf.io.FixedLenFeature):
        records = tf.shape(values, tf.int64)[0]
        return {
            name: (tf.reshape(values, [-1]), tf.range(records + 1) * tf.constant(int(np.prod(feature.shape)), tf.int64))
        }
    flat = values.flat_values
    size = int(np.prod(flat.shape[1:]))
    lengths = [part.key for part in feature.partitions if isinstance(part, tf.io.RaggedFeature.RowLengths)]
    found, ends = {}, values.row_splits
    if lengths:
        found[lengths[0]] = values.values.row_lengths(), ends
        ends = tf.gather(values.values.row_splits, ends)
    return {**found, feature.value_key: (tf.reshape(flat, [-1]), ends * size)}
