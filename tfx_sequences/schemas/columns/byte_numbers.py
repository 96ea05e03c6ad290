"""Numbers that a record stores as bytes: one bytes value per step, or per record, holds the array of a column."""

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
"""Those whose numbers all have the same number of bytes."""
_ITEM_BYTES = {"uint8": 1, "int8": 1, "int16": 2, "uint16": 2, "float16": 2, "bfloat16": 2, "int32": 4, "float32": 4}
_QUANTA = 255.0
_HALF_QUANTUM = 1 / 512


class Dequantize(Declared):
    """The range that `uint8` values were quantized from, as YouTube-8M does it.

    A value `v` stands for `v * (max - min) / 255 + (max - min) / 512 + min`.

    >>> Dequantize(min=-2.0, max=2.0).offset_and_scale[0]
    -1.9921875
    """

    min: float
    """What 0 stands for, half a quantum less."""
    max: float
    """What 255 stands for, half a quantum less."""

    @pydantic.model_validator(mode="after")
    def _check(self) -> Dequantize:
        if not self.min < self.max:
            raise ValueError(f"dequantize.max {self.max} must be greater than dequantize.min {self.min}")
        return self

    @property
    def offset_and_scale(self) -> tuple[float, float]:
        """A value times the scale, plus the offset, is the number."""
        apart = self.max - self.min
        return apart * _HALF_QUANTUM + self.min, apart / _QUANTA


@dataclasses.dataclass(frozen=True)
class ByteLayout:
    """How the bytes of one step (of the record for context) hold its numbers.

    Attributes:
        encoding: The type of the numbers, or `tensor`.
        size: How many numbers they are.
        big_endian: The first byte of a number is its most significant one.

    >>> ByteLayout("int16", 12).num_bytes
    24
    """

    encoding: str
    size: int
    big_endian: bool = False

    @property
    def num_bytes(self) -> int | None:
        """Bytes of one value; None of a serialized tensor, whose type is known from the value alone."""
        return None if self.encoding == "tensor" else self.size * item_bytes(self.encoding)

    @property
    def needs_double(self) -> bool:
        """The numbers may have more digits than a float32 has."""
        return self.encoding in ("int32", "int64", "float64", "tensor")

    def __str__(self) -> str:
        if self.encoding == "tensor":
            return f"one tensor of {self.size} numbers, by tf.io.serialize_tensor"
        order = ", big-endian" if self.big_endian and item_bytes(self.encoding) > 1 else ""
        return f"{self.num_bytes} bytes: {self.size} numbers of {self.encoding}{order}"


def item_bytes(encoding: str) -> int:
    """Bytes of one number.

    >>> item_bytes("bfloat16"), item_bytes("int64")
    (2, 8)
    """
    return _ITEM_BYTES.get(encoding, 8)


class EncodedNumbers(BaseColumn):
    """What a column of numbers says about the bytes that hold them."""

    encoding: ByteEncoding | None = None
    """The record holds one bytes value per step (per record for context) with all numbers of `shape`, of this type;
    `tensor`: made by `tf.io.serialize_tensor`. An empty value is missing. None: a list of numbers, of `dtype`."""
    big_endian: bool = False
    """The first byte of a number of `encoding` is its most significant one."""
    dequantize: Dequantize | None = None
    """For `encoding: uint8`: `{min: ..., max: ...}`, the range that the numbers were quantized from. The default of
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
                    raise ValueError(f"{name} belongs to encoding; say how the bytes hold the numbers")
            return
        if dtype != "float32":
            raise ValueError(f"dtype {dtype} is of lists of numbers; with encoding {self.encoding}, leave it out")
        if self.big_endian and self.encoding == "tensor":
            raise ValueError("a serialized tensor has no byte order of its own; leave big_endian out")
        if self.dequantize is not None and self.encoding != "uint8":
            raise ValueError(f"dequantize belongs to encoding uint8, not {self.encoding}")
