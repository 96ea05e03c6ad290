"""Which column a feature of bytes is: vectors of numbers, images, or text, known from a sample of its values."""

from __future__ import annotations

import dataclasses
from typing import Any

# Frame features of YouTube-8M: of images, and of sound.
_YOUTUBE_8M = {1024: "rgb", 128: "audio"}
_YOUTUBE_8M_RANGE = {"min": -2.0, "max": 2.0}


@dataclasses.dataclass(frozen=True)
class BytesSample:
    """What the values of a feature of bytes have in common, as far as a sample of them tells.

    Attributes:
        values: How many values were looked at, empty ones left out.
        is_text: All are UTF-8 without control characters.
        lengths: The least and the greatest number of bytes.
        image: The format of images, such as `JPEG`, that all values begin like; None if they do not.
        encoding: All hold numbers of this type, by their size and their bit patterns: `float32`, `float64` or
            `tensor`; None if that cannot be seen.
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
    """The fields of the column, and notes; or None in their place, and the reason. None alone for text.

    Args:
        sample: What the values have in common; None without values.
        is_single: A step (or record) has one value.

    >>> column_of_bytes(BytesSample(9, False, (1024, 1024)))[0]["dequantize"]
    {'min': -2.0, 'max': 2.0}
    >>> column_of_bytes(BytesSample(9, True, (1, 5)))
    >>> column_of_bytes(BytesSample(9, False, (400, 411)))[0]
    """
    if sample is None or sample.is_text:
        return None
    if not is_single:
        return None, ["its bytes are not text, and there are several values each: no column reads them"]
    if sample.image is not None:
        return None, [f"its values begin like {sample.image} images, which no column decodes; write vectors of them"]
    if sample.encoding is not None:
        fields = {"type": "numeric", "shape": sample.shape, "encoding": sample.encoding}
        return fields, [f"bytes that hold {sample.encoding}, by their size and bit patterns"]
    least, size = sample.lengths
    if least != size:
        return None, [
            f"its values are not text, and have {least} to {size} bytes: no column reads them; if they are numbers, "
            "write arrays of one size"
        ]
    fields = {"type": "numeric", "shape": (size,), "encoding": "uint8"}
    if size in _YOUTUBE_8M:
        note = (
            f"{size} bytes each, as '{_YOUTUBE_8M[size]}' of YouTube-8M, with the range that it was quantized from; if "
            "they are other numbers, change encoding and shape, and leave dequantize out"
        )
        return {**fields, "dequantize": _YOUTUBE_8M_RANGE}, [note]
    return fields, [
        f"bytes that are not text, {size} each, taken for uint8; if they are other numbers, change encoding"
    ]
