"""Proposes the column for a bytes feature from a sample of its values: vectors of numbers, images, or text."""

from __future__ import annotations

import dataclasses
from typing import Any

# Frame features of YouTube-8M: of images, and of sound.
_YOUTUBE_8M = {1024: "rgb", 128: "audio"}
_IMAGE_ENCODINGS = {"JPEG": "jpeg", "PNG": "png"}
_LARGEST_SIDE = 64
_YOUTUBE_8M_RANGE = {"min": -2.0, "max": 2.0}


@dataclasses.dataclass(frozen=True)
class BytesSample:
    """The common properties of a bytes feature's values, from a sample.

    Attributes:
        values: Number of values in the sample, without empty ones.
        is_text: Whether all are UTF-8 without control characters.
        lengths: The smallest and the greatest number of bytes.
        image: The image format, such as `JPEG`, whose signature starts all values; otherwise None.
        image_shape: Height, width and channels of the first image; None if the images cannot be decoded.
        encoding: The type of the numbers in all values, from their size and bit patterns: `float32`, `float64`,
            `int16` or `tensor`; None if unknown.
        big_endian: Whether the numbers start with their most significant byte.
        shape: The shape of the array, for `encoding`.
        has_spaces: Whether a text has several words.
        numbers: What all texts are: `numbers`, `times` (ISO dates), or None.
    """

    values: int
    is_text: bool
    lengths: tuple[int, int]
    image: str | None = None
    image_shape: tuple[int, int, int] | None = None
    encoding: str | None = None
    big_endian: bool = False
    shape: tuple[int, ...] = ()
    has_spaces: bool = False
    numbers: str | None = None


# What is lost if numbers and times stay text.
_TEXTS = {
    "numbers": "numbers as text, so each different number is a term of its own; if they are quantities, store numbers",
    "times": "times as text, so each different time is a term of its own; store seconds since 1970 for {type: time}",
}


def note_of_text(sample: BytesSample | None) -> list[str]:
    """A note on texts that are numbers or times; none for others.

    >>> note_of_text(BytesSample(40, True, (4, 4), numbers="numbers"))[0][:15]
    'numbers as text'
    """
    return [_TEXTS[sample.numbers]] if sample is not None and sample.numbers else []


def _images(sample: BytesSample) -> tuple[dict[str, Any] | None, list[str]]:
    if sample.image_shape is None:
        return None, [f"its values begin like {sample.image} images, but cannot be decoded"]
    if sample.image not in _IMAGE_ENCODINGS:
        return None, [f"its values are {sample.image} images; a column of images reads JPEG and PNG"]
    height, width, channels = sample.image_shape
    smaller = min(1.0, _LARGEST_SIDE / max(height, width))
    fields = {
        "type": "image",
        "encoding": _IMAGE_ENCODINGS[sample.image],
        "height": max(1, round(height * smaller)),
        "width": max(1, round(width * smaller)),
        "channels": 1 if channels < 3 else 3,
    }
    return fields, [f"{sample.image} images, the first of {height} by {width} pixels; choose the size that suits"]


def column_of_bytes(
    sample: BytesSample | None, *, is_single: bool = True
) -> tuple[dict[str, Any] | None, list[str]] | None:
    """The fields of the column and notes, or None and the reason. For text, only None.

    Args:
        sample: The common properties of the values; None without values.
        is_single: Whether a step (or record) has one value.

    >>> column_of_bytes(BytesSample(9, False, (1024, 1024)))[0]["dequantize"]
    {'min': -2.0, 'max': 2.0}
    >>> column_of_bytes(BytesSample(9, True, (1, 5)))
    >>> column_of_bytes(BytesSample(9, False, (400, 411)))[0]
    """
    if sample is None or sample.is_text:
        return None
    if not is_single:
        return None, ["its bytes are not text, and steps have several values, which columns cannot read"]
    if sample.image is not None:
        return _images(sample)
    if sample.encoding is not None:
        order = "big-endian " if sample.big_endian else ""
        fields: dict[str, Any] = {"type": "numeric", "shape": sample.shape, "encoding": sample.encoding}
        fields |= {"big_endian": True} if sample.big_endian else {}
        return fields, [f"bytes that contain {order}{sample.encoding}, judged by their size and bit patterns"]
    least, size = sample.lengths
    if least != size:
        return None, [
            f"its values are not text, and have {least} to {size} bytes, which columns cannot read; if they are "
            "numbers, write arrays of one size, or a list of numbers"
        ]
    fields = {"type": "numeric", "shape": (size,), "encoding": "uint8"}
    if size in _YOUTUBE_8M:
        note = (
            f"{size} bytes each, treated as '{_YOUTUBE_8M[size]}' of YouTube-8M with its quantization range; if "
            "they are other numbers, change encoding and shape, and remove dequantize"
        )
        return {**fields, "dequantize": _YOUTUBE_8M_RANGE}, [note]
    return fields, [
        f"bytes that are not text, {size} each, treated as uint8; if they are other numbers, change encoding"
    ]
