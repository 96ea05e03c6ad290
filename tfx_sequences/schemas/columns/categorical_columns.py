"""Columns of terms or ids: stored as values, or as text that is split into tokens."""

from __future__ import annotations

import re
from typing import Any, Literal

import pydantic

from tfx_sequences.schemas.columns.base import Declared, Terms
from tfx_sequences.schemas.columns.column_base import FurtherFeature, IdColumn
from tfx_sequences.schemas.columns.names import NO_ID

_SEEN_TWICE = 2


class Vocabulary(Declared):
    """A vocabulary computed over the training split, with the most frequent term first."""

    top_k: pydantic.PositiveInt | None = None
    """Keep only the `top_k` most frequent terms."""
    frequency_threshold: pydantic.PositiveInt | None = None
    """Keep only terms that occur at least this number of times."""


class _TermColumn(IdColumn):
    """The common base of term and token columns: how values are converted to ids."""

    vocabulary: Vocabulary | None = None
    """Compute the vocabulary over the training split. This is the default if no other key determines the ids; a term
    that occurs once is then unknown, so that the model learns the id of unknown terms."""
    vocabulary_list: Terms | None = None
    """The terms, in the order of their ids."""
    vocabulary_file: str | None = None
    """A text file with one term per line; the path is relative to the spec's file."""
    vocabulary_size: pydantic.PositiveInt | None = None
    """Use only this number of terms from the top of `vocabulary_file`."""
    hash_bucket_size: pydantic.PositiveInt | None = None
    """Ids are the hash of the value, modulo this number."""
    num_oov_buckets: pydantic.NonNegativeInt = 1
    """Number of ids after the vocabulary for unknown terms. If it is 0 and there is no `default_value`, an
    unknown term is an error. Missing values are unknown terms."""
    default_value: int | None = pydantic.Field(None, ge=NO_ID)
    """The id of unknown terms (or of ids out of range), instead of an OOV bucket. With -1 they have
    no id and give a vector of zeros, the default of `tf.feature_column`."""
    lowercase: bool = False
    """Whether terms are compared in lower case (Unicode)."""
    indicator: bool = False
    """Whether the model gets a one-hot vector (counts, for several values) instead of an embedding."""
    ngram_width: int = pydantic.Field(1, ge=1, le=9)
    """Number of terms in an n-gram. Above 1, each term is joined with the ones before it in the sequence (in a text of
    a step or record: in the text), by a space; the first ones are shorter."""

    @pydantic.model_validator(mode="before")
    @classmethod
    def _computed_by_default(cls, data: Any) -> Any:
        if isinstance(data, dict) and not any(data.get(k) is not None for k in ID_SOURCES) and cls._computes(data):
            data = {**data, "vocabulary": cls._default_vocabulary(data)}
        return data

    @classmethod
    def _default_vocabulary(cls, data: dict[str, Any]) -> dict[str, Any]:
        learns_unknown = data.get("num_oov_buckets", 1) != 0 and data.get("default_value") is None
        return {"frequency_threshold": _SEEN_TWICE} if learns_unknown else {}

    @classmethod
    def _computes(cls, data: dict[str, Any]) -> bool:
        return True

    @pydantic.model_validator(mode="after")
    def _check_terms(self) -> _TermColumn:
        given = [k for k in ID_SOURCES if getattr(self, k, None) is not None]
        if len(given) > 1:
            raise ValueError(f"give one of {', '.join(given)}, not {len(given)}: each determines the ids of values")
        if self.vocabulary_list is not None:
            if not self.vocabulary_list:
                raise ValueError("vocabulary_list is empty")
            if len(set(self.vocabulary_list)) < len(self.vocabulary_list):
                twice = sorted({str(t) for t in self.vocabulary_list if self.vocabulary_list.count(t) > 1})
                raise ValueError(f"vocabulary_list has terms twice: {', '.join(twice)}")
            if isinstance(self.vocabulary_list[0], str) != (self.term_dtype == "string"):
                raise ValueError(f"vocabulary_list must contain values of dtype {self.term_dtype}")
        if self.vocabulary_size and not self.vocabulary_file:
            raise ValueError("vocabulary_size needs vocabulary_file")
        if self.indicator and self.embedding:
            raise ValueError("set either indicator or embedding, not both")
        self._check_ngrams()
        return self

    def _check_ngrams(self) -> None:
        if self.ngram_width == 1:
            return
        if self.vocabulary is None and self.hash_bucket_size is None:
            raise ValueError("ngram_width needs a computed vocabulary or hash_bucket_size")
        if self.refuses_unknown:
            raise ValueError("ngram_width needs ids for unknown n-grams: set num_oov_buckets or default_value")

    @property
    def term_dtype(self) -> str:
        """`string` or `int64`."""
        return "string"

    @property
    def num_ids_given(self) -> int | None:
        """Number of ids, if it does not depend on a vocabulary."""
        return self.hash_bucket_size

    @property
    def oov_buckets(self) -> int:
        """Number of ids after those of the vocabulary."""
        return self.num_oov_buckets if self.num_ids_given is None and self.default_value is None else 0

    @property
    def refuses_unknown(self) -> bool:
        """Whether a value without an id is an error."""
        return self.hash_bucket_size is None and self.default_value is None and self.oov_buckets == 0

    @property
    def is_indicator(self) -> bool:
        """Whether `indicator` is set; otherwise, the column is embedded."""
        return self.indicator

    @property
    def id_source(self) -> tuple[Any, ...]:
        """The fields that determine a term's id."""
        fields = (*ID_SOURCES, "vocabulary_size", "num_oov_buckets", "lowercase", "ngram_width")
        return (self.term_dtype, *(getattr(self, field, None) for field in fields))

    @property
    def name(self) -> str:
        """`KEY_embedding`, `KEY_shared_embedding` or `KEY_indicator`; n-grams have their width after the key."""
        return self._representation_name(self.key if self.ngram_width == 1 else f"{self.key}_{self.ngram_width}_grams")


