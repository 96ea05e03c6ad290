"""Transforms the numbers of a feature in the graph: the statistics it needs, and the normalization.

Inputs are `[N, E]` float64, for all steps of the batch (or all records, for context), NaN for missing values. Outputs
are `[N, E]` float32; a missing value is the mean, which is 0 except for `min_max`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tfx_sequences.components.numbers.choice import CHOICES, MOST_ELEMENTS
from tfx_sequences.components.numbers.record_normalizers import normalize_records
from tfx_sequences.components.numbers.split_normalizers import (
    RANKS,
    SplitNumbers,
    log1p_z_score,
    min_max,
    quantile_to_normal,
    robust,
    signed_log1p,
    z_score,
)
from tfx_sequences.components.transform.number_analyzer import NumberRequest
from tfx_sequences.schemas.columns.column import BucketizedColumn, NumericColumn, TimeColumn
from tfx_sequences.schemas.columns.numeric_columns import RECORD_NORMALIZERS
from tfx_sequences.schemas.features.record_scales import may_be_per_record
from tfx_sequences.schemas.spec.record_history import is_causal
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

# Maximum size of a batch that is padded at once; larger batches (very long records) go record by record.
_PADDED_AT_ONCE = 1 << 24
_QUARTERS = 4
_FARTHEST_SCALE = 5.0
_SPLIT = {
    "z_score": z_score,
    "min_max": min_max,
    "robust": robust,
    "quantile": quantile_to_normal,
    "log1p": log1p_z_score,
}
# Number of parts into which quantiles divide the values; with one part, they are the minimum and the maximum.
_QUANTILES = {"z_score": 0, "min_max": 1, "robust": _QUARTERS, "quantile": RANKS, "log1p": 0}


def request_of(spec: SequenceSpec, name: str) -> NumberRequest | None:
    """The statistics of the training split that a column needs, or None."""
    column = spec.columns[name]
    if isinstance(column, BucketizedColumn):
        return NumberRequest(name, column.size, False, column.num_buckets) if column.num_buckets else None
    if isinstance(column, TimeColumn):
        quantiles, spans = _QUANTILES.get(column.normalizer), len(column.durations)
        return NumberRequest(name, spans, False, quantiles) if spans and quantiles is not None else None
    if not isinstance(column, NumericColumn):
        return None
    may = may_be_per_record(spec, name)
    if column.normalizer == "auto":
        ranks = RANKS if column.size <= MOST_ELEMENTS else 0
        return NumberRequest(name, column.size, may, ranks, chooses=True, per_record=may)
    if column.scale_feature:
        return NumberRequest(name, column.size, True)
    quantiles = _QUANTILES.get(column.method)
    return None if quantiles is None else NumberRequest(name, column.size, False, quantiles)


@dataclasses.dataclass(frozen=True)
class TransformedNumbers:
    """The transformed numbers of a column.

    Attributes:
        values: float32 `[N, E]`.
        scales: float32 `[M, 2 * E]`, scale and location of the record at each step: `M` is `N`, or 0 if `auto` did
            not choose a per-record normalizer. None if they were not requested.
    """

    values: tf.Tensor
    scales: tf.Tensor | None = None


def normalized_by_split(values: tf.Tensor, method: str, split: SplitNumbers | None) -> tf.Tensor:
    """Numbers `[N, E]`, NaN for missing ones, normalized with statistics of the training split; float64."""
    there = tf.logical_not(tf.math.is_nan(values))
    known = tf.where(there, values, tf.zeros([], values.dtype))
    if method == "none":
        return known
    normalize = _SPLIT[method]
    mean = min_max(_given(split).parameter("mean"), _given(split)) if normalize is min_max else 0.0
    return tf.where(there, normalize(known, _given(split)), mean)


def transform_numbers(
    values: tf.Tensor, lengths: Any, spec: SequenceSpec, name: str, split: SplitNumbers | None, *, with_scales: bool
) -> TransformedNumbers:
    """Normalizes the numbers of a column.

    Args:
        values: `[N, E]`, NaN for missing ones; offset and scale are already applied.
        lengths: int64 `[B]`, steps of each record, for a sequence feature.
        spec: The spec.
        name: The column's transformed name.
        split: The statistics requested by `request_of`.
        with_scales: Whether to return scale and location too.
    """
    column: Any = spec.columns[name]

    def by_split(method: str) -> TransformedNumbers:
        numbers = finished(normalized_by_split(values, method, split), column)
        return TransformedNumbers(numbers, tf.zeros([0, 2 * column.size]) if with_scales else None)

    def by_record(normalizer: Any) -> TransformedNumbers:
        numbers, location, scale = _normalized(values, lengths, normalizer, is_causal(spec, column))
        scales = _scale_features(location, scale, _given(split)) if with_scales else None
        return TransformedNumbers(finished(numbers, column), scales)

    if column.method == "none":
        return TransformedNumbers(finished(normalized_by_split(values, "none", None), column))
    if column.method in RECORD_NORMALIZERS:
        return by_record(column.method)
    if column.method != "auto":
        return by_split(column.method)
    ways: dict[str, Callable[[], TransformedNumbers]] = {
        "z_score": lambda: by_split("z_score"),
        "log1p": lambda: by_split("log1p"),
        "quantile": lambda: by_split("quantile"),
        "per_record": lambda: by_record("per_record"),
    }
    # Normalizers that cannot be chosen are not traced, because their statistics do not exist.
    if _given(split).quantiles is None:
        ways["quantile"] = ways["log1p"]
    if not may_be_per_record(spec, name):
        ways["per_record"] = ways["z_score"]
    branches = [lambda way=ways[choice]: _as_list(way()) for choice in CHOICES]
    found = tf.switch_case(tf.cast(_given(split).choice, tf.int32), branches)
    values, *scales = found if with_scales else [found]
    return TransformedNumbers(
        tf.ensure_shape(values, [None, column.size]),
        tf.ensure_shape(scales[0], [None, 2 * column.size]) if scales else None,
    )


def _as_list(numbers: TransformedNumbers) -> Any:
    return numbers.values if numbers.scales is None else [numbers.values, numbers.scales]


def _given(split: SplitNumbers | None) -> SplitNumbers:
    if split is None:
        raise TypeError("the normalizer needs statistics of the training split")
    return split


def finished(numbers: tf.Tensor, column: NumericColumn) -> tf.Tensor:
    """Normalized numbers as they are in transformed records: clipped, in float32."""
    if column.clip is not None:
        numbers = tf.clip_by_value(numbers, -column.clip, column.clip)
    return tf.cast(numbers, tf.float32)


def _scale_features(location: tf.Tensor, scale: tf.Tensor, split: SplitNumbers) -> tf.Tensor:
    """`[N, 2 * E]`: the normalized logarithm of the scale, and `log1p` of the location in units of the scale.

    A record whose values are all equal gets the average scale of the training records.
    """
    average, spread = split.parameter("log_scale_mean"), split.parameter("log_scale_std")
    logs = tf.math.log(tf.where(scale > 0, scale, tf.ones_like(scale)))
    logs = (tf.where(scale > 0, logs, average) - average) / tf.where(spread > 0, spread, tf.ones_like(spread))
    ratio = location / tf.where(scale > 0, scale, tf.exp(average))
    features = tf.concat([tf.clip_by_value(logs, -_FARTHEST_SCALE, _FARTHEST_SCALE), signed_log1p(ratio)], axis=1)
    return tf.cast(features, tf.float32)


def _normalized(values: tf.Tensor, lengths: tf.Tensor, normalizer: Any, causal: bool) -> list[tf.Tensor]:
    """Values, location and scale, `[N, E]` each."""
    elements = values.shape[1]
    lengths = tf.cast(lengths, tf.int64)
    longest = tf.maximum(tf.reduce_max(tf.concat([lengths, [0]], axis=0)), 1)

    def of(numbers: tf.Tensor, its_lengths: tf.Tensor, steps: tf.Tensor) -> tf.Tensor:
        ragged = tf.RaggedTensor.from_row_lengths(numbers, its_lengths, validate=False)
        shape = tf.stack([tf.constant(-1, tf.int64), steps, tf.constant(elements, tf.int64)])
        padded = tf.ensure_shape(ragged.to_tensor(0.0, shape=shape), [None, None, elements])
        real = tf.sequence_mask(its_lengths, steps)
        found = normalize_records(
            padded, real[..., None] & tf.logical_not(tf.math.is_nan(padded)), normalizer, causal=causal
        )
        parts = [tf.broadcast_to(x, tf.shape(padded)) for x in (found.values, found.location, found.scale)]
        return tf.boolean_mask(tf.concat(parts, axis=2), real)

    def record_by_record() -> tf.Tensor:
        ends = tf.cumsum(lengths)
        array = tf.TensorArray(tf.float64, tf.size(lengths), infer_shape=False, element_shape=[None, 3 * elements])

        def one(at: tf.Tensor, found: Any) -> tuple[tf.Tensor, Any]:
            its = lengths[at]
            return at + 1, found.write(at, of(values[ends[at] - its : ends[at]], its[None], tf.maximum(its, 1)))

        _, array = tf.while_loop(lambda at, _: at < tf.size(lengths), one, (tf.constant(0), array))
        return array.concat()

    padded = tf.size(lengths, tf.int64) * longest * elements
    joined = tf.cond(padded <= _PADDED_AT_ONCE, lambda: of(values, lengths, longest), record_by_record)
    return tf.split(tf.ensure_shape(joined, [None, 3 * elements]), 3, axis=1)
