"""Columns: what one feature of a record is, and how it becomes model input.

A column names a feature of a `tf.SequenceExample` (or `tf.Example`), says what
its values are and how they are transformed. Sequence columns give `[B, T, D]`,
context columns `[B, D]`; `D` is the column's width. The terms are those of
`tf.feature_column`. Nothing here imports TensorFlow.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

import pydantic

from tfx_sequences.schemas.base import Declared, Sizes, Terms


class Vocabulary(Declared):
    """A vocabulary computed over the training split, most frequent term first."""

    top_k: pydantic.PositiveInt | None = None
    """Keep only the `top_k` most frequent terms."""
    frequency_threshold: pydantic.PositiveInt | None = None
    """Keep only terms seen at least so many times."""


class Embedding(Declared):
    """A dense vector per id."""

    dimension: pydantic.PositiveInt | None = None
    """Length of the vector; None chooses `1.6 * terms ** 0.56`, between 4 and 64."""
    trainable: bool = True

    def width(self, num_ids: int) -> int:
        """The vector's length for a table of `num_ids` rows.

        >>> Embedding().width(10), Embedding().width(50_000), Embedding(dimension=3).width(9)
        (6, 64, 3)
        """
        return self.dimension or max(4, min(64, round(1.6 * math.pow(num_ids, 0.56))))


class _Column(Declared):
    key: str = pydantic.Field(min_length=1)
    """The feature's key in the record."""
    is_sequence: bool = False
    """True for a feature list (one value or vector per step), False for context."""

    @pydantic.model_serializer(mode="wrap")
    def _keep_type(self, handler: Any) -> dict[str, Any]:
        # A dump without defaults still has to say which column it is.
        return {"type": getattr(self, "type"), **handler(self)}  # noqa: B009


class NumericColumn(_Column):
    """Numbers: a scalar or an array of fixed `shape` per step (or per record).

    >>> NumericColumn(key="lpc", shape=(12,), is_sequence=True).size
    12
    """

    type: Literal["numeric"] = "numeric"
    shape: Sizes = ()
    """Shape of one step's value; `()` is a scalar."""
    dtype: Literal["float32", "int64"] = "float32"
    """How the values are stored in the record. The model sees float32."""
    default_value: float | None = None
    """Stands in for a missing value. None: a missing step becomes the mean (0
    after normalisation), and a missing context feature is an error."""
    normalizer: Literal["z_score", "min_max", "log1p", "none"] = "z_score"
    """Applied per element of `shape`, with statistics of the training split."""

    @pydantic.model_validator(mode="after")
    def _check(self) -> NumericColumn:
        if self.dtype == "int64" and self.default_value is not None and not self.default_value.is_integer():
            raise ValueError(f"default_value {self.default_value} is not an int64; give a whole number")
        return self

    @property
    def size(self) -> int:
        """Number of values in one step."""
        return math.prod(self.shape)


class CategoricalColumn(_Column):
    """Terms or ids, one per step (or per record), given to the model as a vector.

    At most one of `vocabulary`, `vocabulary_list`, `vocabulary_file`,
    `num_buckets` and `hash_bucket_size` says how a value becomes an id; with none
    of them the vocabulary is computed over the training split.

    >>> CategoricalColumn(key="token").vocabulary
    Vocabulary(top_k=None, frequency_threshold=None)
    >>> CategoricalColumn(key="day", dtype="int64", num_buckets=7).vocabulary is None
    True
    """

    type: Literal["categorical"] = "categorical"
    dtype: Literal["string", "int64"] = "string"
    vocabulary: Vocabulary | None = None
    """Compute the vocabulary over the training split."""
    vocabulary_list: Terms | None = None
    """The terms, in the order of their ids."""
    vocabulary_file: str | None = None
    """A text file with one term per line; relative to the spec's file."""
    num_buckets: pydantic.PositiveInt | None = None
    """The values are ids already, in `[0, num_buckets)`."""
    hash_bucket_size: pydantic.PositiveInt | None = None
    """Ids are the hash of the value, modulo this."""
    num_oov_buckets: pydantic.NonNegativeInt = 1
    """Ids after the vocabulary for unknown terms. With 0 and no `default_value` an
    unknown term is an error. Missing values are unknown terms."""
    default_value: int | None = None
    """The id of unknown terms (or of ids out of range) instead of an OOV bucket."""
    lowercase: bool = False
    """Compare terms in lower case (Unicode)."""
    embedding: Embedding | None = None
    """Give the model a learned vector; the default representation."""
    indicator: bool = False
    """Give the model a one-hot vector instead of an embedding."""

    @pydantic.model_validator(mode="before")
    @classmethod
    def _computed_by_default(cls, data: Any) -> Any:
        if isinstance(data, dict) and not any(data.get(k) is not None for k in _ID_SOURCES):
            data = {**data, "vocabulary": {}}
        return data

    @pydantic.model_validator(mode="after")
    def _check(self) -> CategoricalColumn:
        given = [k for k in _ID_SOURCES if getattr(self, k) is not None]
        if len(given) > 1:
            raise ValueError(f"give one of {', '.join(given)}, not {len(given)}: each says how values become ids")
        if self.num_buckets and self.dtype != "int64":
            raise ValueError("num_buckets takes ids: add 'dtype: int64', or use a vocabulary for strings")
        if self.vocabulary_list is not None:
            if not self.vocabulary_list:
                raise ValueError("vocabulary_list is empty")
            if len(set(self.vocabulary_list)) < len(self.vocabulary_list):
                twice = sorted({str(t) for t in self.vocabulary_list if self.vocabulary_list.count(t) > 1})
                raise ValueError(f"vocabulary_list has terms twice: {', '.join(twice)}")
            if isinstance(self.vocabulary_list[0], str) != (self.dtype == "string"):
                raise ValueError(f"vocabulary_list does not hold values of dtype {self.dtype}")
        if self.lowercase and self.dtype != "string":
            raise ValueError("lowercase needs dtype string")
        if self.indicator and self.embedding:
            raise ValueError("give either indicator or embedding, not both")
        return self

    @property
    def oov_buckets(self) -> int:
        """Number of ids behind the vocabulary's own."""
        has_vocabulary = self.num_buckets is None and self.hash_bucket_size is None
        return self.num_oov_buckets if has_vocabulary and self.default_value is None else 0

    def width(self, num_ids: int) -> int:
        """Depth `D` of the vector that the model gets, for `num_ids` ids in all."""
        return num_ids if self.indicator else (self.embedding or Embedding()).width(num_ids)


_ID_SOURCES = ("vocabulary", "vocabulary_list", "vocabulary_file", "num_buckets", "hash_bucket_size")

Column = Annotated[NumericColumn | CategoricalColumn, pydantic.Field(discriminator="type")]
