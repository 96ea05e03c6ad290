"""Data sets as Transform would give them, read and indexed at once: for tests that need no transform graph."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tfx_sequences.components.naive.head_batches import HeadBatch, by_head, known_and_targets
from tfx_sequences.schemas.columns.names import SEQUENCE_LENGTH, SEQUENCE_PREFIX
from tfx_sequences.schemas.features.parse_specs import parse_records
from tfx_sequences.schemas.features.transformed_features import label_name, mase_scale_name
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def read_set(folder: Path, spec: SequenceSpec) -> tuple[dict[str, list[str]], dict[str, list[dict[str, HeadBatch]]]]:
    """The classes of each head, the most frequent first; and by split one batch of all records."""
    splits = {split: _parsed(folder, split, spec) for split in ("train", "test")}
    features: dict[str, dict[str, Any]] = {split: {} for split in splits}
    classes = {}
    for split, raw in splits.items():
        features[split][SEQUENCE_LENGTH] = next(
            x for n, x in raw.items() if n.startswith(SEQUENCE_PREFIX)
        ).row_lengths()
    for name, column in spec.sequence.items():
        named = {split: raw[SEQUENCE_PREFIX + column.key] for split, raw in splits.items()}
        terms = _terms(named["train"]) if column.type == "categorical" else None
        for split, values in named.items():
            size = getattr(column, "shape", ())
            features[split][SEQUENCE_PREFIX + name] = _steps(values, terms, size)
    for head, label in spec.heads.items():
        named = {split: raw[SEQUENCE_PREFIX * label.per_step + label.key] for split, raw in splits.items()}
        terms = _terms(named["train"]) if label.type == "classification" else None
        if terms is not None:
            classes[head] = [str(x, "utf-8") if isinstance(x, bytes) else str(x) for x in terms]
        elif label.has_classes:
            classes[head] = list(label.given_classes)
        for split, values in named.items():
            features[split][label_name(head)] = (
                _steps(values, terms, label.shape) if label.per_step else _ids(values, terms)
            )
            if label.mase_scale:
                features[split][mase_scale_name(head)] = splits[split][label.mase_scale]
    return classes, {split: [by_head(known_and_targets(its, spec), spec)] for split, its in features.items()}


def _parsed(folder: Path, split: str, spec: SequenceSpec) -> dict[str, Any]:
    files = sorted(str(file) for file in folder.glob(f"{split}-*"))
    [records] = tf.data.TFRecordDataset(files, "GZIP").batch(1 << 20)
    return parse_records(records, spec)


def _terms(values: Any) -> np.ndarray:
    """By how often they come, as in a vocabulary of TFT."""
    flat = values.flat_values if isinstance(values, tf.RaggedTensor) else values
    terms, counts = np.unique(flat.numpy(), return_counts=True)
    return terms[np.argsort(-counts, kind="stable")]


def _ids(values: tf.Tensor, terms: np.ndarray | None) -> tf.Tensor:
    """The index of each term, -1 of one that is unknown; without terms what is there."""
    if terms is None:
        return values
    order = np.argsort(terms)
    place = np.minimum(np.searchsorted(terms, values, sorter=order), len(terms) - 1)
    return tf.constant(np.where(terms[order][place] == values, order[place], -1), tf.int64)


def _steps(values: tf.RaggedTensor, terms: np.ndarray | None, shape: tuple[int, ...]) -> tf.RaggedTensor:
    flat = tf.reshape(values.flat_values, [-1, *shape])
    return tf.RaggedTensor.from_row_splits(_ids(flat, terms), values.row_splits)
