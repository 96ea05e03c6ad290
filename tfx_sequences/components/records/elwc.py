"""ExampleListWithContext as SequenceExample: the items are the steps.

An ExampleListWithContext (TensorFlow Ranking, TensorFlow Serving) is a list of tf.Example, its field 1, and one more
for what they share, field 2. Each feature of the items becomes a feature list with one step per item, empty where an
item does not have the feature; the features of the shared Example are the context. Only the framing of protocol
buffers is read: values are copied as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_Message = bytes | memoryview
_LENGTH_DELIMITED = 2
_ITEMS, _CONTEXT = 1, 2
# The fields of an entry of a map.
_KEY, _VALUE = 1, 2


def is_example_list(record: bytes) -> bool | None:
    """Whether a record is an ExampleListWithContext; None for a record that has no features, which may be of any kind.

    Every kind of record begins with a map from keys to values. In a SequenceExample or an Example an entry of it
    stands where an ExampleListWithContext has a whole map, which has keys and no values.

    >>> is_example_list(b"") is None, is_example_list(b"no protocol buffer")
    (True, False)
    """
    try:
        # Views, because to look at a record must not copy what it holds.
        for number, features in _fields(memoryview(record)):
            if number not in (_ITEMS, _CONTEXT):
                return False
            found = _is_example(features)
            if found is not None:
                return found
    except ValueError:
        return False
    return None


def as_sequence_example(record: bytes) -> bytes:
    """A serialized SequenceExample of an ExampleListWithContext; any other record as it is.

    Raises:
        ValueError: The record is broken.
    """
    if not is_example_list(record):
        return record
    context = b""
    items: list[dict[Any, Any]] = []
    for number, message in _fields(record):
        features = b"".join(part for field, part in _fields(message) if field == 1)
        if number == _ITEMS:
            items.append(dict(_entries(features)))
        elif number == _CONTEXT:
            # Parts of one message, one after the other, are the message.
            context += features
    keys = sorted({key for item in items for key in item})
    lists = b""
    for key in keys:
        steps = b"".join(_field(1, item.get(key, b"")) for item in items)
        lists += _field(1, _field(_KEY, key) + _field(_VALUE, steps))
    return _field(1, context) + _field(2, lists)


def _is_example(message: _Message) -> bool | None:
    """Whether a message is an Example, and not the map of a SequenceExample; None if it is empty."""
    for number, inner in _fields(message):
        if number != 1:
            return False
        numbers = [field for field, _ in _fields(inner)]
        if numbers:
            return _VALUE not in numbers and bool(list(_entries(inner)))
    return None


def _entries(features: _Message) -> Iterator[tuple[_Message, _Message]]:
    """Key and serialized value of each feature; of a key that occurs twice the last one counts."""
    for number, entry in _fields(features):
        if number != 1:
            raise ValueError("a map has entries only")
        fields = dict(_fields(entry))
        if not fields.keys() <= {_KEY, _VALUE}:
            raise ValueError("an entry has a key and a value")
        yield fields.get(_KEY, b""), fields.get(_VALUE, b"")


def _fields(message: _Message) -> Iterator[tuple[int, Any]]:
    """Number and content of each field of a message that holds strings and messages only."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        if tag & 7 != _LENGTH_DELIMITED or not tag >> 3:
            raise ValueError("a field that is neither a string nor a message")
        length, at = _varint(message, at)
        if at + length > len(message):
            raise ValueError("a field that is cut off")
        yield tag >> 3, message[at : at + length]
        at += length


def _varint(message: _Message, at: int) -> tuple[int, int]:
    """A whole number, and where what follows it begins."""
    value = shift = 0
    while at < len(message):
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise ValueError("a number that is cut off")


def _field(number: int, content: bytes) -> bytes:
    """A field as it is serialized."""
    length, size = bytearray(), len(content)
    while size > 0x7F:
        length.append(size & 0x7F | 0x80)
        size >>= 7
    length.append(size)
    return bytes([number << 3 | _LENGTH_DELIMITED]) + bytes(length) + content
