"""Columns of numbers, as they are or in buckets."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

import pydantic

from tfx_sequences.schemas.columns.base import AsTuple, Declared, Sizes
from tfx_sequences.schemas.columns.byte_numbers import ByteLayout, EncodedNumbers
from tfx_sequences.schemas.columns.column_base import BaseColumn, FurtherFeature, IdColumn, size_of
from tfx_sequences.schemas.columns.keyed_normalizer import ZScoreBy

Numbers = Annotated[tuple[float, ...], AsTuple]
RecordNormalizer = Literal["per_record", "per_record_robust", "per_record_min_max"]
Normalizer = Literal["auto", "z_score", "min_max", "robust", "quantile", "log1p", RecordNormalizer, "none"]
SplitNormalizer = Literal["none", "z_score", "min_max", "robust", "quantile", "log1p"]
WholeNumbers = Annotated[tuple[int | float, ...], AsTuple]
Missing = Literal["mean", "default", "previous", "interpolate"]

RECORD_NORMALIZERS: tuple[str, ...] = get_args(RecordNormalizer)
"""Normalizers that use the statistics of the record itself."""
SPLIT_NORMALIZERS = ("auto", "z_score", "min_max", "robust", "quantile")
"""Normalizers that need the statistics of the training split."""
STEP_OFFSETS = ("first", "previous", "last")
"""Offsets that are the value of another step in the record."""
FILLED_FROM_STEPS = ("previous", "interpolate")
"""Values of `missing` that use other steps of the record."""


class Scaling(Declared):
    """`(x - offset) * scale`, computed in 64 bits before the conversion to float32; integers do not lose digits.

    >>> Scaling(offset=3.0, scale=0.5)
    Scaling(offset=3.0, scale=0.5, then='none')
    >>> Scaling(offset="previous", then="z_score").names_feature
    False
    """

    offset: int | float | WholeNumbers | str = 0.0
    """Subtracted first: a number, or one per element of the column's shape; `first`, `previous` or `last`, the value of
    that step of the same record (the first step does not have a previous one and becomes 0); or another feature: the
    name of a numeric column, or the key of a context feature with this column's dtype."""
    scale: float | Numbers = 1.0
    """The factor after the subtraction: a number, or one per element."""
    then: SplitNormalizer = "none"
    """The normalizer to apply afterwards, with statistics of the training split."""

    @property
    def names_feature(self) -> bool:
        """Whether the offset is another feature."""
        return isinstance(self.offset, str) and self.offset not in STEP_OFFSETS


class _Numbers(BaseColumn):
    shape: Sizes = ()
    """Shape of one step's value; `()` is a scalar."""
    dtype: Literal["float32", "int64"] = "float32"
    """Dtype of the values in the record. The model gets float32."""
    missing_value: int | float | None = None
    """A stored number that marks a missing value, such as -9999. NaN always marks one too. In an array, each element
    can be missing."""

    @property
    def size(self) -> int:
        """Number of values in one step."""
        return size_of(self.shape)

    @property
    def alignments(self) -> tuple[str, ...]:
        """The methods that give one value per step; values with different keys cannot be interpolated."""
        by_step_key = any(further.is_sequence for further in self.further_features)
        return ("previous", "nearest") if by_step_key else ("previous", "nearest", "interpolate")


def _whole(dtype: str, number: float | None) -> None:
    if dtype == "int64" and number is not None and not number.is_integer():
        raise ValueError(f"default_value {number} is not an int64; give a whole number")


