"""Embeddings: the table that gives each id a dense vector."""

from __future__ import annotations

import math
from typing import Literal

import pydantic

from tfx_sequences.schemas.columns.base import Declared

INITIALIZERS = (
    "feature_column",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "lecun_normal",
    "lecun_uniform",
    "normal",
    "ones",
    "truncated_normal",
    "uniform",
    "zeros",
)


class Embedding(Declared):
    """A dense vector per id."""

    dimension: pydantic.PositiveInt | None = None
    """Length of the vector; None chooses `1.6 * terms ** 0.56`, between 4 and 64."""
    trainable: bool = True
    combiner: Literal["mean", "sum", "sqrtn"] = "mean"
    """How the vectors of a step's several ids become one; `sqrtn` is the sum over the root of their number."""
    max_norm: float | None = pydantic.Field(None, gt=0)
    """Vectors of a greater L2 norm are scaled down to it when they are looked up."""
    dropout: float = pydantic.Field(0.0, ge=0, lt=1)
    """Fraction of the vectors' elements that is dropped in training."""
    initializer: Literal[INITIALIZERS] = "uniform"  # type: ignore[valid-type]
    """Initial values: a Keras initializer, or `feature_column`: truncated normal of
    deviation `1 / sqrt(dimension)`, as in `tf.feature_column.embedding_column`."""
    table: str | None = pydantic.Field(None, min_length=1)
    """Columns, of steps and of context, that name the same table share its vectors."""
    vectors_file: str | None = None
    """Pretrained vectors: text lines `term x1 x2 ...` (with or without word2vec's header
    line), or a `.npy` array of one row per term; relative to the spec's file."""
    vectors_terms_file: str | None = None
    """The terms of the rows of a `.npy` file, one per line; None: those of the column's own
    list or file, or the ids themselves."""

    @pydantic.model_validator(mode="after")
    def _check(self) -> Embedding:
        if self.vectors_terms_file and not (self.vectors_file or "").endswith(".npy"):
            raise ValueError("vectors_terms_file names the rows of a vectors_file that ends in .npy")
        return self

    def width(self, num_ids: int) -> int:
        """The vector's length for a table of `num_ids` rows.

        >>> Embedding().width(10), Embedding().width(50_000), Embedding(dimension=3).width(9)
        (6, 64, 3)
        """
        return self.dimension or max(4, min(64, round(1.6 * math.pow(num_ids, 0.56))))
