"""Proposes the column for a bytes feature from a sample of its values: vectors of numbers, images, or text."""

from __future__ import annotations

import dataclasses
from typing import Any

# Frame features of YouTube-8M: of images, and of sound.
_YOUTUBE_8M = {1024: "rgb", 128: "audio"}
_YOUTUBE_8M_RANGE = {"min": -2.0, "max": 2.0}


@dataclasses.dataclass(frozen=True)
class BytesSample:
    """The common properties of a bytes feature's values, from a sample.

    Attributes:
        values: Number of values in the sample, without empty ones.
        is_text: Whether all are UTF-8 without control characters.
        lengths: The smallest and the greatest number of bytes.
        image: The image format, such as `JPEG`, whose signature starts all values; otherwise None.
        encoding: The type of the numbers in all values, from their size and bit patterns: `float32`, `float64` or
            `tensor`; None if unknown.
        shape: The shape of the array, for `encoding`.
    """

    values: int
    is_text: bool
    lengths: tuple[int, int]
    image: str | None = None
    encoding: str | None = None
    shape: tuple[int, ...] = ()


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
        return None, [
            f"its values start like {sample.image} images, which columns cannot decode; write vectors computed from "
            "them"
        ]
    if sample.encoding is not None:
        fields = {"type": "numeric", "shape": sample.shape, "encoding": sample.encoding}
        return fields, [f"bytes that contain {sample.encoding}, judged by their size and bit patterns"]
    least, size = sample.lengths
    if least != size:
        return None, [
            f"its values are not text, and have {least} to {size} bytes, which columns cannot read; if they are "
            "numbers, "
            "write arrays of one size"
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
