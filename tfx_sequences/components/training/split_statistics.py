"""Computes the statistics of the training split that shape the network, from Transform's output."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

import numpy as np

from tfx_sequences.components.batches.forecast_windows import windows_per_record
from tfx_sequences.components.input.sequence_input import Batch
from tfx_sequences.components.network.task_statistics import HeadStatistics, TaskStatistics
from tfx_sequences.components.numbers.chosen import read_choices
from tfx_sequences.components.transform.class_counts import balanced_weights, read_counts
from tfx_sequences.components.transform.length_histogram import LengthHistogram, read_histogram, read_missing_labels
from tfx_sequences.components.transform.transform_output import TransformOutput
from tfx_sequences.errors import SpecError, did_you_mean, shortened
from tfx_sequences.schemas.columns.column import IdColumn, TermColumn
from tfx_sequences.schemas.columns.shared_tables import names_by_table
from tfx_sequences.schemas.columns.vocabularies import known_terms
from tfx_sequences.schemas.columns.vocabularies import num_ids as count_ids
from tfx_sequences.schemas.features.computed_vocabularies import computed_vocabularies, vocabulary_name
from tfx_sequences.schemas.features.transformed_features import label_name
from tfx_sequences.schemas.kinds.unseen import with_unseen
from tfx_sequences.schemas.spec.label import Label
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def task_statistics(
    spec: SequenceSpec,
    transformed: TransformOutput,
    train: Iterable[Batch] | None,
    lengths: LengthHistogram | None = None,
) -> TaskStatistics:
    """Vocabulary sizes, classes and their weights, numbers of targets, spread of labels, chosen normalizers.

    Args:
        spec: The spec.
        transformed: Transform's output.
        train: Batches of one epoch of training; read only if a label is a regression, or targets have weights.
            None for a model that is not trained.
        lengths: Lengths of the training records; None if they are the records that Transform analyzed.

    Raises:
        SpecError: `class_weights` names a class that does not occur in the training split.
    """
    computed = {name: file for file, names in computed_vocabularies(spec).items() for name in names}
    tables = {name: table for table, names in names_by_table(spec.columns).items() for name in names}
    num_ids, terms = {}, {}
    for name, column in spec.columns.items():
        if not isinstance(column, IdColumn):
            continue
        file = computed.get(name)
        num_ids[name] = count_ids(column, transformed.vocabulary_size_by_name(file) if file else None)
        if column.embedding and column.embedding.vectors_file and isinstance(column, TermColumn):
            terms[tables[name]] = _terms(transformed, file) if file else known_terms(column)
    missing = read_missing_labels(transformed)
    spread, weights = _read(spec, train, missing)
    lengths = (lengths or read_histogram(transformed)).as_batched(spec.batching)
    heads = {}
    for head, label in spec.heads.items():
        found = _of_classes(spec, head, label, transformed) if label.has_classes else spread.get(head, HeadStatistics())
        targets = weights.get(head, _number_of_targets(spec, label, lengths) - missing.get(head, 0))
        heads[head] = dataclasses.replace(found, targets=float(targets))
    return TaskStatistics(num_ids, heads, terms, read_choices(transformed.transform_savedmodel_dir))


def table_terms(spec: SequenceSpec, transformed: TransformOutput) -> dict[str, list[str]]:
    """The terms of embedding tables in the order of their ids: from the spec, or computed by Transform.

    Returns:
        Terms by table, for tables whose ids stand for terms.
    """
    computed = {name: file for file, names in computed_vocabularies(spec).items() for name in names}
    found = {}
    for table, names in names_by_table(spec.columns).items():
        column = spec.columns[names[0]]
        if not isinstance(column, TermColumn):
            continue
        if names[0] in computed:
            found[table] = _terms(transformed, computed[names[0]])
        elif (terms := known_terms(column)) is not None:
            found[table] = terms
    return found


def _of_classes(spec: SequenceSpec, head: str, label: Label, transformed: TransformOutput) -> HeadStatistics:
    name = label_name(head)
    classes = label.given_classes or tuple(_terms(transformed, vocabulary_name(name)))
    if label.unseen != "error":
        classes = with_unseen(classes)
    if label.class_weights is None:
        return HeadStatistics(classes)
    if isinstance(label.class_weights, dict):
        for named in label.class_weights:
            if named not in classes:
                raise SpecError(
                    f"{spec.where_of_head(head)}.class_weights: '{named}' is not a class of the training split.",
                    expected=f"one of {shortened(classes)}",
                    received=f"'{named}'",
                    fix=f"Correct the name of the class.{did_you_mean(named, classes)}",
                )
        return HeadStatistics(classes, tuple(label.class_weights.get(c, 1.0) for c in classes))
    tokens = classes if label.given_classes is None else tuple(str(i) for i in range(len(classes)))
    counts = read_counts(transformed, name, tokens)
    several = label.kind.has_several_classes
    targets = _targets(head, label, transformed) if several else int(counts.sum())
    return HeadStatistics(classes, tuple(balanced_weights(counts, targets, several=several).tolist()))


def _targets(head: str, label: Label, transformed: TransformOutput) -> int:
    """The label's number of targets in the training split."""
    lengths = read_histogram(transformed)
    each = np.maximum(lengths.lengths - label.shift, 0) if label.per_step else np.ones_like(lengths.lengths)
    return int((each * lengths.counts).sum()) - read_missing_labels(transformed).get(head, 0)


