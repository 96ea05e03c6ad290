"""The figures of naive answers on a split, by the same targets, weights and definitions as the model's own.

A naive answer needs counts of the training split at most: the majority class, the most frequent class for a term or
after the previous label, the mean, the last value, the last season. See docs/evaluation.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from tfx_sequences.components.naive.classes import Answers, NaiveClasses
from tfx_sequences.components.naive.head_batches import HeadBatch, naive_batches
from tfx_sequences.components.naive.multi_label import NaiveMultiLabel
from tfx_sequences.components.naive.numbers import NaiveForecasts, NaiveNumbers
from tfx_sequences.components.transform.length_histogram import LengthHistogram
from tfx_sequences.schemas.kinds.classification import DeclaredClassification
from tfx_sequences.schemas.kinds.forecast import DeclaredForecast
from tfx_sequences.schemas.kinds.multi_label import DeclaredMultiLabel
from tfx_sequences.schemas.kinds.regression import DeclaredRegression
from tfx_sequences.schemas.spec.label import Label
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec
from tfx_sequences.schemas.spec.training_options import better_direction

FIGURES, LEFT_OUT = "figures", "left_out"
# By the kind of the label; labels of other kinds have no naive answers.
_HEADS: Mapping[str, Callable[[Label, Sequence[str]], NaiveHead]] = {
    DeclaredClassification.name: NaiveClasses,
    DeclaredMultiLabel.name: NaiveMultiLabel,
    DeclaredRegression.name: lambda label, _: NaiveNumbers(label),
    DeclaredForecast.name: lambda label, _: NaiveForecasts(label),
}


class NaiveHead(Protocol):
    """Counts what the naive answers of one head are made of."""

    @property
    def reads_training(self) -> bool:
        """It needs the training split."""

    @property
    def left_out(self) -> Sequence[str]:
        """Answers that were not made, in words."""

    def fit(self, batch: HeadBatch) -> None:
        """Counts a batch of the training split."""

    def measure(self, batch: HeadBatch) -> None:
        """Counts a batch of the split that is measured."""

    def answers(self) -> Answers:
        """The figures of the measured split."""


def naive_answers(
    spec: SequenceSpec,
    classes: Mapping[str, Sequence[str]],
    train: Iterable[Mapping[str, HeadBatch]],
    test: Iterable[Mapping[str, HeadBatch]],
) -> dict[str, Any]:
    """The naive answers to a spec's labels, each split read once.

    Args:
        spec: The spec.
        classes: The classes of each head that has some, in the order of its outputs.
        train: Batches of the training split, as of `naive_batches`; not read where nothing is learned from it.
        test: Batches of the split that is measured.

    Returns:
        `figures`: by metric, as the Evaluator calls it, `{"answer": name, "value": figure}` of each naive answer, the
        best first. `left_out`: in words, what was not counted.
    """
    heads = {
        name: _HEADS[label.type](label, classes.get(name, ()))
        for name, label in spec.heads.items()
        if label.type in _HEADS
    }
    learning = {name: head for name, head in heads.items() if head.reads_training}
    for batch in train if learning else ():
        for name, head in learning.items():
            head.fit(batch[name])
    for batch in test if heads else ():
        for name, head in heads.items():
            head.measure(batch[name])
    figures = {}
    for name, head in heads.items():
        for figure, values in head.answers().items():
            if figure in spec.heads[name].metrics:
                figures[spec.metric_name(name, figure)] = _best_first(figure, values)
    return {FIGURES: figures, LEFT_OUT: [words for head in heads.values() for words in head.left_out]}


def naive_answers_of_files(
    spec: SequenceSpec,
    classes: Mapping[str, Sequence[str]],
    train_files: Sequence[str],
    test_files: Sequence[str],
    lengths: LengthHistogram,
) -> dict[str, Any]:
    """The same of transformed records.

    Args:
        spec: The spec.
        classes: As of `naive_answers`.
        train_files: Those of the training split.
        test_files: Those of the split that is measured.
        lengths: Of the training split.
    """
    train, test = (naive_batches(files, spec, lengths) for files in (train_files, test_files))
    return naive_answers(spec, classes, train, test)


def _best_first(figure: str, values: Mapping[str, float]) -> list[dict[str, Any]]:
    sign = 1 if better_direction(figure) == "min" else -1
    return [{"answer": name, "value": value} for name, value in sorted(values.items(), key=lambda x: sign * x[1])]
