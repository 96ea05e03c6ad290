"""The base classes of all columns."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import pydantic

from tfx_sequences.schemas.columns.alignment import Alignment
from tfx_sequences.schemas.columns.base import Declared
from tfx_sequences.schemas.columns.embedding import Embedding


class FurtherFeature(NamedTuple):
    """An additional feature that a column reads.

    Attributes:
        key: Its key in the record.
        is_sequence: True for a feature list, False for context.
        dtype: `string`, `int64` or `float32`.
        several: True if a step (or the record) has any number of values, False for at most one.
    """

    key: str
    is_sequence: bool
    dtype: str
    several: bool = False


class BaseColumn(Declared):
    """One feature of a record; `type` is its kind."""

    key: str = pydantic.Field(min_length=1)
    """The feature's key in the record."""
    is_sequence: bool = False
    """True for a feature list (one value or vector per step), False for context."""
    timestamps: str | None = pydantic.Field(None, min_length=1)
    """Key of the times of the feature's values, if the feature is a list with another length than the record's steps;
    see `align`."""
    align: Alignment | None = None
    """How values are assigned to the steps of the record, by `timestamps`."""

    @pydantic.model_serializer(mode="wrap")
    def _keep_type(self, handler: Any) -> dict[str, Any]:
        # A dump without defaults must still contain the type.
        return {"type": getattr(self, "type"), **handler(self)}  # noqa: B009

    @pydantic.model_validator(mode="after")
    def _check_alignment(self) -> BaseColumn:
        if (self.timestamps is None) != (self.align is None):
            raise ValueError("timestamps and align must be set together")
        if self.align is None:
            return self
        if not self.is_sequence or getattr(self, "source", "sequence") != "sequence":
            raise ValueError("align is for lists with timestamps, not for context")
        if self.timestamps == self.align.to:
            raise ValueError(
                "timestamps and align.to are the same: the feature already has the steps' times, so remove both"
            )
        if self.align.method not in self.alignments:
            can = ", ".join(self.alignments) or "none"
            raise ValueError(f"align.method: {self.align.method} does not suit the column; suitable methods: {can}")
        return self

    @property
    def alignments(self) -> tuple[str, ...]:
        """The methods of `align` that suit the column."""
        return ()

    @property
    def clock_features(self) -> tuple[FurtherFeature, ...]:
        """The timestamps that `align` compares: of the values, and of the steps."""
        if self.align is None:
            return ()
        return tuple(FurtherFeature(key, True, self.align.dtype) for key in (str(self.timestamps), self.align.to))

    @property
    def name(self) -> str:
        """The name by which a layer sorts its columns; it equals the name of the `tf.feature_column` equivalent."""
        return self.key

    @property
    def further_features(self) -> tuple[FurtherFeature, ...]:
        """The additional features that the column reads."""
        return ()


class IdColumn(BaseColumn):
    """A column whose values become ids, and each id a vector."""

    embedding: Embedding | None = None
    """A learned vector per id for the model."""

    @property
    def is_indicator(self) -> bool:
        """Whether the vector is one-hot (with counts, for several ids) instead of an embedding."""
        raise NotImplementedError

    @property
    def has_several_ids(self) -> bool:
        """Whether one step (or record) may have any number of ids."""
        raise NotImplementedError

    @property
    def id_source(self) -> tuple[Any, ...]:
        """The fields that determine the id of each value; columns that share a table must agree on them."""
        raise NotImplementedError

    @property
    def shares_table(self) -> bool:
        """Whether the embedding table has a name, so that other columns can share it."""
        return self.embedding is not None and self.embedding.table is not None

    @property
    def table(self) -> str:
        """Name of the column's embedding table."""
        shared = self.embedding.table if self.embedding else None
        return shared or self.name

    @property
    def combiner(self) -> str:
        """How the vectors of several ids are combined."""
        return (self.embedding or Embedding()).combiner

    def width(self, num_ids: int) -> int:
        """Depth `D` of the column's vector in the model, for a total of `num_ids` ids."""
        return num_ids if self.is_indicator else (self.embedding or Embedding()).width(num_ids)

    def _representation_name(self, base: str) -> str:
        if self.is_indicator:
            return f"{base}_indicator"
        return f"{base}_shared_embedding" if self.shares_table else f"{base}_embedding"


def size_of(shape: tuple[int, ...]) -> int:
    """Number of values in an array of `shape`; 1 for a scalar."""
    return math.prod(shape)
