"""ExampleListWithContext for tests, from plain dicts."""

from __future__ import annotations

import tensorflow as tf
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from tests.records import example, sequence_example


def _message():
    """The message by its field numbers, in which TensorFlow Ranking and Serving agree."""
    # TensorFlow's own messages get into the pool when they are used.
    example_file = tf.train.Example.DESCRIPTOR.file.name
    file = descriptor_pb2.FileDescriptorProto(name="tests/elwc.proto", package="tests", syntax="proto3")
    file.dependency.append(example_file)
    lists = file.message_type.add(name="ExampleListWithContext")
    for number, (name, label) in enumerate((("examples", 3), ("context", 1)), 1):
        lists.field.add(name=name, number=number, label=label, type=11, type_name=".tensorflow.Example")
    pool = descriptor_pool.Default()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("tests.ExampleListWithContext"))


ExampleListWithContext = _message()


def example_list(context, items):
    """A list of items with what they share, None for no context at all; each a dict of features."""
    message = ExampleListWithContext()
    if context is not None:
        message.context.CopyFrom(example(context))
    for item in items:
        message.examples.add().CopyFrom(example(item))
    return message


def as_steps(context, items):
    """The SequenceExample that it stands for."""
    keys = {key for item in items for key in item}
    return sequence_example(context or {}, {key: [item.get(key) for item in items] for key in keys})
