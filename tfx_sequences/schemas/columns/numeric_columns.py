"""Columns of numbers, as they are or in buckets."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pydantic

from tfx_sequences.schemas.columns.base import AsTuple, Declared, Sizes
from tfx_sequences.schemas.columns.column_base import BaseColumn, IdColumn, size_of

Numbers = Annotated[tuple[float, ...], AsTuple]


class Scaling(Declared):
    """`(x - offset) * scale`, each a number or one per element of the column's shape.

    >>> Scaling(offset=3.0, scale=0.5)
    Scaling(offset=3.0, scale=0.5)
    """

    offset: float | Numbers = 0.0
    """Taken off first."""
    scale: float | Numbers = 1.0
    """Multiplied with then."""


class _Numbers(BaseColumn):
    shape: Sizes = ()
    """Shape of one step's value; `()` is a scalar."""
    dtype: Literal["float32", "int64"] = "float32"
    """How the values are stored in the record. The model sees float32."""

    @property
    def size(self) -> int:
        """Number of values in one step."""
        return size_of(self.shape)


def _whole(dtype: str, number: float | None) -> None:
    if dtype == "int64" and number is not None and not number.is_integer():
        raise ValueError(f"default_value {number} is not an int64; give a whole number")


class NumericColumn(_Numbers):
    """Numbers: a scalar or an array of fixed `shape` per step (or per record).

    >>> NumericColumn(key="lpc", shape=(12,), is_sequence=True).size
    12
    """

    type: Literal["numeric"] = "numeric"
    default_value: float | None = None
    """Stands in for a missing value. None: a missing step becomes the mean (0
    after normalisation), and a missing context feature is an error."""
    normalizer: Literal["z_score", "min_max", "log1p", "none"] | Scaling = "z_score"
    """Applied per element of `shape`, with statistics of the training split; or a mapping
    of `offset` and `scale`: `(x - offset) * scale`."""

    @pydantic.model_validator(mode="after")
    def _check(self) -> NumericColumn:
        _whole(self.dtype, self.default_value)
        if isinstance(self.normalizer, Scaling):
            for name in ("offset", "scale"):
                given = getattr(self.normalizer, name)
                if isinstance(given, tuple) and len(given) != self.size:
                    raise ValueError(
                        f"normalizer.{name} has {len(given)} numbers, shape {list(self.shape)} {self.size}"
                    )
        return self


class BucketizedColumn(IdColumn, _Numbers):
    """Numbers as the buckets they fall into.

    `boundaries` b1 < b2 < ... make the buckets `(-inf, b1)`, `[b1, b2)`, ...,
    `[bn, inf)`. An array of `size` values has ids of its own for each element. Without
    `embedding` the model gets one-hot vectors, `size * (n + 1)` wide.

    >>> BucketizedColumn(key="age", boundaries=(18, 65)).num_ids
    3
    """

    type: Literal["bucketized"] = "bucketized"
    boundaries: Numbers = pydantic.Field(min_length=1)
    """Rising; a value equal to a boundary is in the bucket above it."""
    default_value: float | None = None
    """Stands in for a missing value. None: a missing step is in no bucket (a vector of
    zeros), and a missing context feature is an error."""

    @pydantic.model_validator(mode="after")
    def _check(self) -> BucketizedColumn:
        _whole(self.dtype, self.default_value)
        if list(self.boundaries) != sorted(set(self.boundaries)):
            raise ValueError("boundaries must rise, each greater than the one before it")
        return self

    @property
    def num_ids(self) -> int:
        """Number of ids: one per bucket and element of `shape`."""
        return self.size * (len(self.boundaries) + 1)

    @property
    def is_indicator(self) -> bool:
        """One-hot unless an embedding is given."""
        return self.embedding is None

    @property
    def has_several_ids(self) -> bool:
        """An array has one per element."""
        return bool(self.shape)

    @property
    def id_source(self) -> tuple[Any, ...]:
        """The boundaries, once per element."""
        return ("bucketized", self.boundaries, self.size)

    @property
    def name(self) -> str:
        """`KEY_bucketized`, with `_embedding` where it has one."""
        base = f"{self.key}_bucketized"
        return base if self.is_indicator else self._representation_name(base)
