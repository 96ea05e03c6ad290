"""The features of transformed records: their names, and the parse spec of the layout that Transform writes."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfx_sequences.schemas.columns.column import CategoricalColumn, Column, IdColumn, ImageColumn, NumericColumn
from tfx_sequences.schemas.columns.names import SEQUENCE_LENGTH, weights_name
from tfx_sequences.schemas.features.observed_masks import observed_masks
from tfx_sequences.schemas.features.record_scales import record_scales
from tfx_sequences.schemas.spec.forecasts import horizon_of, known_future
from tfx_sequences.schemas.spec.label import Label
from tfx_sequences.schemas.spec.sequence_spec import SINGLE_HEAD, SequenceSpec

LABEL = "label"
STEP_WEIGHT = "step_weight"
MASE_SCALE = "mase_scale"
EXAMPLE_WEIGHT = "example_weight"
RECORD_ID = "id"


def label_name(head: str) -> str:
    """The transformed name of a head's label.

    >>> label_name("label"), label_name("slot")
    ('label', 'label.slot')
    """
    return LABEL if head == SINGLE_HEAD else f"{LABEL}.{head}"


def step_weight_name(head: str) -> str:
    """The transformed name of the weights of the steps of a head's label."""
    return STEP_WEIGHT if head == SINGLE_HEAD else f"{STEP_WEIGHT}.{head}"


def mase_scale_name(head: str) -> str:
    """The transformed name of the scale by which MASE divides a head's error."""
    return MASE_SCALE if head == SINGLE_HEAD else f"{MASE_SCALE}.{head}"


def future_name(name: str) -> str:
    """The transformed name of the future of a sequence feature.

    >>> future_name("holiday")
    'future.holiday'
    """
    return f"future.{name}"


def weighted_columns(spec: SequenceSpec) -> dict[str, CategoricalColumn]:
    """The columns whose values have weights, by transformed name."""
    return {
        name: column
        for name, column in spec.columns.items()
        if isinstance(column, CategoricalColumn) and column.weighted_by is not None
    }


def names_of_step_labels(spec: SequenceSpec) -> set[str]:
    """Labels and weights with one value per step."""
    heads = {name: label for name, label in spec.heads.items() if label.per_step}
    return {label_name(n) for n in heads} | {step_weight_name(n) for n, label in heads.items() if label.step_weight}


def make_parse_transformed_spec(spec: SequenceSpec, *, with_label: bool = True) -> dict[str, Any]:
    """The dict `tf.io.parse_example` takes for the records that Transform writes.

    Equal to TFT's `transformed_feature_spec()`, without needing the transform graph.

    Args:
        spec: The spec.
        with_label: Also labels and weights.

    >>> from tfx_sequences.schemas.spec.spec_io import load_spec
    >>> parsed = make_parse_transformed_spec(load_spec("japanese_vowels"))
    >>> list(parsed), [*parsed["sequence.lpc"].partitions]
    (['id', 'label', 'sequence.lpc', 'sequence.lpc.record_scale', 'sequence_length'], [UniformRowLength(length=12)])
    """
    parsed = {name: _parser(name, column) for name, column in spec.columns.items()}
    parsed |= {
        feature: _ragged(feature, tf.float32, [2 * getattr(spec.columns[name], "size", 1)], False)
        for feature, name in record_scales(spec).items()
    }
    for feature, name in observed_masks(spec).items():
        size = getattr(spec.columns[name], "size", 1)
        fixed = tf.io.FixedLenFeature([size], tf.float32)
        parsed[feature] = _ragged(feature, tf.float32, [size], False) if spec.columns[name].is_sequence else fixed
    for name in weighted_columns(spec):
        parsed[weights_name(name)] = _ragged(weights_name(name), tf.float32, [], spec.columns[name].is_sequence)
    parsed[SEQUENCE_LENGTH] = tf.io.FixedLenFeature([], tf.int64)
    if spec.id_key:
        parsed[RECORD_ID] = tf.io.FixedLenFeature([], tf.string)
    for name in known_future(spec):
        shape = getattr(spec.sequence[name], "shape", ())
        parsed[future_name(name)] = tf.io.FixedLenFeature([horizon_of(spec), *shape], tf.float32)
    if with_label:
        for head, label in spec.heads.items():
            if not label.is_cut_out:
                parsed[label_name(head)] = _label_parser(label_name(head), label)
            if label.mase_scale:
                parsed[mase_scale_name(head)] = tf.io.FixedLenFeature([], tf.float32)
            if label.step_weight:
                parsed[step_weight_name(head)] = _ragged(step_weight_name(head), tf.float32, [], False)
        if spec.example_weight:
            parsed[EXAMPLE_WEIGHT] = tf.io.FixedLenFeature([], tf.float32)
    return dict(sorted(parsed.items()))


def _parser(name: str, column: Column) -> Any:
    if isinstance(column, ImageColumn) or (isinstance(column, NumericColumn) and column.stays_encoded):
        return _ragged(name, tf.string, [], False) if column.is_sequence else tf.io.FixedLenFeature([], tf.string)
    shape = list(getattr(column, "shape", ()))
    dtype = tf.int64 if isinstance(column, IdColumn) else tf.float32
    any_number = isinstance(column, IdColumn) and column.has_several_ids and not shape
    if not column.is_sequence and not any_number:
        return tf.io.FixedLenFeature(shape, dtype)
    return _ragged(name, dtype, shape, column.is_sequence and any_number)


def _label_parser(name: str, label: Label) -> Any:
    if label.has_several_terms:
        return _ragged(name, tf.int64, [], label.per_step)
    dtype = tf.as_dtype(label.target_dtype)
    return (
        _ragged(name, dtype, [*label.shape], False) if label.per_step else tf.io.FixedLenFeature([*label.shape], dtype)
    )


def _ragged(name: str, dtype: tf.DType, shape: list[int], several: bool) -> tf.io.RaggedFeature:
    """Rows of values of a shape; `several`: each step of a row has any number of values."""
    partitions: list[Any] = [tf.io.RaggedFeature.UniformRowLength(size) for size in shape]
    if several:
        partitions = [tf.io.RaggedFeature.RowLengths(f"{name}$row_lengths_1")]
    return tf.io.RaggedFeature(
        dtype, value_key=f"{name}$ragged_values", partitions=partitions, row_splits_dtype=tf.int64
    )
