"""Finds out what the training split decides of the network, from what Transform wrote."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import tensorflow_transform as tft

from tfx_sequences.components.input.sequence_input import Batch
from tfx_sequences.components.network.task_statistics import HeadStatistics, TaskStatistics
from tfx_sequences.components.transform.class_counts import balanced_weights, read_counts
from tfx_sequences.components.transform.length_histogram import read_histogram
from tfx_sequences.errors import SpecError, did_you_mean, shortened
from tfx_sequences.schemas.columns.column import IdColumn, TermColumn
from tfx_sequences.schemas.columns.shared_tables import names_by_table
from tfx_sequences.schemas.columns.vocabularies import known_terms
from tfx_sequences.schemas.columns.vocabularies import num_ids as count_ids
from tfx_sequences.schemas.features.computed_vocabularies import computed_vocabularies, vocabulary_name
from tfx_sequences.schemas.features.transformed_features import label_name
from tfx_sequences.schemas.spec.label import Label
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def task_statistics(spec: SequenceSpec, tft_output: tft.TFTransformOutput, train: Iterable[Batch]) -> TaskStatistics:
    """Sizes of vocabularies, classes and their weights, the spread of regression labels.

    Args:
        spec: The spec.
        tft_output: What Transform wrote.
        train: Batches of the training split; read only where a label is one of regression.

    Raises:
        SpecError: `class_weights` names a class that the training split does not have.
    """
    computed = {name: file for file, names in computed_vocabularies(spec).items() for name in names}
    tables = {name: table for table, names in names_by_table(spec.columns).items() for name in names}
    num_ids, terms = {}, {}
    for name, column in spec.columns.items():
        if not isinstance(column, IdColumn):
            continue
        file = computed.get(name)
        num_ids[name] = count_ids(column, tft_output.vocabulary_size_by_name(file) if file else None)
        if column.embedding and column.embedding.vectors_file and isinstance(column, TermColumn):
            terms[tables[name]] = _terms(tft_output, file) if file else known_terms(column)
    spread = _spread(spec, train)
    heads = {
        head: _of_classes(spec, head, label, tft_output) if label.has_classes else spread.get(head, HeadStatistics())
        for head, label in spec.heads.items()
    }
    return TaskStatistics(num_ids, heads, terms)


def _of_classes(spec: SequenceSpec, head: str, label: Label, tft_output: tft.TFTransformOutput) -> HeadStatistics:
    name = label_name(head)
    classes = label.given_classes or tuple(_terms(tft_output, vocabulary_name(name)))
    if label.class_weights is None:
        return HeadStatistics(classes)
    if isinstance(label.class_weights, dict):
        for named in label.class_weights:
            if named not in classes:
                raise SpecError(
                    f"{spec.where_of_head(head)}.class_weights: '{named}' is no class of the training split.",
                    expected=f"one of {shortened(classes)}",
                    received=f"'{named}'",
                    fix=f"Mend the name of the class.{did_you_mean(named, classes)}",
                )
        return HeadStatistics(classes, tuple(label.class_weights.get(c, 1.0) for c in classes))
    tokens = classes if label.given_classes is None else tuple(str(i) for i in range(len(classes)))
    counts = read_counts(tft_output, name, tokens)
    several = label.type == "multi_label"
    targets = _targets(label, tft_output) if several else int(counts.sum())
    return HeadStatistics(classes, tuple(balanced_weights(counts, targets, several=several).tolist()))


def _targets(label: Label, tft_output: tft.TFTransformOutput) -> int:
    """How many the label has in the training split."""
    lengths = read_histogram(tft_output)
    each = np.maximum(lengths.lengths - label.shift, 0) if label.per_step else np.ones_like(lengths.lengths)
    return int((each * lengths.counts).sum())


def _spread(spec: SequenceSpec, train: Iterable[Batch]) -> dict[str, HeadStatistics]:
    """Mean and standard deviation of each number of the regression labels, whatever targets weigh."""
    labels = {head: label for head, label in spec.heads.items() if label.type == "regression"}
    sums: dict[str, Any] = {head: np.zeros((2, label.size)) for head, label in labels.items()}
    counts = dict.fromkeys(labels, 0)
    shifts: dict[str, np.ndarray] = {}
    for _, targets, weights in train if labels else ():
        for head, label in labels.items():
            target, weight = (part[head] if isinstance(part, dict) else part for part in (targets, weights))
            there = np.asarray(weight) > 0
            values = np.asarray(target, np.float64)[there].reshape(-1, label.size)
            if len(values):
                # About the first mean, or the squares of large numbers would drown the spread.
                shift = shifts.setdefault(head, values.mean(axis=0))
                sums[head] += [(values - shift).sum(axis=0), np.square(values - shift).sum(axis=0)]
                counts[head] += len(values)
    found = {}
    for head, (total, squares) in sums.items():
        count = max(counts[head], 1)
        about = total / count
        deviation = np.sqrt(np.maximum(squares / count - about**2, 0))
        mean = about + shifts.get(head, np.zeros(()))
        deviation = np.where(deviation > 0, deviation, 1.0)
        found[head] = HeadStatistics(mean=tuple(mean.tolist()), std=tuple(deviation.tolist()))
    return found


def _terms(tft_output: tft.TFTransformOutput, vocabulary: str) -> list[str]:
    return [term.decode() for term in tft_output.vocabulary_by_name(vocabulary)]
