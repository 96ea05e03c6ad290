"""The data for naive answers: targets and weights, as for the model's own metrics, and known values.

They are read from transformed records, through the same input and functions as in training and evaluation, but only
with the features that are needed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfx_sequences.components.batches.label_batches import labelled_rows, pad_labels, targets_and_weights
from tfx_sequences.components.batches.missing_labels import is_marked
from tfx_sequences.components.batches.padding import longest_of, pad_steps
from tfx_sequences.components.input.bucket_planning import make_plan
from tfx_sequences.components.input.record_formats import Batch, Features, RecordFormat, transformed_records
from tfx_sequences.components.input.sequence_input import SequenceInput
from tfx_sequences.components.transform.length_histogram import LengthHistogram
from tfx_sequences.schemas.columns.column import IdColumn, NumericColumn
from tfx_sequences.schemas.columns.names import NO_ID, SEQUENCE_LENGTH, SEQUENCE_PREFIX
from tfx_sequences.schemas.features.transformed_features import (
    EXAMPLE_WEIGHT,
    future_name,
    label_name,
    make_parse_transformed_spec,
    mase_scale_name,
    step_weight_name,
)
from tfx_sequences.schemas.spec.forecasts import forecast_heads, known_future
from tfx_sequences.schemas.spec.label import Label
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec, is_from_context

# Size of a batch: records, and numbers of targets with padding.
_RECORDS, _NUMBERS = 4096, 1 << 20


@dataclasses.dataclass(frozen=True)
class HeadBatch:
    """The data of one head in one batch.

    Attributes:
        targets: Targets as returned by `targets_and_weights`.
        weights: `[B]`, or `[B, T]` for steps; targets of weight zero are ignored.
        previous: The label of the step itself, like `targets` before `shift`; None if the model does not see
            it, or if it is the target.
        ids: Id of each step by sequence feature, int64 `[B, T]`; -1 without an id.
        vectors: Values `[B, T, D]` of the sequence features that have the label's form.
        history: For a forecast: the target's values up to the last known step, `[B, T]`.
        lengths: Steps of each record, `[B]`.
    """

    targets: np.ndarray
    weights: np.ndarray
    previous: np.ndarray | None = None
    ids: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)
    vectors: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)
    history: np.ndarray | None = None
    lengths: np.ndarray | None = None


def sees_previous_label(spec: SequenceSpec, label: Label) -> bool:
    """Whether the network reads the label of a step when it predicts that of a later step."""
    keys = {column.key for column in spec.sequence.values() if not is_from_context(column)}
    return label.per_step and label.shift > 0 and label.key in keys


def id_features(spec: SequenceSpec) -> list[str]:
    """Names of the sequence features that have one id per step.

    >>> columns = {"token": {"type": "categorical"}, "price": {"type": "numeric"}}
    >>> id_features(SequenceSpec(name="s", sequence=columns, label={"key": "y"}))
    ['token']
    """
    return [
        name
        for name, column in spec.sequence.items()
        if isinstance(column, IdColumn) and not column.has_several_ids and not getattr(column, "shape", ())
    ]


def vector_features(spec: SequenceSpec, label: Label) -> list[str]:
    """Names of the sequence features that are vectors like the label, which may be their value in the next step.

    >>> columns = {"frame": {"type": "numeric", "shape": (88,), "normalizer": "none"}}
    >>> label = {"key": "next_frame", "type": "multi_label", "shape": (88,), "per_step": True}
    >>> spec = SequenceSpec(name="s", sequence=columns, label=label)
    >>> vector_features(spec, spec.label)
    ['frame']
    """
    if not (label.per_step and label.kind.has_several_classes and label.is_vector):
        return []
    return [
        name
        for name, column in spec.sequence.items()
        if isinstance(column, NumericColumn)
        and column.shape == label.shape
        and column.normalizer == "none"
        and column.encoding is None
        # The label's own feature is the previous label.
        if column.key != label.key
    ]


def naive_batches(files: Sequence[str], spec: SequenceSpec, lengths: LengthHistogram) -> Iterator[dict[str, HeadBatch]]:
    """Batches that contain every record of a split once, by head.

    Args:
        files: Transformed records.
        spec: The spec.
        lengths: Approximate lengths of the records, used for batching.
    """
    numbers = max(label.size for label in spec.heads.values())
    several = {"batch_size": _RECORDS, "token_budget": max(_NUMBERS // numbers, 1)}
    batching = spec.batching.model_copy(update={**several, "bucket_boundaries": None, "bucket_batch_sizes": None})
    read = SequenceInput(files, spec, _naive_records(spec), make_plan(lengths, batching), training=False)
    for batch in read:
        yield by_head(batch, spec)


def _naive_records(spec: SequenceSpec) -> RecordFormat:
    """The format of transformed records whose batches contain the known values instead of the network's inputs."""
    feature_spec = make_parse_transformed_spec(spec)
    needed = {SEQUENCE_LENGTH, EXAMPLE_WEIGHT, *(SEQUENCE_PREFIX + name for name in _step_features(spec))}
    for name in spec.heads:
        needed |= {label_name(name), step_weight_name(name), mase_scale_name(name)}
    for name in known_future(spec):
        needed |= {SEQUENCE_PREFIX + name, future_name(name)}
    parsed = {name: feature for name, feature in feature_spec.items() if name in needed}

    def parse(serialized: tf.Tensor) -> Features:
        return tf.io.parse_example(serialized, parsed)

    def batch(serialized: tf.Tensor, seed: tf.Tensor | None = None) -> Batch:
        del seed
        return known_and_targets(parse(serialized), spec)

    return dataclasses.replace(transformed_records(spec, feature_spec), parse=parse, batch=batch)


