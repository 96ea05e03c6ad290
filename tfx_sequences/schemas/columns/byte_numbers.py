"""Numbers stored as bytes: one bytes value per step, or per record, contains the array of a column."""

from __future__ import annotations

import dataclasses
from typing import Literal, get_args

import pydantic

from tfx_sequences.schemas.columns.base import Declared
from tfx_sequences.schemas.columns.column_base import BaseColumn

FixedEncoding = Literal[
    "uint8", "int8", "int16", "uint16", "int32", "int64", "float16", "bfloat16", "float32", "float64"
]
ByteEncoding = Literal[FixedEncoding, "tensor"]

FIXED_ENCODINGS: tuple[str, ...] = get_args(FixedEncoding)
"""Encodings in which all numbers have the same number of bytes."""
_ITEM_BYTES = {"uint8": 1, "int8": 1, "int16": 2, "uint16": 2, "float16": 2, "bfloat16": 2, "int32": 4, "float32": 4}
_QUANTA = 255.0
_HALF_QUANTUM = 1 / 512


class Dequantize(Declared):
    """The range from which `uint8` values were quantized, in the way of YouTube-8M.

    A value `v` represents `v * (max - min) / 255 + (max - min) / 512 + min`.

    >>> Dequantize(min=-2.0, max=2.0).offset_and_scale[0]
    -1.9921875
    """

    min: float
    """The number represented by 0, minus half a quantum."""
    max: float
    """The number represented by 255, minus half a quantum."""

    @pydantic.model_validator(mode="after")
    def _check(self) -> Dequantize:
        if not self.min < self.max:
            raise ValueError(f"dequantize.max {self.max} must be greater than dequantize.min {self.min}")
        return self

    @property
    def offset_and_scale(self) -> tuple[float, float]:
        """Offset and scale: the number is the value times the scale, plus the offset."""
        apart = self.max - self.min
        return apart * _HALF_QUANTUM + self.min, apart / _QUANTA


@dataclasses.dataclass(frozen=True)
class ByteLayout:
    """The layout of the numbers in the bytes of one step (for context: of the record).

    Attributes:
        encoding: The type of the numbers, or `tensor`.
        size: Number of numbers.
        big_endian: Whether the first byte of a number is its most significant one.

    >>> ByteLayout("int16", 12).num_bytes
    24
    """

    encoding: str
    size: int
    big_endian: bool = False

    @property
    def num_bytes(self) -> int | None:
        """Bytes of one value; None for a serialized tensor, whose type is only known from the value."""
        return None if self.encoding == "tensor" else self.size * item_bytes(self.encoding)

    @property
    def needs_double(self) -> bool:
        """Whether the numbers may have more digits than a float32."""
        return self.encoding in ("int32", "int64", "float64", "tensor")

    def __str__(self) -> str:
        if self.encoding == "tensor":
            return f"one tensor of {self.size} numbers, serialized by tf.io.serialize_tensor"
        order = ", big-endian" if self.big_endian and item_bytes(self.encoding) > 1 else ""
        return f"{self.num_bytes} bytes: {self.size} numbers of {self.encoding}{order}"


def item_bytes(encoding: str) -> int:
    """Bytes of one number.

    >>> item_bytes("bfloat16"), item_bytes("int64")
    (2, 8)
    """
    return _ITEM_BYTES.get(encoding, 8)


class EncodedNumbers(BaseColumn):
    """The fields of a numeric column for numbers stored as bytes."""

    encoding: ByteEncoding | None = None
    """The type of numbers stored as bytes: the record has one bytes value per step (for context: per record) with all
    numbers of `shape`; `tensor` means `tf.io.serialize_tensor`. An empty value is missing. None: a list of numbers of
    type `dtype`."""
    big_endian: bool = False
    """Whether the first byte of a number in `encoding` is its most significant one."""
    dequantize: Dequantize | None = None
    """For `encoding: uint8`: `{min: ..., max: ...}`, the range from which the numbers were quantized. The default of
    `normalizer` is then `none`."""

    @pydantic.model_validator(mode="before")
    @classmethod
    def _keep_range(cls, data: object) -> object:
        if isinstance(data, dict) and data.get("dequantize") is not None and "normalizer" not in data:
            return {**data, "normalizer": "none"}
        return data

    def _check_encoding(self, dtype: str) -> None:
        if self.encoding is None:
            for name in ("big_endian", "dequantize"):
                if getattr(self, name):
                    raise ValueError(f"{name} needs encoding: set the type of the numbers in the bytes")
            return
        if dtype != "float32":
            raise ValueError(f"dtype {dtype} is for lists of numbers; remove it, because encoding is {self.encoding}")
        if self.big_endian and self.encoding == "tensor":
            raise ValueError("a serialized tensor has a fixed byte order: remove big_endian")
        if self.dequantize is not None and self.encoding != "uint8":
            raise ValueError(f"dequantize needs encoding uint8, but encoding is {self.encoding}")
