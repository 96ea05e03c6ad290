"""Windows of series for forecasts: a history, and the values that follow it.

The same function cuts them in training, where histories end at randomly drawn steps, and in evaluation,
where they end at the end of the record's history. A window takes its future from its own record, so it
does not contain anything of another split.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfx_sequences.components.batches.truncation import slice_steps
from tfx_sequences.schemas.columns.names import SEQUENCE_LENGTH, SEQUENCE_PREFIX
from tfx_sequences.schemas.features.record_scales import read_features
from tfx_sequences.schemas.features.transformed_features import future_name, label_name, mase_scale_name
from tfx_sequences.schemas.spec.forecast_labels import forecast_options
from tfx_sequences.schemas.spec.forecasts import forecast_heads, horizon_of, known_future
from tfx_sequences.schemas.spec.label import Label
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def windows_per_record(spec: SequenceSpec, *, training: bool) -> int:
    """Number of rows per record."""
    if not training:
        return 1
    return max((forecast_options(label).windows for label in forecast_heads(spec).values()), default=1) or 1


def cut_forecast_windows(features: dict[str, Any], spec: SequenceSpec, seed: tf.Tensor | None = None) -> dict[str, Any]:
    """The windows of a batch of records, grouped by record.

    With a `seed`, each record gives `forecast.windows` windows. The lengths of their histories are drawn uniformly
    from `horizon` (or all steps, if there are fewer) to the longest that leaves a complete future. Without a seed, or
    with `windows: 0`, there is one window, whose history is the record's.

    Args:
        features: Transform's output by transformed name, including labels.
        spec: The spec, whose labels are forecasts.
        seed: Integer `[2]`, in training.

    Returns:
        The same features with `W` rows: sequences ragged `[W, T, ...]`, at most the last `max_length` steps of the
        history; labels float32 `[W, horizon + 1]`: the values that follow it and, last, the scale of MASE
        (0 if a history does not have one); futures of known features `[W, horizon, ...]`.
    """
    features = read_features(features, spec)
    heads = forecast_heads(spec)
    some = next(iter(heads.values()))
    horizon = horizon_of(spec)
    lengths = tf.cast(features[SEQUENCE_LENGTH], tf.int64)
    ends = tf.maximum(lengths - horizon, 0) if some.is_cut_out else lengths
    rows = tf.range(tf.size(lengths, tf.int64))
    origins = ends
    if seed is not None and forecast_options(some).windows:
        number = windows_per_record(spec, training=True)
        lowest = tf.minimum(ends, horizon)[:, None]
        drawn = tf.random.stateless_uniform([tf.size(lengths), number], seed, dtype=tf.float64)
        spare = tf.cast(ends[:, None] - lowest + 1, tf.float64)
        origins = tf.reshape(tf.minimum(lowest + tf.cast(drawn * spare, tf.int64), ends[:, None]), [-1])
        rows = tf.repeat(rows, number)
    seen = origins if spec.batching.max_length is None else tf.minimum(origins, spec.batching.max_length)
    cut: dict[str, Any] = {SEQUENCE_LENGTH: seen}
    for name, values in features.items():
        if name.startswith(SEQUENCE_PREFIX):
            cut[name] = slice_steps(values, origins - seen, seen, rows)
        elif name != SEQUENCE_LENGTH:
            cut[name] = tf.gather(values, rows)
    for head, label in heads.items():
        series = features[SEQUENCE_PREFIX + str(label.target)]
        future = None if label.is_cut_out else features[label_name(head)]
        scales = _mase_scales(features, head, label, ends)
        steps = _following(series, future, rows, origins, horizon)
        cut[label_name(head)] = tf.concat([steps, tf.gather(scales, rows)[:, None]], axis=1)
    for name in known_future(spec):
        known = features[SEQUENCE_PREFIX + name]
        cut[future_name(name)] = _following(known, features[future_name(name)], rows, origins, horizon)
    return cut


def _following(series: tf.RaggedTensor, future: Any, rows: tf.Tensor, origins: tf.Tensor, horizon: int) -> tf.Tensor:
    """The `horizon` values from a step on, `[W, horizon, ...]`: from the series and, after its end, from its future."""
    lengths = tf.gather(tf.cast(series.row_lengths(), tf.int64), rows)[:, None]
    steps = origins[:, None] + tf.range(horizon, dtype=tf.int64)
    starts = tf.gather(tf.cast(series.row_starts(), tf.int64), rows)[:, None]
    # One additional value, so that the gather works for a batch without values.
    values = tf.concat([series.values, tf.zeros([1, *series.shape[2:]])], axis=0)
    last = tf.shape(values, tf.int64)[0] - 1
    within = tf.gather(values, tf.minimum(starts + steps, last))
    if future is None:
        return within
    behind = tf.gather(tf.gather(future, rows), tf.clip_by_value(steps - lengths, 0, horizon - 1), batch_dims=1)
    inside = tf.reshape(steps < lengths, tf.concat([tf.shape(steps), tf.ones([within.shape.rank - 2], tf.int32)], 0))
    return tf.where(inside, within, behind)


def _mase_scales(features: dict[str, Any], head: str, label: Label, ends: tf.Tensor) -> tf.Tensor:
    """`[B]`: the spec's `mase_scale`, or the mean absolute difference of the history, `seasonality` steps apart."""
    if label.mase_scale:
        return tf.cast(features[mase_scale_name(head)], tf.float32)
    series = features[SEQUENCE_PREFIX + str(label.target)]
    lag = forecast_options(label).seasonality
    of_row = tf.cast(series.value_rowids(), tf.int64)
    at = tf.range(tf.size(series.values, tf.int64))
    step = at - tf.gather(tf.cast(series.row_starts(), tf.int64), of_row)
    counts = (step >= lag) & (step < tf.gather(ends, of_row))
    apart = tf.abs(series.values - tf.gather(series.values, tf.maximum(at - lag, 0)))
    rows = tf.cast(series.nrows(), tf.int64)
    total = tf.math.unsorted_segment_sum(tf.where(counts, apart, 0.0), of_row, rows)
    return tf.math.divide_no_nan(total, tf.math.unsorted_segment_sum(tf.cast(counts, tf.float32), of_row, rows))
