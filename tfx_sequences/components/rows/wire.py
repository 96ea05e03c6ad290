"""Serialized SequenceExamples and Examples from columns, without a protocol buffer object per record.

A message is its fields one after another, and each field is a tag, a length and its content. So a batch of records is
built from the inside out: Arrow joins headers and contents element by element, and consecutive elements become one
by leaving out the offsets between them, which copies nothing.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

Dtype = Literal["string", "int64", "float32"]

# The field of a Feature for each dtype: tag bytes of bytes_list, float_list and int64_list.
_KIND_TAG: dict[str, bytes] = {"string": b"\x0a", "float32": b"\x12", "int64": b"\x1a"}
_FIRST, _SECOND = b"\x0a", b"\x12"
# Headers by length are looked up in a table up to this length.
_TABLE = 1 << 12


def varint(number: int) -> bytes:
    """A number as protocol buffers store it: seven bits a byte, the lowest first.

    >>> varint(1), varint(300)
    (b'\\x01', b'\\xac\\x02')
    """
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)


def value_feature(value: bytes | int) -> bytes:
    """A serialized Feature with one value.

    >>> value_feature(b"u7"), value_feature(1)
    (b'\\n\\x04\\n\\x02u7', b'\\x1a\\x03\\n\\x01\\x01')
    """
    if isinstance(value, bytes):
        inner = _FIRST + varint(len(value)) + value
        return _KIND_TAG["string"] + varint(len(inner)) + inner
    packed = varint(value & 0xFFFF_FFFF_FFFF_FFFF)
    inner = _FIRST + varint(len(packed)) + packed
    return _KIND_TAG["int64"] + varint(len(inner)) + inner


def offsets_of(array: pa.Array) -> np.ndarray:
    """The offsets of a binary (or list) array, int32 `[N + 1]`."""
    return np.frombuffer(array.buffers()[1], np.int32)[array.offset : array.offset + len(array) + 1]


def merged(array: pa.Array, ends: np.ndarray) -> pa.Array:
    """Joins consecutive elements of a binary array.

    Args:
        array: Elements, without nulls.
        ends: int `[M + 1]`: element `k` of the result is made of the elements from `ends[k]` to `ends[k + 1]`.

    >>> merged(pa.array([b"a", b"b", b"c"]), np.array([0, 2, 2, 3])).to_pylist()
    [b'ab', b'', b'c']
    """
    return _binary(array.buffers()[2], offsets_of(array)[ends])


def _binary(data: pa.Buffer | None, offsets: np.ndarray) -> pa.Array:
    buffer = pa.py_buffer(np.ascontiguousarray(offsets, np.int32))
    return pa.BinaryArray.from_buffers(pa.binary(), len(offsets) - 1, [None, buffer, data or pa.py_buffer(b"")])


def _joined(*parts: pa.Array | bytes) -> pa.Array:
    scalars = [pa.scalar(part, pa.binary()) if isinstance(part, bytes) else part for part in parts]
    return pc.binary_join_element_wise(*scalars, pa.scalar(b"", pa.binary()))


def _by_length(lengths: np.ndarray, header: Callable[[int], bytes]) -> pa.Array:
    """`header(length)` for each length, binary `[N]`."""
    greatest = int(lengths.max(initial=0))
    if greatest < _TABLE:
        return _table(header, 1 << max(greatest, 1).bit_length()).take(pa.array(lengths))
    different, which = np.unique(lengths, return_inverse=True)
    return pa.array([header(int(length)) for length in different], pa.binary()).take(pa.array(which))


@functools.lru_cache(maxsize=256)
def _table(header: Callable[[int], bytes], size: int) -> pa.Array:
    return pa.array([header(length) for length in range(size)], pa.binary())


@functools.cache
def _tagged(*tags: bytes) -> Callable[[int], bytes]:
    """The header of nested messages, outermost tag first, by the length of the innermost content."""

    def header(length: int) -> bytes:
        found = b""
        for tag in reversed(tags):
            found = tag + varint(length + len(found)) + found
        return found

    return header


@functools.cache
def _of_feature(dtype: str, *outer: bytes) -> Callable[[int], bytes]:
    """As `_tagged` for a Feature in `outer` tags, whose content are values; without values the Feature is empty."""
    there = _tagged(*outer, _KIND_TAG[dtype]) if dtype == "string" else _tagged(*outer, _KIND_TAG[dtype], _FIRST)

    def header(length: int) -> bytes:
        return there(length) if length else _tagged(*outer)(0)

    return header


def contents(values: pa.Array, dtype: Dtype) -> pa.Array:
    """Each value as it stands in a list of values, binary `[N]`; nothing for a null.

    Args:
        values: Binary, int64 or float32 `[N]`.
        dtype: Which of these.
    """
    there = np.ones(len(values), bool) if not values.null_count else values.is_valid().to_numpy(zero_copy_only=False)
    if dtype == "string":
        filled = values.fill_null(b"") if values.null_count else values
        lengths = np.diff(offsets_of(filled))
        joined = _joined(_by_length(lengths, _tagged(_FIRST)), filled)
        return joined if there.all() else pc.if_else(pa.array(there), joined, pa.scalar(b"", pa.binary()))
    if dtype == "float32":
        numbers = values.fill_null(0).to_numpy()[there]
        return _binary(pa.py_buffer(np.ascontiguousarray(numbers, "<f4")), _ends(there * 4))
    data, lengths = _varints(values.fill_null(0).to_numpy()[there])
    sizes = np.zeros(len(there), np.int64)
    sizes[there] = lengths
    return _binary(pa.py_buffer(data), _ends(sizes))


def _ends(lengths: np.ndarray) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])


def _varints(numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All varints of int64 `[N]`, one after another, and the length of each."""
    unsigned = np.ascontiguousarray(numbers, np.int64).view(np.uint64)
    lengths = np.ones(len(unsigned), np.int64)
    for place in range(1, 10):
        lengths += unsigned >= np.uint64(1 << 7 * place)
    places = np.arange(lengths.max(initial=1))
    groups = (unsigned[:, None] >> (7 * places).astype(np.uint64)) & np.uint64(0x7F)
    packed = groups.astype(np.uint8) | ((places < lengths[:, None] - 1).astype(np.uint8) << 7)
    return packed[places < lengths[:, None]], lengths