def _number_of_targets(spec: SequenceSpec, label: Label, lengths: LengthHistogram) -> int:
    """The number of targets in one training epoch, each with weight 1; does not read any records."""
    if label.per_step:
        return int((np.maximum(lengths.lengths - label.shift, 0) * lengths.counts).sum())
    return int(lengths.counts.sum()) * windows_per_record(spec, training=True)


def _read(
    spec: SequenceSpec, train: Iterable[Batch] | None, missing: Mapping[str, int]
) -> tuple[dict[str, HeadStatistics], dict[str, float]]:
    """The statistics that need a pass over the records, by head: the spread of values, and the weight of targets."""
    spread = {head: label for head, label in spec.heads.items() if label.kind.needs_spread}
    weighted = {
        head for head, label in spec.heads.items() if spec.example_weight or label.step_weight or missing.get(head)
    }
    spreads = {head: _Spread(label.size) for head, label in spread.items()}
    totals = dict.fromkeys(weighted, 0.0)
    for _, targets, weights in train if train is not None and (spread or weighted) else ():
        for head in spec.heads:
            target, weight = (np.asarray(x[head] if isinstance(x, dict) else x) for x in (targets, weights))
            if head in spreads:
                spreads[head].add(target[weight > 0])
            if head in totals:
                totals[head] += float(np.maximum(weight, 0).sum(dtype=np.float64))
    return {head: spread.statistics() for head, spread in spreads.items()}, totals


class _Spread:
    """Mean and standard deviation of each number of a regression label, independent of target weights."""

    def __init__(self, size: int) -> None:
        self._sums = np.zeros((2, size))
        self._count = 0
        # Sums are taken around the first mean; otherwise squares of large numbers would drown the spread.
        self._shift: np.ndarray | None = None

    def add(self, values: np.ndarray) -> None:
        values = values.astype(np.float64).reshape(-1, self._sums.shape[1])
        if not len(values):
            return
        if self._shift is None:
            self._shift = values.mean(axis=0)
        self._sums += [(values - self._shift).sum(axis=0), np.square(values - self._shift).sum(axis=0)]
        self._count += len(values)

    def statistics(self) -> HeadStatistics:
        mean, squares = self._sums / max(self._count, 1)
        deviation = np.sqrt(np.maximum(squares - mean**2, 0))
        mean = mean + (0 if self._shift is None else self._shift)
        return HeadStatistics(mean=tuple(mean.tolist()), std=tuple(np.where(deviation > 0, deviation, 1.0).tolist()))


def _terms(transformed: TransformOutput, vocabulary: str) -> list[str]:
    return [term.decode() for term in transformed.vocabulary_by_name(vocabulary)]
