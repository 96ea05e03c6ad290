"""Small records whose every feature tells which record it is, for the tests of what reads them."""

import functools

import tensorflow as tf

from tests.records import example, write_records
from tfx_sequences.components.input.record_formats import RecordFormat
from tfx_sequences.components.input.row_store import RowParser
from tfx_sequences.components.records.well_formed import canonical

_SPEC = {
    "name": tf.io.FixedLenFeature([], tf.string),
    "pair": tf.io.FixedLenFeature([2], tf.float32),
    "sequence_length": tf.io.FixedLenFeature([], tf.int64),
    "steps": tf.io.RaggedFeature(tf.int64, value_key="steps", row_splits_dtype=tf.int64),
    "vectors": tf.io.RaggedFeature(
        tf.float32,
        value_key="vectors",
        partitions=[tf.io.RaggedFeature.UniformRowLength(2)],
        row_splits_dtype=tf.int64,
    ),
    "several": tf.io.RaggedFeature(
        tf.string, value_key="several", partitions=[tf.io.RaggedFeature.RowLengths("counts")], row_splits_dtype=tf.int64
    ),
}


@functools.cache
def parser_of():
    """The parser of the records that `write` writes."""
    length = {"sequence_length": _SPEC["sequence_length"]}
    return RowParser(
        RecordFormat(
            lengths=lambda s: tf.io.parse_example(s, length)["sequence_length"],
            parse=lambda s: tf.io.parse_example(s, _SPEC),
            batch=None,
            name=None,
            malformed=lambda records: ~canonical(records),
        )
    )


def record(file, index):
    """A record of `index % 4` steps."""
    file, index = int(file), int(index)
    steps = index % 4
    counts = [s % 3 for s in range(steps)]
    return example(
        {
            "name": [f"{file}:{index}".encode()],
            "pair": [float(file), float(index)],
            "sequence_length": steps,
            "steps": [index * 10 + s for s in range(steps)],
            "vectors": [float(index * 10 + s) for s in range(2 * steps)],
            "several": [f"{index}-{s}-{v}".encode() for s, n in enumerate(counts) for v in range(n)],
            "counts": counts,
        }
    ).SerializeToString()


def write(folder, sizes):
    """Files of so many records; every second one is gzipped."""
    return [
        str(write_records(folder / f"f{i}{'.gz' if i % 2 else ''}", [record(i, j) for j in range(size)]))
        for i, size in enumerate(sizes)
    ]


def rows_of(store):
    """Names of the records of a store."""
    records = store.records.numpy().tolist()
    assert len(store.numbers) == len(records)
    names = [tf.train.Example.FromString(r).features.feature["name"].bytes_list.value[0].decode() for r in records]
    assert records == [record(*name.split(":")) for name in names]
    return names