class NumericColumn(EncodedNumbers, _Numbers):
    """Numbers: a scalar or an array of fixed `shape` per step (or per record).

    >>> NumericColumn(key="lpc", shape=(12,), is_sequence=True).size
    12
    """

    type: Literal["numeric"] = "numeric"
    default_value: float | None = None
    """Replaces a missing value, in the units of the record. None: a missing step becomes the mean (0 after
    normalization), and a missing context feature is an error unless `missing` or `indicator` is set."""
    missing: Missing | None = None
    """The replacement of a missing value: `mean`, which is 0 after normalization (for `min_max`: the mean of the
    training split); `default`, the `default_value`; `previous`, the last value of that element in an earlier step; or
    `interpolate`, a linear interpolation by step number between the values before and after it. Before the first value
    (for `previous`), or in a record without values, it is the `default_value`, otherwise the mean. None: `default` if
    there is a `default_value`, otherwise `mean`."""
    indicator: bool = False
    """Whether the model also gets the observed mask: for each element, 1 if it has a value and 0 if it is missing."""
    normalizer: Normalizer | Scaling | ZScoreBy = "auto"
    """Applied per element of `shape`. With statistics of the training split: `z_score` (mean and standard deviation),
    `min_max`, `robust` (median and interquartile range), `quantile` (ranks, mapped to a normal distribution), `log1p`
    (`sign(x) * log1p(|x|)`, then its `z_score`). With statistics of the record itself: `per_record` (mean and standard
    deviation), `per_record_robust` (median and interquartile range), `per_record_min_max`. `auto` chooses one of
    `z_score`, `log1p`, `quantile` and `per_record` from the training split, and reports it. It can also be a mapping of
    `offset`, `scale` and `then`: `(x - offset) * scale`, followed by another normalizer; or of `z_score_by`: statistics
    for each value of another feature."""
    clip: pydantic.PositiveFloat | None = None
    """Normalized values are clipped to the range from `-clip` to `clip`."""
    causal: bool | None = None
    """For the normalizers per record (and `auto`): each step is normalized with the steps up to it, not with the whole
    record. None: true if the network is not bidirectional, or if a label is per step or a forecast."""
    scale_feature: bool | None = None
    """For the normalizers per record (and `auto`): the model also gets, for each element, the logarithm of the record's
    scale (its `z_score`) and the record's location, as `log1p` of its ratio to the scale. None: true if `auto` chose
    the normalizer."""

    @property
    def further_features(self) -> tuple[FurtherFeature, ...]:
        """The feature with the keys for normalization."""
        normalizer = self.normalizer
        if not isinstance(normalizer, ZScoreBy):
            return ()
        of_steps = self.is_sequence if normalizer.source is None else normalizer.source == "sequence"
        return (FurtherFeature(normalizer.z_score_by, of_steps, normalizer.dtype),)

    @pydantic.model_validator(mode="after")
    def _check(self) -> NumericColumn:
        _whole(self.dtype, self.default_value)
        self._check_missing()
        self._check_encoding(self.dtype)
        if isinstance(self.normalizer, ZScoreBy) and self.normalizer.source == "sequence" and not self.is_sequence:
            raise ValueError("normalizer: source: sequence is for a column among the sequence features")
        by_record = self.normalizer in RECORD_NORMALIZERS
        if by_record and not self.is_sequence:
            raise ValueError(
                f"normalizer {self.normalizer} needs the steps of a record, but this is not a sequence feature"
            )
        may_be = by_record or (self.normalizer == "auto" and self.is_sequence)
        for name in ("causal", "scale_feature"):
            if getattr(self, name) is not None and not may_be:
                raise ValueError(f"{name} belongs to {', '.join(RECORD_NORMALIZERS)} and auto; leave it out")
        if isinstance(self.normalizer, Scaling):
            for name in ("offset", "scale"):
                given = getattr(self.normalizer, name)
                if isinstance(given, tuple) and len(given) != self.size:
                    raise ValueError(
                        f"normalizer.{name} has {len(given)} numbers, shape {list(self.shape)} {self.size}"
                    )
            if self.normalizer.offset in STEP_OFFSETS and not self.is_sequence:
                raise ValueError(f"offset: {self.normalizer.offset} needs the steps of a record")
        return self

    @property
    def alignments(self) -> tuple[str, ...]:
        """The methods of `align` that suit the column; encoded numbers cannot be interpolated."""
        return tuple(m for m in super().alignments if self.encoding is None or m != "interpolate")

    @property
    def layout(self) -> ByteLayout | None:
        """The layout of a step's numbers in bytes; None if the record has a list of numbers."""
        return None if self.encoding is None else ByteLayout(self.encoding, self.size, self.big_endian)

    @property
    def stays_encoded(self) -> bool:
        """Whether transformed records contain the same bytes, which are decoded in the batch."""
        fills = self.missing in FILLED_FROM_STEPS or self.indicator or self.missing_value is not None
        return self.encoding is not None and not fills and (self.normalizer == "none" or self._is_plainly_scaled)

    @property
    def _is_plainly_scaled(self) -> bool:
        scaling = self.normalizer
        return isinstance(scaling, Scaling) and not isinstance(scaling.offset, str) and scaling.then == "none"

    @property
    def method(self) -> str:
        """The name of the normalizer that follows offset and scale."""
        if isinstance(self.normalizer, ZScoreBy):
            return "z_score_by"
        return self.normalizer.then if isinstance(self.normalizer, Scaling) else self.normalizer

    def _check_missing(self) -> None:
        if self.missing == "default" and self.default_value is None:
            raise ValueError("missing: default needs a default_value")
        if self.missing == "mean" and self.default_value is not None:
            raise ValueError("missing: mean and default_value contradict each other; leave one of them out")
        if self.missing in FILLED_FROM_STEPS and not self.is_sequence:
            raise ValueError(f"missing: {self.missing} needs other steps, but this is not a sequence feature")


