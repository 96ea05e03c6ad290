"""Embeddings: tables of one dense vector per id."""

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
    """How the vectors of several ids in a step are combined; `sqrtn` is the sum divided by the root of their number."""
    max_norm: float | None = pydantic.Field(None, gt=0)
    """Vectors with a greater L2 norm are scaled down to this norm when they are looked up."""
    dropout: float = pydantic.Field(0.0, ge=0, lt=1)
    """Dropout rate for the elements of the vectors."""
    initializer: Literal[INITIALIZERS] = "uniform"  # type: ignore[valid-type]
    """Initial values: a Keras initializer, or `feature_column`: a truncated normal distribution with standard
    deviation `1 / sqrt(dimension)`, as in `tf.feature_column.embedding_column`."""
    table: str | None = pydantic.Field(None, min_length=1)
    """Columns with the same table name share its vectors, in the context and in the sequence."""
    vectors_file: str | None = None
    """Pretrained vectors: text lines `term x1 x2 ...` (with or without the header line of word2vec), or a `.npy` array
    with one row per term. The path is relative to the spec's file."""
    vectors_terms_file: str | None = None
    """The terms of the rows of a `.npy` file, one per line; None uses the terms of the column's own list or file, or
    the ids themselves."""

    @pydantic.model_validator(mode="after")
    def _check(self) -> Embedding:
        if self.vectors_terms_file and not (self.vectors_file or "").endswith(".npy"):
            raise ValueError("vectors_terms_file needs a vectors_file that ends in .npy, whose rows it names")
        return self

    def width(self, num_ids: int) -> int:
        """The vector's length for a table of `num_ids` rows.

        >>> Embedding().width(10), Embedding().width(50_000), Embedding(dimension=3).width(9)
        (6, 64, 3)
        """
        return self.dimension or max(4, min(64, round(1.6 * math.pow(num_ids, 0.56))))
