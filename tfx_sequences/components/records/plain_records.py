"""The types `tf.SequenceExample` and `tf.Example` with plain lists of entries in place of their maps.

Parsed as a map, entries with the same key become one; in TensorFlow's ops, they do not. As a list, a record is the same
everywhere: in Python, and in the op `decode_proto`, which takes the description of the type from `descriptor_source`.
"""

from __future__ import annotations

import functools
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_PACKAGE = "plain_records"
SEQUENCE_EXAMPLE = f"{_PACKAGE}.SequenceExample"
"""The name of the type; a tf.Example parses as one without feature lists."""


@functools.cache
def plain_record() -> Any:
    """The class of messages of type `SEQUENCE_EXAMPLE`.

    >>> record = plain_record()()
    >>> record.context.feature.add(key="x").value.float_list.value.append(1.0)
    >>> len(record.SerializeToString())
    17
    """
    pool = descriptor_pool.DescriptorPool()
    for file in _files().file:
        pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(SEQUENCE_EXAMPLE))


def descriptor_source() -> bytes:
    """The types, as `decode_proto` takes them."""
    return b"bytes://" + _files().SerializeToString()


def _files() -> descriptor_pb2.FileDescriptorSet:
    from tensorflow.core.example import example_pb2, feature_pb2

    found = descriptor_pb2.FileDescriptorSet()
    for module in (feature_pb2, example_pb2):
        original, plain = descriptor_pb2.FileDescriptorProto(), found.file.add()
        module.DESCRIPTOR.CopyToProto(original)
        plain.name = f"{_PACKAGE}/{original.name}"
        plain.package, plain.syntax = _PACKAGE, original.syntax
        plain.dependency.extend(f"{_PACKAGE}/{name}" for name in original.dependency)
        plain.message_type.extend(original.message_type)
        for message in plain.message_type:
            for part in (message, *message.nested_type):
                part.ClearField("options")  # which say that entries are those of a map
                for field in (field for field in part.field if field.type_name):
                    field.type_name = field.type_name.replace(".tensorflow.", f".{_PACKAGE}.")
    return found
