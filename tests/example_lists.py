"""ExampleListWithContext for tests, from plain dicts; a spec of them, and lists for it."""

from __future__ import annotations

import tensorflow as tf
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from tests.records import example, sequence_example
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


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


SPEC = SequenceSpec.model_validate(
    {
        "name": "lists",
        "record": "ELWC",
        "context": {
            "query": {"type": "categorical"},
            "place": {"type": "numeric", "shape": [2]},
            "words": {"type": "categorical", "multi_valued": True},
        },
        "sequence": {
            "cuisine": {"type": "categorical"},
            "seats": {"type": "numeric", "dtype": "int64"},
            "tags": {"type": "categorical", "multi_valued": True},
        },
        "label": {"key": "relevance", "per_step": True, "dtype": "int64"},
        "model": {"units": [4]},
    }
)


def lists(number=12):
    """Context and items of lists of one to four items; some features are missing."""
    made = []
    for i in range(number):
        context = {"query": f"q{i % 3}", "place": [float(i), -1.0], "words": ["near", "me"][: i % 3]}
        items = [
            {
                "cuisine": ["Pizzeria", "Taqueria"][(i + n) % 2],
                "tags": ["new", "cheap"][: (n + 1) % 3],
                "relevance": (i + n) % 3,
                **({"seats": 10 * n} if n % 2 == 0 else {}),
            }
            for n in range(1 + i % 4)
        ]
        made.append((context, items))
    return made


def exported_lists(folder):
    """The folder of the exported model of the spec, not trained."""
    # They take seconds to import, and most tests need only records.
    from tests.everything import analyzed, exported

    records = [
        (
            context,
            {key: [item.get(key) for item in items] for key in ("cuisine", "seats", "tags", "relevance")},
        )
        for context, items in lists()
    ]
    return exported(analyzed(SPEC, records, folder), folder / "1")[1]