def context_entry(key: str, dtype: Dtype, values: pa.Array) -> pa.Array:
    """The entry of a context feature in each record, binary `[R]`: empty for a record without values.

    Args:
        key: The key of the feature.
        dtype: Its dtype.
        values: From `contents`, merged by record: binary `[R]`.
    """
    lengths = np.diff(offsets_of(values))
    feature = _joined(_by_length(lengths, _of_feature(dtype, _SECOND)), values)
    entry = _entry(key, feature)
    return entry if lengths.all() else pc.if_else(pa.array(lengths > 0), entry, pa.scalar(b"", pa.binary()))


def list_entry(key: str, dtype: Dtype, values: pa.Array, ends: np.ndarray) -> pa.Array:
    """The entry of a feature list in each record, binary `[R]`.

    Args:
        key: The key of the feature.
        dtype: Its dtype.
        values: From `contents`, merged by step: binary `[T]`, the steps of all records.
        ends: int `[R + 1]`: where the steps of each record begin and end.
    """
    lengths = np.diff(offsets_of(values))
    steps = merged(_joined(_by_length(lengths, _of_feature(dtype, _FIRST)), values), ends)
    return _entry(key, _joined(_by_length(np.diff(offsets_of(steps)), _tagged(_SECOND)), steps))


def _entry(key: str, value: pa.Array) -> pa.Array:
    """A map's entry: the key, and the value, which has its tag already."""
    name = key.encode()
    stored = _FIRST + varint(len(name)) + name
    lengths = np.diff(offsets_of(value)) + len(stored)
    return _joined(_by_length(lengths, _tagged(_FIRST)), stored, value)


def sequence_examples(context: Mapping[str, pa.Array], lists: Mapping[str, pa.Array]) -> pa.Array:
    """Serialized SequenceExamples, binary `[R]`: the bytes of protobuf's deterministic serialization.

    Args:
        context: From `context_entry`, by key.
        lists: From `list_entry`, by key.
    """
    return _joined(*_fields(_FIRST, context), *_fields(_SECOND, lists))


def examples(features: Mapping[str, pa.Array]) -> pa.Array:
    """Serialized Examples, binary `[R]`.

    Args:
        features: From `context_entry`, by key; a sequence is one flat list.
    """
    return _joined(*_fields(_FIRST, features))


def _fields(tag: bytes, entries: Mapping[str, pa.Array]) -> Sequence[pa.Array]:
    ordered = [entries[key] for key in sorted(entries, key=str.encode)]
    if not ordered:
        return ()
    lengths = sum(np.diff(offsets_of(entry)) for entry in ordered)
    return (_by_length(np.asarray(lengths), _tagged(tag)), *ordered)
