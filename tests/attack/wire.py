"""The wire format of protocol buffers as a tree that can be changed anywhere, also into what no library would write."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

VARINT, FIXED64, BYTES, GROUP, END_GROUP, FIXED32 = range(6)

# By type of message, the messages among its fields. Everything else is a leaf.
_FEATURE = {number: {} for number in (1, 2, 3)}
_FEATURES = {1: {2: _FEATURE}}
SEQUENCE_EXAMPLE = {1: _FEATURES, 2: {1: {2: {1: _FEATURE}}}}
EXAMPLE = {1: _FEATURES}

Kind = dict[int, Any]


class Message:
    """A message: its fields in their order, `[number, wire type, value]`; of a message the value is a `Message`."""

    def __init__(self, kind: Kind, fields: list[list[Any]] | None = None) -> None:
        self.kind = kind
        self.fields = [] if fields is None else fields

    def messages(self) -> Iterator[Message]:
        """This message and all within it."""
        yield self
        for _, _, value in self.fields:
            if isinstance(value, Message):
                yield from value.messages()

    def features(self) -> list[Message]:
        """All messages of type `Feature`."""
        return [message for message in self.messages() if message.kind is _FEATURE]

    def entries(self) -> list[Message]:
        """All entries of maps: a key and a value."""
        return [m for m in self.messages() if set(m.kind) == {2} and m.kind is not SEQUENCE_EXAMPLE]

    def lists(self) -> list[Message]:
        """All messages that hold values."""
        return [message for message in self.messages() if message.kind == {}]

    def serialized(self) -> bytes:
        """The bytes."""
        parts = []
        for number, wire, value in self.fields:
            if wire == BYTES:
                content = value.serialized() if isinstance(value, Message) else value
                parts += [varint(number << 3 | BYTES), varint(len(content)), content]
            elif wire == VARINT:
                parts += [varint(number << 3), varint(value)]
            else:
                parts += [varint(number << 3 | wire), value]
        return b"".join(parts)


def parsed(data: bytes, kind: Kind) -> Message:
    """The tree of a record that a library wrote."""
    message, at = Message(kind), 0
    while at < len(data):
        tag, at = _read(data, at)
        number, wire = tag >> 3, tag & 7
        value: Any
        if wire == VARINT:
            value, at = _read(data, at)
        elif wire == BYTES:
            length, at = _read(data, at)
            value, at = data[at : at + length], at + length
            if number in kind:
                value = parsed(value, kind[number])
        else:
            size = {FIXED64: 8, FIXED32: 4}[wire]
            value, at = data[at : at + size], at + size
        message.fields.append([number, wire, value])
    return message


def varint(value: int, size: int = 0) -> bytes:
    """An integer of 64 bits; with `size` in more bytes than it needs."""
    value &= (1 << 64) - 1
    found = bytearray()
    while value > 0x7F or len(found) + 1 < size:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def _read(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
