"""Naive answers for classification: the majority, the previous label, the most frequent class of each term.

The metrics are functions of the counts of the evaluated split. So they are exact, and records need not be processed
one by one; only spans are counted batch by batch.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tfx_sequences.components.kinds.registry import kind_of
from tfx_sequences.components.kinds.spans import is_iob, span_counts
from tfx_sequences.components.naive.class_table import ClassTable, class_frequencies, likelihood_sums, score_sums
from tfx_sequences.components.naive.head_batches import HeadBatch
from tfx_sequences.components.naive.pair_counts import MOST_PAIRS, PairCounts, Pairs
from tfx_sequences.schemas.spec.label import Label

# Names of conditions; names of features are quoted.
_NONE, _PREVIOUS = "", "previous label"
_REPEATED = f"{_PREVIOUS} repeated"
# A curve is not computed from more probabilities than this.
_MOST_SCORES = 1 << 28
_OF_PROBABILITIES = ("loss", "auc")

Answers = dict[str, dict[str, float]]
"""The value of each answer, by metric."""


class NaiveClasses:
    """Counts one classification head, for records or steps.

    Args:
        label: The label.
        classes: Its classes, in the order of the outputs.
        most_pairs: Maximum number of distinct pairs of condition and class; answers with more are skipped.

    Attributes:
        left_out: Descriptions of the answers that were skipped.
    """

    reads_training = True

    def __init__(self, label: Label, classes: Sequence[str], most_pairs: int = MOST_PAIRS) -> None:
        self._label = label
        self._classes = tuple(classes)
        self._most_pairs = most_pairs
        self._spans = label.per_step and is_iob(classes)
        self._trained: dict[str, PairCounts] = {}
        self._measured: dict[str, PairCounts] = {}
        self._tables: dict[str, ClassTable] = {}
        self._span_sums: dict[str, np.ndarray] = {}
        self.left_out: list[str] = []

    def fit(self, batch: HeadBatch) -> None:
        """Counts a batch of the training split."""
        there = batch.weights > 0
        for condition, given in _conditions(batch).items():
            self._count(self._trained, condition, given, batch, there)

    def measure(self, batch: HeadBatch) -> None:
        """Counts a batch of the evaluated split."""
        self._tables = self._tables or self._make_tables()
        there = batch.weights > 0
        for condition, given in _conditions(batch).items():
            table = self._tables.get(condition)
            if table is None:
                continue
            self._count(self._measured, condition, given, batch, there)
            if self._spans:
                self._count_spans(_words(condition)[0], table.predicted(given), batch, there)
        if self._spans and batch.previous is not None:
            self._count_spans(_REPEATED, np.maximum(batch.previous, 0), batch, there)

    def answers(self) -> Answers:
        """The metrics on the evaluated split."""
        found: Answers = {}
        for condition, table in self._tables.items():
            pairs = self._measured[condition].pairs()
            if pairs is None:
                self._leave_out(condition)
                continue
            predicting, frequencies = _words(condition)
            classes = len(self._classes)
            scores = None
            if "auc" in self._label.metrics and len(np.unique(pairs.given)) * classes <= _MOST_SCORES:
                scores = score_sums(table, pairs, classes)
            for figure, value in self._figures(likelihood_sums(table, pairs), predicting, scores).items():
                found.setdefault(figure, {})[frequencies if figure in _OF_PROBABILITIES else predicting] = value
            if condition == _PREVIOUS:
                self._add_repeated(found, pairs)
        return found

    def _add_repeated(self, found: Answers, pairs: Pairs) -> None:
        """Adds the answer that repeats the previous label; it does not give probabilities."""
        right = pairs.weights @ (pairs.given - 1 == pairs.classes)
        for figure, value in self._figures(np.array([pairs.weights.sum(), 0.0, right]), _REPEATED).items():
            if figure not in _OF_PROBABILITIES:
                found.setdefault(figure, {})[_REPEATED] = value

    def _figures(self, means: np.ndarray, answer: str, scores: np.ndarray | None = None) -> dict[str, float]:
        """The metrics that the model's own measures compute from an answer's sums.

        Args:
            means: Sums as returned by `likelihood_sums`.
            answer: The answer whose spans count; without predicted spans it has no span metrics.
            scores: Sums as returned by `score_sums`; None without a curve.
        """
        spans = self._span_sums.get(answer, np.zeros(3))
        predicts_spans = bool(spans[1])
        tags = self._classes if predicts_spans else ()
        measures = kind_of(self._label).measures(self._label, tags, with_curve=scores is not None)
        parts = [means, spans if predicts_spans else np.zeros(0), np.zeros(0) if scores is None else scores]
        return measures.measured(np.concatenate(parts))

    def _count(
        self, counts: dict[str, PairCounts], condition: str, given: np.ndarray, batch: HeadBatch, there: np.ndarray
    ) -> None:
        of_condition = counts.setdefault(condition, PairCounts(len(self._classes), self._most_pairs))
        of_condition.add(given[there], batch.targets[there], batch.weights[there])

    def _make_tables(self) -> dict[str, ClassTable]:
        classes = len(self._classes)
        counted = {condition: counts.pairs() for condition, counts in self._trained.items()}
        table = class_frequencies(counted.pop(_NONE, None) or Pairs.none(), classes)
        [prior] = table.rows(np.zeros(1, np.int64))
        tables = {_NONE: table}
        for condition, pairs in counted.items():
            if pairs is None:
                self._leave_out(condition)
            else:
                tables[condition] = ClassTable(pairs, prior)
        return tables

    def _leave_out(self, condition: str) -> None:
        self.left_out.append(f"{_words(condition)[0]}: more than {self._most_pairs:,} distinct pairs occur")

    def _count_spans(self, answer: str, predicted: np.ndarray, batch: HeadBatch, there: np.ndarray) -> None:
        targets, predicted = (np.where(there, x, 0) for x in (batch.targets, predicted))
        sums = span_counts(targets, predicted, there, self._classes).numpy().astype(np.float64).sum(axis=0)
        self._span_sums[answer] = self._span_sums.get(answer, 0) + sums


def _conditions(batch: HeadBatch) -> dict[str, np.ndarray]:
    """The conditions for counting, as integers of the targets' shape; 0 for a missing value."""
    conditions = {_NONE: np.zeros(batch.targets.shape, np.int64)}
    if batch.previous is not None:
        conditions[_PREVIOUS] = batch.previous.astype(np.int64) + 1
    return conditions | {f"'{name}'": ids.astype(np.int64) + 1 for name, ids in batch.ids.items()}


def _words(condition: str) -> tuple[str, str]:
    """Names of a table's two answers: the predicted class, and the probabilities."""
    if condition == _NONE:
        return "majority class", "class frequencies"
    if condition == _PREVIOUS:
        return f"most frequent after the {_PREVIOUS}", f"frequencies after the {_PREVIOUS}"
    return f"most frequent for each {condition}", f"frequencies for each {condition}"
