"""The plain type reads and writes what the library's own type does, entries with the same key apart."""

import tensorflow as tf

from tests.records import example, sequence_example
from tfx_sequences.components.records.plain_records import SEQUENCE_EXAMPLE, descriptor_source, plain_record


def test_records_are_written_as_they_were():
    record = sequence_example({"a": [1.0, 2.0], "b": "x"}, {"s": [[1], [], [2, 3]]}).SerializeToString()
    message = plain_record().FromString(record)
    assert message.SerializeToString() == record
    assert sorted(entry.key for entry in message.context.feature) == ["a", "b"]
    assert [list(step.int64_list.value) for step in message.feature_lists.feature_list[0].value.feature] == [
        [1],
        [],
        [2, 3],
    ]
    flat = example({"a": [1.0], "b": ["x", "y"]}).SerializeToString()
    assert plain_record().FromString(flat).SerializeToString() == flat


def test_entries_with_the_same_key_are_kept():
    record = sequence_example({"a": 1.0}).SerializeToString()
    # Concatenated records are one with the entries of both.
    assert plain_record().FromString(record + record).ByteSize() > len(record)
    assert tf.train.SequenceExample.FromString(record + record).ByteSize() == len(record)


def test_the_op_reads_it():
    record = sequence_example({"a": 1.0}).SerializeToString()
    _, [context] = tf.io.decode_proto(
        [record], SEQUENCE_EXAMPLE, ["context"], [tf.string], descriptor_source=descriptor_source(), sanitize=True
    )
    assert context.numpy()[0, 0] == tf.train.SequenceExample.FromString(record).context.SerializeToString()