def known_and_targets(features: dict[str, Any], spec: SequenceSpec) -> Batch:
    """The known values of a batch of records, and their targets and weights.

    Args:
        features: By transformed name, sequences ragged: labels, weights, lengths, and known values of the steps.
        spec: The spec.

    Returns:
        Dense tensors by transformed name, and the results of `targets_and_weights`.
    """
    rows = labelled_rows(features, spec)
    dense = pad_labels(rows, spec)
    names = [SEQUENCE_PREFIX + name for name in _step_features(spec)]
    known = {name: pad_steps(rows[name], longest_of(rows[SEQUENCE_LENGTH])) for name in names}
    known |= {label_name(name): dense[label_name(name)] for name in spec.heads}
    known[SEQUENCE_LENGTH] = dense[SEQUENCE_LENGTH]
    return known, *targets_and_weights(dense, spec)


def by_head(batch: Batch, spec: SequenceSpec) -> dict[str, HeadBatch]:
    """A batch of `known_and_targets` as NumPy arrays, by head."""
    known, targets, weights = batch
    return {head: _of_head(spec, head, known, targets, weights) for head in spec.heads}


def _step_features(spec: SequenceSpec) -> list[str]:
    heads = forecast_heads(spec)
    if heads:
        return list(dict.fromkeys(str(label.target) for label in heads.values()))
    classifies_steps = any(label.per_step and label.kind.has_one_class for label in spec.heads.values())
    vectors = [name for label in spec.heads.values() for name in vector_features(spec, label)]
    return list(dict.fromkeys([*(id_features(spec) if classifies_steps else ()), *vectors]))


def _of_head(spec: SequenceSpec, head: str, known: dict[str, Any], targets: Any, weights: Any) -> HeadBatch:
    label = spec.heads[head]
    target, weight = (part[head] if isinstance(part, dict) else part for part in (targets, weights))
    ids, history = {}, None
    if label.kind.from_windows:
        history = known[SEQUENCE_PREFIX + str(label.target)].numpy()
    elif label.per_step and label.kind.has_one_class:
        ids = {name: known[SEQUENCE_PREFIX + name].numpy() for name in id_features(spec)}
    return HeadBatch(
        targets=target.numpy(),
        weights=weight.numpy(),
        previous=_previous(known[label_name(head)]) if sees_previous_label(spec, label) else None,
        ids=ids,
        vectors={name: known[SEQUENCE_PREFIX + name].numpy() for name in vector_features(spec, label)},
        history=history,
        lengths=known[SEQUENCE_LENGTH].numpy(),
    )


def _previous(labels: tf.Tensor) -> np.ndarray:
    """The labels of the steps, with -1 for a missing class and 0 for a missing number."""
    if labels.dtype.is_floating:
        return np.nan_to_num(labels.numpy(), nan=0.0)
    return tf.where(is_marked(labels), tf.constant(NO_ID, labels.dtype), labels).numpy()
