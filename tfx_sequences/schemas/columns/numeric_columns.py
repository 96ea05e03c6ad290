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
"""Those that take the statistics of the record itself."""
SPLIT_NORMALIZERS = ("auto", "z_score", "min_max", "robust", "quantile")
"""Those that need the statistics of the training split."""
STEP_OFFSETS = ("first", "previous", "last")
"""Offsets that are the value of another step of the record."""
FILLED_FROM_STEPS = ("previous", "interpolate")
"""What `missing` may say that takes values of other steps of the record."""


class Scaling(Declared):
    """`(x - offset) * scale`, computed in 64 bits before it becomes float32; whole numbers lose no digit.

    >>> Scaling(offset=3.0, scale=0.5)
    Scaling(offset=3.0, scale=0.5, then='none')
    >>> Scaling(offset="previous", then="z_score").names_feature
    False
    """

    offset: int | float | WholeNumbers | str = 0.0
    """Subtracted first: a number, or one per element of the column's shape; `first`, `previous` or `last`, the value of
    that step of the same record (the first step has no previous one and becomes 0); or another feature: the name of a
    numeric column, or the key of a context feature of this column's dtype."""
    scale: float | Numbers = 1.0
    """Multiplied by afterwards; a number, or one per element."""
    then: SplitNormalizer = "none"
    """The normaliser by statistics of the training split that follows."""

    @property
    def names_feature(self) -> bool:
        """The offset is another feature."""
        return isinstance(self.offset, str) and self.offset not in STEP_OFFSETS


class _Numbers(BaseColumn):
    shape: Sizes = ()
    """Shape of one step's value; `()` is a scalar."""
    dtype: Literal["float32", "int64"] = "float32"
    """How the values are stored in the record. The model sees float32."""
    missing_value: int | float | None = None
    """A stored number that says that a value is missing, as -9999 does in some records. NaN says so too, always; of an
    array, each element is missing or not by itself."""

    @property
    def size(self) -> int:
        """Number of values in one step."""
        return size_of(self.shape)

    @property
    def alignments(self) -> tuple[str, ...]:
        """Those that give one value for each step; between keys there is nothing to interpolate."""
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
    """Replaces a missing value, as a number of the record's units. None: a missing step becomes the mean (0 after
    normalisation), and a missing context feature is an error unless `missing` or `indicator` is given."""
    missing: Missing | None = None
    """What a missing value becomes: `mean`, which is 0 after normalisation (of `min_max` the mean of the training
    split); `default`, the `default_value`; `previous`, the last value of that element in an earlier step; or
    `interpolate`, a line by the number of steps between the values before and after it. Before the first value (of
    `previous`), or where a record has none, it is the `default_value`, or else the mean. None: `default` where there is
    a `default_value`, else `mean`."""
    indicator: bool = False
    """The model also gets the observed mask: for each element 1 where it has a value, 0 where it is missing."""
    normalizer: Normalizer | Scaling | ZScoreBy = "auto"
    """Applied per element of `shape`. By statistics of the training split: `z_score` (mean and standard deviation),
    `min_max`, `robust` (median and distance of the quartiles), `quantile` (ranks, as a normal distribution has them),
    `log1p` (`sign(x) * log1p(|x|)`, then its `z_score`). By those of the record alone: `per_record` (mean and standard
    deviation), `per_record_robust` (median and distance of the quartiles), `per_record_min_max`. `auto` chooses one of
    `z_score`, `log1p`, `quantile` and `per_record` from the training split, and says which. Or a mapping of `offset`,
    `scale` and `then`: `(x - offset) * scale` and the normaliser that follows; or of `z_score_by`: statistics of each
    value of another feature."""
    clip: pydantic.PositiveFloat | None = None
    """Normalised values beyond this, up or down, become it."""
    causal: bool | None = None
    """For the normalisers per record (and `auto`): each step is normalised by the steps up to it, not by the whole
    record. None: true where the network is not bidirectional, or a label is one of steps or a forecast."""
    scale_feature: bool | None = None
    """For the normalisers per record (and `auto`): the model also gets, for each element, the logarithm of the record's
    scale (its `z_score`) and the record's location, as `log1p` of its ratio to the scale. None: true where `auto` has
    chosen the normaliser."""

    @property
    def further_features(self) -> tuple[FurtherFeature, ...]:
        """The keys that values are normalised by."""
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
        """The methods of `align` that suit the column: bytes have nothing between them."""
        return tuple(m for m in super().alignments if self.encoding is None or m != "interpolate")

    @property
    def layout(self) -> ByteLayout | None:
        """How bytes hold the numbers of a step; None where the record holds a list of numbers."""
        return None if self.encoding is None else ByteLayout(self.encoding, self.size, self.big_endian)

    @property
    def stays_encoded(self) -> bool:
        """Transformed records hold the same bytes, which become numbers in the batch."""
        fills = self.missing in FILLED_FROM_STEPS or self.indicator or self.missing_value is not None
        return self.encoding is not None and not fills and (self.normalizer == "none" or self._is_plainly_scaled)

    @property
    def _is_plainly_scaled(self) -> bool:
        scaling = self.normalizer
        return isinstance(scaling, Scaling) and not isinstance(scaling.offset, str) and scaling.then == "none"

    @property
    def method(self) -> str:
        """The name of the normaliser, after offset and scale."""
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
    """Numbers as the buckets they fall into.

    `boundaries` b1 < b2 < ... make the buckets `(-inf, b1)`, `[b1, b2)`, ...,
    `[bn, inf)`; `num_buckets` takes for them the quantiles of the training split. An array of `size`
    values has ids of its own for each element. Without `embedding` the model gets one-hot vectors,
    as wide as the number of buckets times `size`.

    >>> BucketizedColumn(key="age", boundaries=(18, 65)).num_ids
    3
    >>> BucketizedColumn(key="age", num_buckets=10).num_ids
    10
    """

    type: Literal["bucketized"] = "bucketized"
    boundaries: Annotated[Numbers, pydantic.Field(min_length=1)] | None = None
    """Rising; a value equal to a boundary is in the bucket above it."""
    num_buckets: Annotated[int, pydantic.Field(ge=2)] | None = None
    """Instead of `boundaries`: this number of buckets, each with an equal share of the training split's values, element
    by element; if many values are equal, some buckets stay empty."""
    default_value: float | None = None
    """Replaces a missing value. None: a missing step is in no bucket (a vector of
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
        """An array has one per element."""
        return bool(self.shape)

    @property
    def id_source(self) -> tuple[Any, ...]:
        """The boundaries, once per element; those of quantiles are the feature's own."""
        if self.boundaries is None:
            return ("bucketized", self.num_buckets, self.size, self.key, self.is_sequence)
        return ("bucketized", self.boundaries, self.size)

    @property
    def name(self) -> str:
        """`KEY_bucketized`, with `_embedding` where it has one."""
        base = f"{self.key}_bucketized"
        return base if self.is_indicator else self._representation_name(base)