class CategoricalColumn(_TermColumn):
    """Terms or ids, one per step (or per record), which the model gets as vectors.

    At most one of `vocabulary`, `vocabulary_list`, `vocabulary_file`,
    `num_buckets` and `hash_bucket_size` determines the ids of values; without
    them, the vocabulary is computed over the training split.

    >>> CategoricalColumn(key="token").vocabulary
    Vocabulary(top_k=None, frequency_threshold=2)
    >>> CategoricalColumn(key="day", dtype="int64", num_buckets=7).vocabulary is None
    True
    """

    type: Literal["categorical"] = "categorical"
    dtype: Literal["string", "int64"] = "string"
    num_buckets: pydantic.PositiveInt | None = None
    """The values are already ids, in `[0, num_buckets)`."""
    multi_valued: bool = False
    """Whether a step (or a record) may have any number of values: `embedding.combiner` combines their vectors,
    `indicator` counts them. A step without values gives zeros."""
    weighted_by: str | None = pydantic.Field(None, min_length=1)
    """Key of a feature of the steps (or of the record) with a weight for each value; implies `multi_valued`.
    `embedding.combiner` then weights the vectors in the same way as `tf.nn.safe_embedding_lookup_sparse` (only `sum`
    uses values without a positive weight), and `indicator` adds up the weights."""
    weight_dtype: Literal["float32", "int64"] = "float32"
    """Dtype of the weights in the record."""

    @pydantic.model_validator(mode="before")
    @classmethod
    def _weighted_are_several(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("weighted_by") is not None:
            data = {"multi_valued": True, **data}
        return data

    @pydantic.model_validator(mode="after")
    def _check(self) -> CategoricalColumn:
        if self.num_buckets and self.dtype != "int64":
            raise ValueError("num_buckets needs ids: add 'dtype: int64', or use a vocabulary for strings")
        if self.num_buckets and (self.default_value or 0) >= self.num_buckets:
            raise ValueError(f"default_value {self.default_value} is not an id in [0, {self.num_buckets})")
        if self.lowercase and self.dtype != "string":
            raise ValueError("lowercase needs dtype string")
        if self.ngram_width > 1 and (self.multi_valued or not self.is_sequence):
            raise ValueError("ngram_width needs one term per step: it joins the terms of steps that follow each other")
        if self.weighted_by is not None and not self.multi_valued:
            raise ValueError("weighted_by needs several values per step or record: remove multi_valued: false")
        if self.weighted_by is None and self.weight_dtype != "float32":
            raise ValueError("weight_dtype needs weighted_by: set it too, or remove weight_dtype")
        return self

    @property
    def term_dtype(self) -> str:
        """`string` or `int64`."""
        return self.dtype

    @property
    def num_ids_given(self) -> int | None:
        """Number of ids, if it does not depend on a vocabulary."""
        return self.num_buckets or self.hash_bucket_size

    @property
    def has_several_ids(self) -> bool:
        """The value of `multi_valued`."""
        return self.multi_valued

    @property
    def name(self) -> str:
        """The name of a term column, including the key of its weights if it has any."""
        if self.weighted_by is None:
            return super().name
        return self._representation_name(f"{self.key}_weighted_by_{self.weighted_by}")

    @property
    def alignments(self) -> tuple[str, ...]:
        """A step can only collect the values of several times if it can have several values."""
        return ("previous", "nearest", "collect") if self.multi_valued else ("previous", "nearest")

    @property
    def further_features(self) -> tuple[FurtherFeature, ...]:
        """The weights."""
        if self.weighted_by is None:
            return ()
        return (FurtherFeature(self.weighted_by, self.is_sequence, self.weight_dtype, several=True),)


class TextColumn(_TermColumn):
    r"""A string that is split into tokens.

    For a sequence feature, the tokens of the record's string are the steps
    (`source: context`), or each step has a string whose tokens are combined into one vector
    (`source: sequence`). For a context feature, the tokens of the record's string
    are combined into one vector. Vocabularies contain tokens.

    >>> TextColumn(key="review", is_sequence=True, lowercase=True).split
    'whitespace'
    >>> TextColumn(key="review", split="regex", pattern=r"[^\w]+").has_several_ids
    True
    >>> TextColumn(key="review", split="bytes").num_ids_given
    256
    """

    type: Literal["text"] = "text"
    source: Literal["context", "sequence"] = "context"
    """Where the string is stored, for a sequence feature."""
    split: Literal["whitespace", "regex", "characters", "bytes"] = "whitespace"
    """At ASCII white space; at matches of `pattern`; into Unicode characters; or into bytes,
    which are their own ids, 0 to 255, unless a vocabulary is given."""
    pattern: str | None = None
    """The delimiter between tokens, for `split: regex`, in RE2 syntax."""

    @classmethod
    def _computes(cls, data: dict[str, Any]) -> bool:
        return data.get("split") != "bytes"

    @pydantic.model_validator(mode="after")
    def _check(self) -> TextColumn:
        if (self.split == "regex") != (self.pattern is not None):
            raise ValueError("pattern and 'split: regex' must be set together")
        if self.pattern is not None:
            try:
                matches_nothing = re.compile(self.pattern).match("") is not None
            except re.error as error:
                raise ValueError(f"pattern is not a regular expression: {error}") from error
            if matches_nothing:
                raise ValueError(
                    f"pattern '{self.pattern}' matches the empty string; use 'split: characters' for single characters"
                )
        if not self.is_sequence and self.source == "sequence":
            raise ValueError("source: sequence is only for sequence features")
        return self

    @property
    def alignments(self) -> tuple[str, ...]:
        """The methods that give one text for each step."""
        return ("previous", "nearest")

    @property
    def are_bytes_ids(self) -> bool:
        """Whether the bytes of the tokens are their ids."""
        return self.split == "bytes" and not any(getattr(self, k, None) is not None for k in ID_SOURCES)

    @property
    def num_ids_given(self) -> int | None:
        """Number of ids, if it does not depend on a vocabulary."""
        return 256 if self.are_bytes_ids else self.hash_bucket_size

    @property
    def refuses_unknown(self) -> bool:
        """Whether a token without an id is an error."""
        return not self.are_bytes_ids and super().refuses_unknown

    @property
    def has_several_ids(self) -> bool:
        """True unless the tokens are the steps."""
        return not (self.is_sequence and self.source == "context")

    @property
    def id_source(self) -> tuple[Any, ...]:
        """The fields that determine a token's id."""
        return (*super().id_source, self.are_bytes_ids)


ID_SOURCES = ("vocabulary", "vocabulary_list", "vocabulary_file", "num_buckets", "hash_bucket_size")
