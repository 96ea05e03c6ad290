"""Converts an ExampleListWithContext to a SequenceExample: items become steps.

An ExampleListWithContext (TensorFlow Ranking, TensorFlow Serving) contains a list of tf.Example (field 1), and one more
tf.Example for their common features (field 2). Each feature of the items becomes a feature list with one step per item,
empty if an item does not have the feature; the features of the common Example become the context. Only the framing of
protocol buffers is parsed; values are copied unchanged.
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
    """Whether a record is an ExampleListWithContext; None for a record without features (any type).

    Every type of record starts with a map from keys to values. In a SequenceExample or an Example, the field contains
    an entry of this map; in an ExampleListWithContext, the same field contains a whole map, without keys and values.

    >>> is_example_list(b"") is None, is_example_list(b"no protocol buffer")
    (True, False)
    """
    try:
        # Views, so that checking a record does not copy its content.
        for number, features in fields_of(memoryview(record)):
            if number not in (_ITEMS, _CONTEXT):
                return False
            found = _is_example(features)
            if found is not None:
                return found
    except ValueError:
        return False
    return None


def as_sequence_example(record: bytes, items_key: str = "") -> bytes:
    """Converts a serialized ExampleListWithContext to a SequenceExample; other records are returned unchanged.

    Args:
        record: The record.
        items_key: A feature that always gets a step per item, see `key_of_items`. Otherwise a feature list that none of
            the items has is absent, and if none of them has any feature, the number of items is lost.

    Raises:
        ValueError: The record is corrupt.
    """
    is_list = is_example_list(record)
    if not is_list and (is_list is not None or not items_key):
        return record
    context = b""
    items: list[dict[Any, Any]] = []
    for number, message in fields_of(record):
        features = b"".join(part for field, part in fields_of(message) if field == 1)
        if number == _ITEMS:
            items.append(dict(_entries(features)))
        elif number == _CONTEXT:
            # Concatenated parts of a message are the message.
            context += features
    keys = sorted({key for item in items for key in item} | ({items_key.encode()} if items_key else set()))
    lists = b""
    for key in keys:
        steps = b"".join(_field(1, item.get(key, b"")) for item in items)
        lists += _field(1, _field(_KEY, key) + _field(_VALUE, steps))
    return _field(1, context) + _field(2, lists)


def stored_record(record: bytes, items_key: str = "") -> bytes:
    """`as_sequence_example` of a record of a file. What is corrupt comes as bytes that nothing parses, and is named.

    >>> stored_record(b"no protocol buffer")
    b'no protocol buffer'
    """
    try:
        return as_sequence_example(record, items_key)
    except ValueError:
        # No field begins with this byte. The record itself could be read as one without features.
        return b"\xff" + record


def _is_example(message: _Message) -> bool | None:
    """Whether a message is an Example, and not the map of a SequenceExample; None if it is empty."""
    for number, inner in fields_of(message):
        if number != 1:
            return False
        numbers = [field for field, _ in fields_of(inner)]
        if numbers:
            return _VALUE not in numbers and bool(list(_entries(inner)))
    return None


def _entries(features: _Message) -> Iterator[tuple[_Message, _Message]]:
    """Key and serialized value of each feature; for a repeated key, the last one counts."""
    for number, entry in fields_of(features):
        if number != 1:
            raise ValueError("a map must only contain entries")
        fields = dict(fields_of(entry))
        if not fields.keys() <= {_KEY, _VALUE}:
            raise ValueError("an entry must only contain a key and a value")
        yield fields.get(_KEY, b""), fields.get(_VALUE, b"")


def fields_of(message: _Message) -> Iterator[tuple[int, Any]]:
    """Number and content of each field, in a message that only contains strings and messages.

    Raises:
        ValueError: The message is corrupt, or contains something else.
    """
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        if tag & 7 != _LENGTH_DELIMITED or not tag >> 3:
            raise ValueError("a field is neither a string nor a message")
        length, at = _varint(message, at)
        if at + length > len(message):
            raise ValueError("a field is truncated")
        yield tag >> 3, message[at : at + length]
        at += length


def _varint(message: _Message, at: int) -> tuple[int, int]:
    """An integer, and the position after it."""
    value = shift = 0
    while at < len(message):
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise ValueError("a number is truncated")


def _field(number: int, content: bytes) -> bytes:
    """Serializes a field."""
    length, size = bytearray(), len(content)
    while size > 0x7F:
        length.append(size & 0x7F | 0x80)
        size >>= 7
    length.append(size)
    return bytes([number << 3 | _LENGTH_DELIMITED]) + bytes(length) + content
