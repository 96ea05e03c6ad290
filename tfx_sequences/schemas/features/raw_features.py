"""The features a spec reads from a record: the one list that parse specs, schema and checks share."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from typing import Any, Literal

from tfx_sequences.errors import SpecError
from tfx_sequences.schemas.columns.byte_numbers import ByteLayout
from tfx_sequences.schemas.columns.column import (
    BucketizedColumn,
    CategoricalColumn,
    CrossedColumn,
    ImageColumn,
    NumericColumn,
    Scaling,
    TimeColumn,
)
from tfx_sequences.schemas.columns.column_base import BaseColumn
from tfx_sequences.schemas.columns.names import MISSING_INT, raw_name
from tfx_sequences.schemas.spec.forecasts import horizon_of, known_future
from tfx_sequences.schemas.spec.label import Label
from tfx_sequences.schemas.spec.offsets import offset_column
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec, is_from_context

# What stands for a missing key.
_MISSING_KEY: dict[str, str | int] = {"string": "", "int64": MISSING_INT}

Role = Literal[
    "feature", "timestamps", "offset", "known_future", "label", "mase_scale", "step_weight", "example_weight", "id"
]


@dataclasses.dataclass(frozen=True)
class RawFeature:
    """One feature as the record stores it.

    Attributes:
        key: Its key in the record.
        is_sequence: It is a feature list; `False` for a context feature.
        dtype: `string`, `int64` or `float32`.
        shape: Shape of one step's value (of the record's value for context).
        default: Replaces a missing context value; None: it is required. A value of `MISSING` stays missing until
            Transform.
        role: What the spec uses it for.
        multi_valued: One step (or the record) has any number of values; `shape` is `()`.
        image: The column of images that it is for.
        layout: How a bytes value holds numbers; `dtype` is `string` then, and `shape` is `()`.
        clock: The key of the timestamps of a list that has its own; empty for the steps of the record.
    """

    key: str
    is_sequence: bool
    dtype: str
    shape: tuple[int, ...]
    default: str | int | float | None
    role: Role
    multi_valued: bool = False
    layout: ByteLayout | None = None
    image: ImageColumn | None = None
    clock: str = ""

    @property
    def tensor_name(self) -> str:
        """Name of the parsed tensor; a context and a sequence feature may share a key."""
        return raw_name(self.key, of_steps=self.is_sequence)

    @property
    def size(self) -> int:
        """Number of values of one step (of the record for context)."""
        return math.prod(self.shape)

    @property
    def required(self) -> bool:
        """A record without it is an error."""
        return not self.is_sequence and not self.multi_valued and self.default is None


def raw_features(spec: SequenceSpec | Iterable[BaseColumn], *, with_label: bool = True) -> list[RawFeature]:
    """The features `spec` reads, context before sequence, in key order.

    Args:
        spec: The spec, or columns alone.
        with_label: False leaves out labels and weights, as at serving.

    Raises:
        SpecError: Two uses of one key contradict each other.

    >>> from tfx_sequences.schemas.spec.spec_io import load_spec
    >>> [(f.tensor_name, f.dtype, f.shape) for f in raw_features(load_spec("japanese_vowels"))]
    [('speaker', 'string', ()), ('utterance_id', 'string', ()), ('sequence.lpc', 'float32', (12,))]
    """
    found: dict[str, RawFeature] = {}

    def add(feature: RawFeature) -> None:
        other = found.setdefault(feature.tensor_name, feature)
        if _as_stored(other) != _as_stored(feature):
            raise SpecError(
                f"The spec uses '{feature.key}' in two ways that contradict each other.",
                expected=f"{_described(other)}, as its use as {other.role}",
                received=f"{_described(feature)}, as {feature.role}",
                fix="Give both uses the same dtype, shape and timestamps.",
            )
        if other.default is None:
            return  # required by one use is required by all
        if _is_missing(other.default) and feature.default is not None:
            return  # missing for one use, so that each can say what it then is
        found[feature.tensor_name] = feature

    columns: Iterable[BaseColumn] = spec.columns.values() if isinstance(spec, SequenceSpec) else spec
    for column in columns:
        for feature in features_of(column):
            add(feature)
        if isinstance(spec, SequenceSpec) and (offset := offset_feature(spec, column)):
            add(offset)
    if isinstance(spec, SequenceSpec):
        if spec.id_key:
            add(RawFeature(spec.id_key, False, spec.id_dtype, (), _MISSING_KEY[spec.id_dtype], "id"))
        for name, key in known_future(spec).items():
            known = feature_of(spec.sequence[name])
            add(RawFeature(key, False, known.dtype, (horizon_of(spec), *known.shape), None, "known_future"))
        if with_label:
            for label in spec.heads.values():
                if not label.is_cut_out:
                    default = _missing_label(label)
                    several = label.has_several_terms
                    add(RawFeature(label.key, label.per_step, str(label.dtype), label.shape, default, "label", several))
                if label.mase_scale:
                    add(RawFeature(label.mase_scale, False, "float32", (), None, "mase_scale"))
                if label.step_weight:
                    add(RawFeature(label.step_weight, True, label.step_weight_dtype, (), None, "step_weight"))
            if spec.example_weight:
                add(RawFeature(spec.example_weight, False, spec.example_weight_dtype, (), None, "example_weight"))
    return sorted(found.values(), key=lambda f: (f.is_sequence, f.key))


def served_features(spec: SequenceSpec) -> list[RawFeature]:
    """Features that a prediction reads from a record, required or not: those of the columns, and known futures.

    >>> from tfx_sequences.schemas.spec.spec_io import load_spec
    >>> [f.tensor_name for f in served_features(load_spec("japanese_vowels"))]
    ['sequence.lpc']
    """
    return [feature for feature in raw_features(spec, with_label=False) if feature.role != "id"]


def key_of_items(spec: SequenceSpec) -> str:
    """The key of a feature of the steps that each record read as `record: ELWC` has, so that all its items are counted.

    Empty for other records.

    >>> lists = {"record": "ELWC", "label": {"key": "clicked", "per_step": True}}
    >>> key_of_items(SequenceSpec(name="s", sequence={"price": {"type": "numeric"}}, **lists))
    'price'
    """
    if spec.record != "ELWC":
        return ""
    return next((feature.key for feature in served_features(spec) if feature.is_sequence), "")


def offset_feature(spec: SequenceSpec, column: BaseColumn) -> RawFeature | None:
    """The feature that a column's offset names; None if it does not name one.

    >>> start = {"type": "numeric", "dtype": "int64", "normalizer": {"offset": "admitted"}}
    >>> spec = SequenceSpec(name="s", sequence={"start": start}, label={"key": "y"})
    >>> offset_feature(spec, spec.sequence["start"]).key
    'admitted'
    """
    if not isinstance(column, NumericColumn) or not isinstance(column.normalizer, Scaling):
        return None
    if not column.normalizer.names_feature:
        return None
    other = offset_column(column, spec.context, spec.sequence)
    if other is not None:
        return feature_of(other)
    return RawFeature(str(column.normalizer.offset), False, column.dtype, (), None, "offset")


def feature_of(column: BaseColumn) -> RawFeature:
    """The feature that a column reads.

    >>> from tfx_sequences.schemas.columns.column import TextColumn
    >>> feature_of(TextColumn(key="review", is_sequence=True)).is_sequence  # its tokens are the steps
    False
    """
    if isinstance(column, NumericColumn) and column.layout is not None:
        missing = None if column.default_value is None else ""
        return RawFeature(column.key, column.is_sequence, "string", (), missing, "feature", layout=column.layout)
    if isinstance(column, NumericColumn | BucketizedColumn):
        return RawFeature(
            column.key, column.is_sequence, column.dtype, column.shape, _missing_number(column), "feature"
        )
    if isinstance(column, CategoricalColumn):
        default_term = _missing_term(column)
        several = column.multi_valued
        return RawFeature(column.key, column.is_sequence, column.dtype, (), default_term, "feature", several)
    if isinstance(column, TimeColumn):
        marker = MISSING_INT if column.dtype == "int64" else math.nan
        return RawFeature(column.key, column.is_sequence, column.dtype, (), marker, "feature")
    if isinstance(column, CrossedColumn):
        dtype = column.dtype_of(column.key)
        no_term = None if column.multi_valued else _MISSING_KEY[dtype]
        return RawFeature(column.key, column.is_sequence, dtype, (), no_term, "feature", column.multi_valued)
    image = column if isinstance(column, ImageColumn) else None
    return RawFeature(column.key, not is_from_context(column), "string", (), "", "feature", image=image)


def features_of(column: BaseColumn) -> list[RawFeature]:
    """All features that a column reads, its own first.

    >>> [f.tensor_name for f in features_of(CategoricalColumn(key="genres", weighted_by="shares"))]
    ['genres', 'shares']
    """
    if column.align is None:
        return [feature_of(column), *further_features_of(column)]
    times, steps = (RawFeature(key, True, dtype, (), None, "timestamps") for key, _, dtype, _ in column.clock_features)
    own = [feature for feature in further_features_of(column) if not feature.is_sequence]
    return [*features_at_clock(column), *own, dataclasses.replace(times, clock=times.key), steps]


def features_at_clock(column: BaseColumn) -> list[RawFeature]:
    """The features of a column with `align` that have the steps of its `timestamps`, its own first."""
    of_steps = [feature for feature in (feature_of(column), *further_features_of(column)) if feature.is_sequence]
    return [dataclasses.replace(feature, clock=str(column.timestamps)) for feature in of_steps]


def further_features_of(column: BaseColumn) -> list[RawFeature]:
    """The features that a column reads beside its own: weights, keys."""
    return [
        RawFeature(key, is_sequence, dtype, (), None if several else _MISSING_KEY.get(dtype), "feature", several)
        for key, is_sequence, dtype, several in column.further_features
    ]


def _described(feature: RawFeature) -> str:
    if feature.layout is not None:
        return str(feature.layout)
    values = "any number of values" if feature.multi_valued else f"shape {list(feature.shape)}"
    clock = f" and the timestamps '{feature.clock}'" if feature.clock else ""
    return f"dtype {feature.dtype} and {values}{clock}"


def _as_stored(feature: RawFeature) -> tuple[Any, ...]:
    return feature.dtype, feature.shape, feature.multi_valued, feature.layout, feature.clock


def _missing_number(column: NumericColumn | BucketizedColumn) -> int | float | None:
    if isinstance(column, NumericColumn) and (column.indicator or column.missing == "mean"):
        return MISSING_INT if column.dtype == "int64" else math.nan
    number = column.default_value
    return int(number) if number is not None and column.dtype == "int64" else number


def _is_missing(default: object) -> bool:
    return default == MISSING_INT or (isinstance(default, float) and math.isnan(default))


def _missing_label(label: Label) -> str | int | float | None:
    """What stands for a label that a record does not have; None if it must have one."""
    if label.per_step or not label.may_be_missing:
        return None
    markers: dict[str, str | int | float] = {"string": "", "int64": MISSING_INT, "float32": math.nan}
    return markers[str(label.dtype)]


def _missing_term(column: CategoricalColumn) -> str | int | None:
    if column.dtype == "string":
        return ""
    if column.num_buckets is not None and column.default_value is None and not column.multi_valued:
        return None
    return MISSING_INT
