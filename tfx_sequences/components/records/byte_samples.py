"""Determines from a sample whether the bytes in records are text, images, numbers, or something else."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from tfx_sequences.components.records.framing import read_records
from tfx_sequences.components.records.keys import Key
from tfx_sequences.components.records.paths import AnyPath
from tfx_sequences.schemas.proposal.proposed_bytes import BytesSample

_RECORDS_PER_FILE = 100
_MOST_VALUES = 2_000
_MOST_BYTES = 8 << 20
_IMAGES = {b"\xff\xd8\xff": "JPEG", b"\x89PNG\r\n\x1a\n": "PNG", b"GIF87a": "GIF", b"GIF89a": "GIF"}
# Control characters that occur in text: tab, line feed, carriage return.
_OF_TEXT = (9, 10, 13)
# Stored numbers usually have such magnitudes; other bits, read as floats, rarely do.
_SMALLEST, _GREATEST = 1e-9, 1e9
_FEWEST_FLOATS = 8
# The entropy of the lower bytes is estimated from their counts: fewer numbers do not show that they are spread.
_FEWEST_INTEGERS = 500
_UPPER_BYTE, _MOST, _ENTROPY_APART = 64, 0.95, 1.5
_DECODED = 50
_FORMS = {
    "numbers": re.compile(rb"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*"),
    "times": re.compile(rb"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d([.,]\d+)?)?\s*(Z|UTC|[-+]\d\d:?\d\d)?)?"),
}
# Fewer different texts may be codes or classes.
_FEWEST_NUMBERS = 20


def sample_bytes(files: Iterable[AnyPath]) -> dict[Key, BytesSample]:
    """Samples of the features with bytes values, by key, from the first records of each file.

    Records that cannot be parsed are skipped; they are reported when all records are read.
    """
    from tensorflow.core.example import example_pb2

    found: dict[Key, list[bytes]] = {}
    size = 0
    for file in files:
        for index, record in enumerate(read_records(file)):
            if index == _RECORDS_PER_FILE or size > _MOST_BYTES:
                break
            size += len(record)
            try:
                message = example_pb2.SequenceExample.FromString(record)
            except DecodeError:
                continue
            for key, feature in message.context.feature.items():
                _add(found, (False, key), [feature])
            for key, feature_list in message.feature_lists.feature_list.items():
                _add(found, (True, key), feature_list.feature)
    return {key: look_at(values) for key, values in found.items()}


def _add(found: dict[Key, list[bytes]], key: Key, features: Iterable[Any]) -> None:
    values = [v for feature in features for v in feature.bytes_list.value if v]
    if values:
        kept = found.setdefault(key, [])
        kept += values[: _MOST_VALUES - len(kept)]


def look_at(values: Collection[bytes]) -> BytesSample:
    """The common properties of non-empty values.

    >>> look_at([b"walk", b"run"]).is_text, look_at([b"\\x00\\x01", b"\\x02\\xff"]).lengths
    (True, (2, 2))
    >>> look_at([b"\\xff\\xd8\\xff\\xe0"]).image
    'JPEG'
    >>> look_at([b"2024-05-%02d" % day for day in range(1, 31)]).numbers
    'times'
    """
    lengths = [len(value) for value in values]
    bounds = min(lengths, default=0), max(lengths, default=0)
    if all(map(is_text, values)):
        spaces = any(b" " in value.strip() for value in values)
        return BytesSample(len(values), True, bounds, has_spaces=spaces, numbers=_numbers(values))
    formats = {image_format(value) for value in values}
    if len(formats) == 1 and None not in formats:
        return BytesSample(len(values), False, bounds, image=formats.pop(), image_shape=_shape_of_images(values))
    shape = _shape_of_tensors(values)
    if shape is not None:
        return BytesSample(len(values), False, bounds, encoding="tensor", shape=shape)
    dtype = (_floats(values) or _int16(values)) if bounds[0] == bounds[1] else None
    if dtype is None:
        return BytesSample(len(values), False, bounds)
    shape = (bounds[0] // dtype.itemsize,)
    big_endian = dtype.byteorder == ">"
    return BytesSample(len(values), False, bounds, encoding=dtype.name, shape=shape, big_endian=big_endian)


def _numbers(values: Collection[bytes]) -> str | None:
    """`numbers` or `times` if all texts are these, and too many of them differ to be codes; otherwise None."""
    different = set(values)
    if len(different) < _FEWEST_NUMBERS:
        return None
    return next((name for name, form in _FORMS.items() if all(map(form.fullmatch, different))), None)


def is_text(value: bytes) -> bool:
    """Whether it is UTF-8 without control characters, except tabs and line ends.

    >>> is_text("è".encode()), is_text(b"\\xe8"), is_text(b"a\\x00b")
    (True, False, False)
    """
    try:
        decoded = value.decode()
    except UnicodeDecodeError:
        return False
    return all(ord(c) >= 32 or ord(c) in _OF_TEXT for c in decoded)


def image_format(value: bytes) -> str | None:
    """The image format whose files start in this way."""
    return next((name for begin, name in _IMAGES.items() if value.startswith(begin)), None)


def _shape_of_images(values: Collection[bytes]) -> tuple[int, int, int] | None:
    """Height, width and channels of the first image; None if one of the first few cannot be decoded."""
    import tensorflow as tf

    try:
        shapes = [tf.io.decode_image(value).shape for value in list(values)[:_DECODED]]
    except tf.errors.InvalidArgumentError:
        return None
    height, width, channels = shapes[0][-3:]
    return height, width, channels


def _shape_of_tensors(values: Collection[bytes]) -> tuple[int, ...] | None:
    """The common shape of serialized tensors; None if a value is not a tensor, or if shapes differ."""
    from tensorflow.core.framework import tensor_pb2

    from tfx_sequences.components.numbers.byte_decoding import decode_arrays
    from tfx_sequences.schemas.columns.byte_numbers import ByteLayout

    shapes = set()
    for value in values:
        try:
            proto = tensor_pb2.TensorProto.FromString(value)
        except DecodeError:
            return None
        shape = tuple(dim.size for dim in proto.tensor_shape.dim)
        if not proto.tensor_content or not decode_arrays([value], ByteLayout("tensor", int(np.prod(shape)))).fits[0]:
            return None
        shapes.add(shape)
    return shapes.pop() if len(shapes) == 1 else None


def _floats(values: Collection[bytes]) -> np.dtype[Any] | None:
    """The float type of values of equal length, if it gives plausible magnitudes for all."""
    joined = b"".join(values)
    size = len(next(iter(values)))
    for dtype in map(np.dtype, ("<f4", ">f4", "<f8", ">f8")):
        if size % dtype.itemsize:
            continue
        with np.errstate(over="ignore", invalid="ignore"):
            magnitudes = np.abs(np.frombuffer(joined, dtype).astype(np.float64))
            plausible = (magnitudes == 0) | ((magnitudes > _SMALLEST) & (magnitudes < _GREATEST))
        # Zeros could have any type.
        if plausible.all() and magnitudes.any() and len(magnitudes) >= _FEWEST_FLOATS:
            return dtype
    return None


def _int16(values: Collection[bytes]) -> np.dtype[Any] | None:
    """Signed int16 of values of equal length, if every second byte looks like the upper half of small numbers.

    The upper bytes lie near 0 and near 255 (the negative numbers) and say little; the lower ones are spread over all
    values. Vectors of uint8 have the same distribution in both.
    """
    joined = np.frombuffer(b"".join(values), np.uint8)
    if len(next(iter(values))) % 2 or len(joined) < 2 * _FEWEST_INTEGERS:
        return None
    for dtype, upper, lower in (("<i2", joined[1::2], joined[::2]), (">i2", joined[::2], joined[1::2])):
        signed = upper.view(np.int8)
        negative = float((signed < 0).mean())
        is_small = float((np.abs(signed.astype(np.int64)) < _UPPER_BYTE).mean()) > _MOST
        if is_small and _entropy(lower) - _entropy(upper) > _ENTROPY_APART and 1 - _MOST < negative < _MOST:
            return np.dtype(dtype)
    return None


def _entropy(values: np.ndarray) -> float:
    """The entropy of bytes, in bits."""
    shares = np.bincount(values, minlength=256) / len(values)
    there = shares[shares > 0]
    return float(-(there * np.log2(there)).sum())
