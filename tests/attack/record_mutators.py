"""Mutators of serialized records: each makes one kind of damage at a random place.

Half of them change bytes without regard for their meaning; the others know the structure of `tf.Example` and
`tf.SequenceExample`, and make records that some library could have written, or that only an attacker would write.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from tests.attack.wire import BYTES, END_GROUP, EXAMPLE, FIXED32, FIXED64, GROUP, VARINT, Kind, Message, parsed, varint

Mutator = Callable[[bytes, Kind, np.random.Generator], bytes]
MUTATORS: dict[str, Mutator] = {}

_KINDS = (1, 2, 3)


def _bytes(change: Callable[[bytes, np.random.Generator], bytes]) -> None:
    MUTATORS[change.__name__] = lambda record, kind, random: change(record, random)


def _tree(change: Callable[[Message, np.random.Generator], None]) -> None:
    def mutator(record: bytes, kind: Kind, random: np.random.Generator) -> bytes:
        message = parsed(record, kind)
        change(message, random)
        return message.serialized()

    MUTATORS[change.__name__] = mutator


def mutated(record: bytes, kind: Kind, random: np.random.Generator) -> tuple[str, bytes]:
    """A record with one kind of damage, and the name of the mutator."""
    name = list(MUTATORS)[int(random.integers(len(MUTATORS)))]
    return name, MUTATORS[name](record, kind, random)


def _place(record: bytes, random: np.random.Generator) -> int:
    return int(random.integers(len(record) + 1))


def _range(record: bytes, random: np.random.Generator, most: int = 40) -> tuple[int, int]:
    at = _place(record, random)
    return at, min(len(record), at + int(random.integers(1, most)))


def _one(things: list, random: np.random.Generator):
    return things[int(random.integers(len(things)))] if things else None


@_bytes
def flipped_bits(record, random):
    changed = bytearray(record)
    for _ in range(int(random.integers(1, 4))):
        changed[int(random.integers(len(changed)))] ^= 1 << int(random.integers(8))
    return bytes(changed)


@_bytes
def other_byte(record, random):
    changed = bytearray(record)
    changed[int(random.integers(len(changed)))] = int(random.choice([0, 1, 8, 10, 127, 128, 255]))
    return bytes(changed)


@_bytes
def cut_at_the_end(record, random):
    return record[: _place(record, random)]


@_bytes
def cut_at_the_beginning(record, random):
    return record[_place(record, random) :]


@_bytes
def cut_in_the_middle(record, random):
    begin, end = _range(record, random)
    return record[:begin] + record[end:]


@_bytes
def inserted_bytes(record, random):
    at = _place(record, random)
    return record[:at] + random.bytes(int(random.integers(1, 20))) + record[at:]


@_bytes
def inserted_zeros(record, random):
    at = _place(record, random)
    return record[:at] + bytes(int(random.integers(1, 20))) + record[at:]


@_bytes
def repeated_part(record, random):
    begin, end = _range(record, random)
    return record[:end] + record[begin:end] + record[end:]


@_bytes
def exchanged_parts(record, random):
    a, b, c = sorted(_place(record, random) for _ in range(3))
    return record[:a] + record[b:c] + record[a:b] + record[c:]


@_bytes
def bytes_at_the_end(record, random):
    return record + random.bytes(int(random.integers(1, 30)))


@_bytes
def record_twice(record, random):
    return record + record


@_bytes
def nothing(record, random):
    return b""


@_bytes
def field_without_content(record, random):
    number, length = int(random.integers(1, 4)), int(random.integers(1, 120))
    return bytes([number << 3 | BYTES, length]) + random.bytes(int(random.integers(length)))


@_bytes
def random_bytes(record, random):
    return random.bytes(int(random.integers(1, 200)))


@_bytes
def other_content(record, random):
    other = tf.make_tensor_proto(np.arange(6, dtype=np.float32)).SerializeToString()
    text, packed = b'{"instances": [1.0, 2.0]}', zlib.compress(record)
    lists = Message({}, [[1, BYTES, record], [1, BYTES, record], [2, BYTES, b""]]).serialized()
    return _one([other, text, packed, lists, b"\x00" * 30, b"\xff" * 30], random)


def _lengths(change: Callable[[int, np.random.Generator], bytes]) -> None:
    """Replaces the length of one of the outermost fields, or of the fields in them."""

    def mutator(record: bytes, kind: Kind, random: np.random.Generator) -> bytes:
        message = parsed(record, kind)
        holder = _one([m for m in message.messages() if any(wire == BYTES for _, wire, _ in m.fields)], random)
        if holder is None:
            return record
        at = int(random.choice([i for i, (_, wire, _) in enumerate(holder.fields) if wire == BYTES]))
        number, _, value = holder.fields[at]
        content = value.serialized() if isinstance(value, Message) else value
        holder.fields[at] = [number, _RAW, varint(number << 3 | BYTES) + change(len(content), random) + content]
        return _serialized_raw(message)

    MUTATORS[change.__name__] = mutator


_RAW = 6


def _serialized_raw(message: Message) -> bytes:
    parts = []
    for number, wire, value in message.fields:
        if wire == _RAW:
            parts.append(value)
        elif isinstance(value, Message):
            content = _serialized_raw(value)
            parts += [varint(number << 3 | BYTES), varint(len(content)), content]
        else:
            parts.append(Message({}, [[number, wire, value]]).serialized())
    return b"".join(parts)


@_lengths
def length_too_great(length, random):
    return varint(length + int(random.integers(1, 300)))


@_lengths
def length_too_small(length, random):
    return varint(max(0, length - int(random.integers(1, 30))))


@_lengths
def negative_length(length, random):
    return varint(-int(random.integers(1, 1 << 40)))


@_lengths
def huge_length(length, random):
    return varint(int(random.choice([1 << 31, (1 << 31) - 1, 1 << 32, 1 << 62, (1 << 63) - 1])))


@_lengths
def length_in_more_bytes(length, random):
    return varint(length, size=int(random.integers(2, 11)))


@_lengths
def endless_length(length, random):
    return b"\xff" * int(random.integers(10, 30))


@_tree
def missing_field(message, random):
    holder = _one([m for m in message.messages() if m.fields], random)
    if holder is not None:
        del holder.fields[int(random.integers(len(holder.fields)))]


@_tree
def field_twice(message, random):
    holder = _one([m for m in message.messages() if m.fields], random)
    if holder is not None:
        holder.fields.insert(int(random.integers(len(holder.fields) + 1)), _one(holder.fields, random))


@_tree
def list_twice(message, random):
    feature = _one([f for f in message.features() if f.fields], random)
    if feature is not None:
        feature.fields.append(feature.fields[0])


@_tree
def two_kinds(message, random):
    feature = _one(message.features(), random)
    if feature is not None:
        content = Message({}, [[1, BYTES, random.bytes(4 * int(random.integers(3)))]])
        feature.fields.insert(int(random.integers(2)), [int(random.choice(_KINDS)), BYTES, content])


@_tree
def fields_in_other_order(message, random):
    for holder in message.messages():
        holder.fields[:] = [holder.fields[i] for i in random.permutation(len(holder.fields))]


@_tree
def unknown_field(message, random):
    holder = _one(list(message.messages()), random)
    number = int(random.choice([4, 5, 15, 16, 1000, (1 << 29) - 1]))
    field = _one(
        [
            [number, VARINT, int(random.integers(1 << 62))],
            [number, FIXED64, random.bytes(8)],
            [number, FIXED32, random.bytes(4)],
            [number, BYTES, random.bytes(int(random.integers(20)))],
        ],
        random,
    )
    holder.fields.insert(int(random.integers(len(holder.fields) + 1)), field)


@_tree
def deep_groups(message, random):
    depth = int(random.choice([1, 5, 99, 101, 500]))
    opened, closed = varint(9 << 3 | GROUP) * depth, varint(9 << 3 | END_GROUP) * int(depth - random.integers(2))
    holder = _one(list(message.messages()), random)
    holder.fields.append([9, GROUP, (opened + closed)[1:]])


@_tree
def end_of_a_group(message, random):
    _one(list(message.messages()), random).fields.append([int(random.integers(1, 9)), END_GROUP, b""])


@_tree
def number_zero(message, random):
    _one(list(message.messages()), random).fields.append([0, VARINT, 1])


@_tree
def other_wire_type(message, random):
    holder = _one([m for m in message.messages() if m.fields], random)
    if holder is not None:
        field = _one(holder.fields, random)
        field[1:] = _one([[VARINT, 7], [FIXED32, random.bytes(4)], [FIXED64, random.bytes(8)], [7, b""]], random)


@_tree
def numbers_that_are_not_finite(message, random):
    feature = _one([f for f in message.features() if f.fields and f.fields[0][0] == 2], random)
    if feature is not None:
        odd = [np.nan, np.inf, -np.inf, 3e38, -0.0, 1e-45]
        feature.fields[:] = [[2, BYTES, struct.pack(f"<{(n := int(random.integers(1, 4)))}f", *random.choice(odd, n))]]
        feature.fields[0][2] = Message({}, [[1, BYTES, feature.fields[0][2]]])


@_tree
def extreme_integers(message, random):
    feature = _one([f for f in message.features() if f.fields and f.fields[0][0] == 3], random)
    if feature is not None:
        odd = [-(1 << 63), (1 << 63) - 1, -1, 1 << 40, 0]
        content = b"".join(varint(int(random.choice(odd))) for _ in range(int(random.integers(1, 4))))
        feature.fields[:] = [[3, BYTES, Message({}, [[1, BYTES, content]])]]


@_tree
def bytes_that_are_not_text(message, random):
    values = _one([f[2] for m in message.features() for f in m.fields if f[0] == 1], random)
    if values is not None:
        values.fields[:] = [[1, BYTES, _one([b"\xff\xfe", b"\xc3", b"a\x00b", b"\xed\xa0\x80", b"x" * 5000], random)]]


@_tree
def key_that_is_not_text(message, random):
    entry = _one(message.entries(), random)
    if entry is not None:
        entry.fields[:] = [[1, BYTES, b"\xff\xc3"], *(field for field in entry.fields if field[0] != 1)]


@_tree
def other_key(message, random):
    entry = _one(message.entries(), random)
    if entry is not None:
        keys = [field[2] for other in message.entries() for field in other.fields if field[0] == 1]
        keys += [b"", b"x" * 3000]
        entry.fields[:] = [[1, BYTES, _one(keys, random)], *(field for field in entry.fields if field[0] != 1)]


@_tree
def other_kind_of_values(message, random):
    feature = _one([f for f in message.features() if f.fields], random)
    if feature is not None:
        feature.fields[0][0] = int(random.choice(_KINDS))


@_tree
def values_not_packed(message, random):
    for feature in message.features():
        for number, _, values in feature.fields:
            if number in (2, 3) and isinstance(values, Message) and values.fields:
                values.fields[:] = _unpacked(number, b"".join(content for _, _, content in values.fields))


@_tree
def values_partly_packed(message, random):
    feature = _one([f for f in message.features() if f.fields and f.fields[0][0] == 2], random)
    if feature is not None:
        feature.fields[0][2].fields.append([1, FIXED32, struct.pack("<f", 0.25)])


@_tree
def values_in_parts(message, random):
    for feature in message.features():
        values = feature.fields[0][2] if feature.fields and feature.fields[0][0] == 2 else None
        if values is not None and values.fields and len(values.fields[0][2]) > 4:
            content = values.fields[0][2]
            values.fields[:] = [[1, BYTES, content[:4]], [1, BYTES, content[4:]]]


@_tree
def empty_list(message, random):
    feature = _one(message.features(), random)
    if feature is not None:
        feature.fields[:] = [[int(random.choice(_KINDS)), BYTES, Message({})]]


@_tree
def no_list(message, random):
    feature = _one(message.features(), random)
    if feature is not None:
        feature.fields.clear()


@_tree
def more_values(message, random):
    values = _one(message.lists(), random)
    if values is not None and values.fields:
        values.fields.append(values.fields[0])


@_tree
def fewer_values(message, random):
    values = _one([m for m in message.lists() if m.fields and m.fields[0][1] == BYTES], random)
    if values is not None:
        values.fields[0][2] = values.fields[0][2][: int(random.integers(len(values.fields[0][2]) + 1))]


@_tree
def other_number_of_steps(message, random):
    steps = _one([m for m in message.messages() if set(m.kind) == {1} and m.kind is not EXAMPLE], random)
    if steps is not None and steps.fields:
        if random.integers(2):
            del steps.fields[int(random.integers(len(steps.fields))) :]
        else:
            steps.fields.extend(steps.fields[: int(random.integers(1, 5))])


def of_the_other_type(record: bytes, kind: Kind, random: np.random.Generator) -> bytes:
    if kind is EXAMPLE:
        message = tf.train.SequenceExample(context=tf.train.Example.FromString(record).features)
        message.feature_lists.feature_list["steps"].feature.add().float_list.value.append(1.0)
        return message.SerializeToString()
    message = tf.train.SequenceExample.FromString(record)
    flat = tf.train.Example(features=message.context)
    for key, steps in message.feature_lists.feature_list.items():
        for step in steps.feature:
            flat.features.feature[key].MergeFrom(step)
    return flat.SerializeToString()


MUTATORS["of_the_other_type"] = of_the_other_type


def _unpacked(number: int, content: bytes) -> list[list]:
    if number == 2:
        return [[1, FIXED32, content[at : at + 4]] for at in range(0, len(content), 4)]
    found, value, shift = [], 0, 0
    for byte in content:
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            found.append([1, VARINT, value])
            value = shift = 0
    return found