class BucketizedColumn(IdColumn, _Numbers):
    """Numbers as buckets.

    `boundaries` b1 < b2 < ... define the buckets `(-inf, b1)`, `[b1, b2)`, ...,
    `[bn, inf)`; `num_buckets` uses the quantiles of the training split instead. An array of `size`
    values has separate ids for each element. Without `embedding`, the model gets one-hot vectors,
    whose length is the number of buckets times `size`.

    >>> BucketizedColumn(key="age", boundaries=(18, 65)).num_ids
    3
    >>> BucketizedColumn(key="age", num_buckets=10).num_ids
    10
    """

    type: Literal["bucketized"] = "bucketized"
    boundaries: Annotated[Numbers, pydantic.Field(min_length=1)] | None = None
    """In increasing order; a value equal to a boundary is in the bucket above it."""
    num_buckets: Annotated[int, pydantic.Field(ge=2)] | None = None
    """Instead of `boundaries`: this number of buckets, each with an equal fraction of the training split's values, for
    each element; if many values are equal, some buckets stay empty."""
    default_value: float | None = None
    """Replaces a missing value. None: a missing step does not have a bucket (a vector of
    zeros), and a missing context feature is an error."""

    @pydantic.model_validator(mode="after")
    def _check(self) -> BucketizedColumn:
        _whole(self.dtype, self.default_value)
        if (self.boundaries is None) == (self.num_buckets is None):
            raise ValueError("give boundaries, or num_buckets for those of the training split's quantiles")
        if self.boundaries is not None and list(self.boundaries) != sorted(set(self.boundaries)):
            raise ValueError("boundaries must rise, each greater than the one before it")
        return self

    @property
    def buckets(self) -> int:
        """Number of buckets of one element."""
        return self.num_buckets or len(self.boundaries or ()) + 1

    @property
    def num_ids(self) -> int:
        """Number of ids: one per bucket and element of `shape`."""
        return self.size * self.buckets

    @property
    def is_indicator(self) -> bool:
        """One-hot unless an embedding is given."""
        return self.embedding is None

    @property
    def has_several_ids(self) -> bool:
        """Whether the column is an array, which has an id per element."""
        return bool(self.shape)

    @property
    def id_source(self) -> tuple[Any, ...]:
        """The boundaries and the number of elements; quantiles also depend on the feature."""
        if self.boundaries is None:
            return ("bucketized", self.num_buckets, self.size, self.key, self.is_sequence)
        return ("bucketized", self.boundaries, self.size)

    @property
    def name(self) -> str:
        """`KEY_bucketized`, followed by `_embedding` if the column has one."""
        base = f"{self.key}_bucketized"
        return base if self.is_indicator else self._representation_name(base)
